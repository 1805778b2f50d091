package interp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fsh-sh/fsh/interp/history"
)

// historyCall is a parsed history command.
type historyCall struct {
	clear, store, print, remove bool
	position                    string
	files                       []byte // of a, n, r and w
}

// runHistory is bash's.
func runHistory(sh *shell, args []string) int {
	c := historyCall{}
	opts := optionScanner{args: args[1:], spec: "acd:npsrw"}
	for opts.next() {
		switch opts.letter {
		case 'c':
			c.clear = true
		case 's':
			c.store = true
		case 'p':
			c.print = true
		case 'd':
			c.remove, c.position = true, opts.value
		default:
			if !slices.Contains(c.files, opts.letter) {
				c.files = append(c.files, opts.letter)
			}
		}
	}
	if opts.err != nil {
		return sh.badCall(args[0], opts.err)
	}
	if len(c.files) > 1 {
		sh.errorf("%s: cannot use more than one of -anrw", args[0])
		return 1
	}
	return sh.historyDo(args[0], &c, opts.rest())
}

func (sh *shell) historyDo(name string, c *historyCall, rest []string) int {
	m := sh.past()
	if c.clear {
		m.list.Clear()
		m.fresh, m.added = 0, false
		if len(rest) == 0 && len(c.files) == 0 && !c.store && !c.print && !c.remove {
			return 0
		}
	}
	switch {
	case c.store:
		if len(rest) > 0 {
			m.dropCurrent()
			sh.consider(strings.Join(rest, " "))
		}
		return 0
	case c.print:
		return sh.historyPrint(name, rest)
	case c.remove:
		return sh.historyRemove(name, c.position)
	case len(c.files) > 0:
		return sh.historyFile(c.files[0], rest)
	case c.clear:
		return 0
	}
	return sh.historyList(name, rest)
}

// historyPrint is -p: it expands its operands and is not remembered itself.
func (sh *shell) historyPrint(name string, rest []string) int {
	sh.history.dropCurrent()
	out, status := sh.scratch[:0], 0
	for _, arg := range rest {
		text, _, err := sh.expandHistory(arg, nil, false)
		if err != nil {
			sh.errorf("%s: %s: history expansion failed", name, arg)
			status = 1
			continue
		}
		out = append(append(out, text...), '\n')
	}
	return max(status, sh.emit(name, out))
}

// historyRemove is -d: a position, or two with a dash between.
func (sh *shell) historyRemove(name, position string) int {
	from, to, ok := sh.historySpan(name, position)
	if !ok {
		return 1
	}
	sh.history.list.Delete(from, to+1)
	return 0
}

func (sh *shell) historySpan(name, position string) (from, to int, ok bool) {
	first, second, isRange := position, "", false
	if n := strings.IndexByte(position[min(1, len(position)):], '-'); n >= 0 {
		first, second, isRange = position[:n+1], position[n+2:], true
	}
	from, ok = sh.historyPosition(first)
	shown := first
	if to = from; ok && isRange {
		to, ok = sh.historyPosition(second)
		shown = second
	}
	if isRange && (!isNumber(strings.TrimPrefix(first, "-")) || !isNumber(strings.TrimPrefix(second, "-"))) {
		shown, ok = position, false
	}
	if !ok {
		sh.errorf("%s: %s: history position out of range", name, shown)
		return 0, 0, false
	}
	return from, to, from <= to
}

// historyPosition is the index of a number, or of one from the end.
func (sh *shell) historyPosition(text string) (int, bool) {
	list := sh.history.list
	n, err := strconv.Atoi(text)
	if n < 0 {
		n += list.Len()
	} else {
		n -= list.First()
	}
	return n, err == nil && n >= 0 && n < list.Len()
}

// historyFile is -a, -n, -r and -w.
func (sh *shell) historyFile(what byte, rest []string) int {
	name := sh.getOr("HISTFILE", sh.getOr("HOME", "")+"/.history")
	if len(rest) > 0 {
		name = rest[0]
	}
	m := sh.history
	if name == "" {
		return 1
	}
	switch what {
	case 'a':
		if m.fresh == 0 {
			return 0
		}
		n, err := sh.writeHistory(name, syscall.O_APPEND, m.fresh)
		if err != nil {
			return 1
		}
		m.fresh, m.inFile = 0, m.inFile+n
	case 'w':
		if _, err := sh.writeHistory(name, syscall.O_TRUNC, m.list.Len()); err != nil {
			return 1
		}
	default:
		from := 0
		if what == 'n' {
			from = m.inFile
		}
		entries, lines, err := sh.readHistory(name, from)
		if err != nil {
			return 1
		}
		for _, e := range entries {
			m.list.Add(e)
		}
		m.inFile = lines
	}
	return 0
}

// historyList shows the commands, or the last of them.
func (sh *shell) historyList(name string, rest []string) int {
	list := sh.history.list
	from := 0
	if len(rest) > 1 {
		sh.errorf("%s: too many arguments", name)
		sh.jump = flowAbort
		return 1
	}
	if len(rest) == 1 {
		n, err := strconv.Atoi(rest[0])
		if err != nil {
			sh.errorf("%s: %s", name, sh.illegal(rest[0]))
			return 1
		}
		from = max(list.Len()-max(n, -n), 0)
	}
	format, stamped := sh.getVar("HISTTIMEFORMAT")
	out := sh.scratch[:0]
	for i := from; i < list.Len(); i++ {
		e := list.At(i)
		out = fmt.Appendf(out, "%5d  ", list.First()+i)
		if stamped && format != "" {
			out = append(out, historyStamp(e, format)...)
		}
		out = append(append(out, e.Text...), '\n')
	}
	return sh.emit(name, out)
}

func historyStamp(e history.Entry, format string) []byte {
	if e.Time == 0 {
		return []byte("??")
	}
	return strftimeText(nil, format, time.Unix(e.Time, 0))
}
