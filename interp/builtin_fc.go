package interp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

var historyBuiltins = []builtin{
	{name: "fc", run: runFc, usage: "fc [-e ename] [-lnr] [first] [last] or fc -s [pat=rep] [command]"},
	{name: "history", run: runHistory, usage: "history [-c] [-d offset] [n] or history -anrw [filename] or history -ps arg [arg...]"},
}

// fcCall is a parsed fc command.
type fcCall struct {
	list, bare, reverse, again bool
	editor                     string
	operands                   []string
}

func parseFc(args []string) (*fcCall, error) {
	c := &fcCall{}
	for len(args) > 0 && isOption(args[0]) && !isNumber(args[0][1:]) {
		a := args[0]
		args = args[1:]
		if a == "--" {
			break
		}
		for i := 1; i < len(a); i++ {
			switch a[i] {
			case 'l':
				c.list = true
			case 'n':
				c.bare = true
			case 'r':
				c.reverse = true
			case 's':
				c.again = true
			case 'e':
				if c.editor = a[i+1:]; c.editor == "" {
					if len(args) == 0 {
						return nil, &optionError{"-e", true}
					}
					c.editor, args = args[0], args[1:]
				}
				i = len(a)
			default:
				return nil, &optionError{option: "-" + a[i:i+1]}
			}
		}
	}
	if c.editor == "-" {
		c.again = true
	}
	c.operands = args
	return c, nil
}

func runFc(sh *shell, args []string) int {
	c, err := parseFc(args[1:])
	if err != nil {
		return sh.badCall(args[0], err)
	}
	h := sh.history
	if h == nil || sh.parent != nil && !c.list {
		sh.errorf("fc: %s", errNoHistory)
		return 1
	}
	last := h.next() - 2 // the newest one is this fc
	if last <= h.first {
		if c.list {
			return 0
		}
		sh.errorf("fc: there is no history")
		return 1
	}
	switch {
	case c.again:
		return sh.fcAgain(c, last)
	case c.list:
		return sh.fcList(c, last)
	}
	return sh.fcEdit(c, last)
}

// fcRange resolves the operands first and last.
func (sh *shell) fcRange(c *fcCall, last int) ([]int, error) {
	from, to := last, last
	if c.list {
		from = max(last-15, sh.history.first+1)
	}
	var err error
	if len(c.operands) > 0 {
		if from, err = sh.history.find(c.operands[0], last, c.list); err != nil {
			return nil, err
		}
		if !c.list {
			to = from
		}
	}
	if len(c.operands) > 1 {
		if to, err = sh.history.find(c.operands[1], last, c.list); err != nil {
			return nil, err
		}
	}
	numbers := between(from, to)
	if c.reverse {
		slices.Reverse(numbers)
	}
	return numbers, nil
}

func (sh *shell) fcList(c *fcCall, last int) int {
	numbers, err := sh.fcRange(c, last)
	if err != nil {
		sh.errorf("fc: %s", err)
		return 1
	}
	var b strings.Builder
	for _, n := range numbers {
		if !c.bare {
			b.WriteString(strconv.Itoa(n))
		}
		b.WriteString("\t" + strings.ReplaceAll(sh.history.get(n), "\n", "\n\t") + "\n")
	}
	return sh.output("fc", []byte(b.String()))
}

// fcAgain runs a command once more, with a replacement.
func (sh *shell) fcAgain(c *fcCall, last int) int {
	rest := c.operands
	was, now, replace := "", "", false
	if len(rest) > 0 {
		if was, now, replace = strings.Cut(rest[0], "="); replace {
			rest = rest[1:]
		}
	}
	n := last
	if len(rest) > 0 {
		var err error
		if n, err = sh.history.find(rest[0], last, false); err != nil {
			sh.errorf("fc: %s", err)
			return 1
		}
	}
	text := sh.history.get(n)
	if replace {
		text = strings.Replace(text, was, now, 1)
	}
	return sh.fcRun(text + "\n")
}

// fcEdit lets an editor change commands, and runs the result.
func (sh *shell) fcEdit(c *fcCall, last int) int {
	numbers, err := sh.fcRange(c, last)
	if err != nil {
		sh.errorf("fc: %s", err)
		return 1
	}
	var b strings.Builder
	for _, n := range numbers {
		b.WriteString(sh.history.get(n) + "\n")
	}
	editor := c.editor
	if editor == "" {
		editor = sh.getOr("FCEDIT", "ed")
	}
	name, err := sh.fcFile(b.String())
	if err != nil {
		sh.errorf("fc: %s", errText(err))
		return 1
	}
	text := ""
	if f := sh.evalText(editor+" "+quoteSingle(name), "fc"); f != flowNext {
		sh.jump = f
		return sh.status
	}
	edited := sh.status == 0
	if edited {
		var data []byte
		if data, err = sh.readWhole(name, "fc", maxScript); err == nil {
			text = string(data)
		}
	}
	status := sh.status
	sh.evalText("rm -f -- "+quoteSingle(name), "fc")
	if !edited || err != nil {
		sh.errorf("fc: the commands were not run")
		return max(status, 1)
	}
	return sh.fcRun(text)
}

// fcFile writes the text to a new file below $TMPDIR.
func (sh *shell) fcFile(text string) (string, error) {
	dir := sh.getOr("TMPDIR", "/tmp")
	for range 100 {
		name := fmt.Sprintf("%s/fc%08x", dir, rand.Uint32())
		fd, err := sh.rt.sys.Open(&OpenRequest{
			Dir: sh.dir, Path: name, Flags: syscall.O_WRONLY | syscall.O_CREAT | syscall.O_EXCL,
			Mode: 0o600, Where: sh.where("fc"),
		})
		if err == syscall.EEXIST {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = syscall.Write(fd, []byte(text))
		syscall.Close(fd)
		return name, err
	}
	return "", syscall.EEXIST
}

// fcRun shows and runs commands, which take fc's place in the history.
func (sh *shell) fcRun(text string) int {
	sh.history.drop()
	sh.history.add(text, sh.historySize())
	sh.write(2, []byte(text))
	if !sh.deeper("fc") {
		return sh.status
	}
	sh.jump = sh.evalText(text, "fc")
	sh.evalDepth--
	return sh.status
}

// runHistory is bash's, as far as a list goes.
func runHistory(sh *shell, args []string) int {
	h := sh.history
	if h == nil {
		return 0
	}
	rest := operands(args)
	if len(rest) > 0 && rest[0] == "-c" {
		h.first += len(h.lines)
		h.lines = nil
		return 0
	}
	from := h.first + 1
	if len(rest) > 0 {
		n, err := strconv.Atoi(rest[0])
		if err != nil || n < 0 {
			sh.errorf("history: %s", sh.illegal(rest[0]))
			return 1
		}
		from = max(from, h.next()-n)
	}
	var b strings.Builder
	for n := from; n < h.next(); n++ {
		fmt.Fprintf(&b, "%5d  %s\n", n, h.get(n))
	}
	return sh.output("history", []byte(b.String()))
}
