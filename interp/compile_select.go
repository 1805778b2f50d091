package interp

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"
)

// choose is the select loop: it shows the items on standard error and reads
// a number into REPLY.
func (l *forLoop) choose(sh *shell) flow {
	sh.line = l.line
	items, err := l.items(sh)
	if err != nil {
		return sh.expansionFailed(err)
	}
	if f, skip := sh.debug(l.source, l.line); skip {
		return f
	}
	if sh.opts.on(optXtrace) && sh.bash() {
		sh.trace(headText(l.source))
	}
	sh.status = 0
	if len(items) == 0 {
		return flowNext
	}
	sh.loopDepth++
	defer func() { sh.loopDepth-- }()
	for menu := true; ; {
		if menu {
			sh.write(2, []byte(sh.menuText(items)))
		}
		sh.write(2, []byte(sh.expandPrompt(sh.getOr("PS3", "#? "))))
		reply, ok := sh.readReply()
		if !ok {
			sh.write(1, []byte("\n"))
			sh.setVar("REPLY", "")
			sh.status = 1
			if sh.attn.pending.Load() != 0 {
				return sh.attend()
			}
			return flowNext
		}
		if menu = reply == ""; menu {
			continue
		}
		choice := ""
		if n, err := strconv.Atoi(reply); err == nil && n >= 1 && n <= len(items) {
			choice = items[n-1]
		}
		if err := sh.setVar("REPLY", reply); err != nil {
			return sh.assignmentFailed(err)
		}
		if err := sh.setVar(l.name, choice); err != nil {
			return sh.assignmentFailed(err)
		}
		if end, result := sh.loopFlow(l.body(sh)); end {
			return result
		}
		reply, _ = sh.getVar("REPLY")
		menu = reply == ""
	}
}

// menuText is the menu: in bash in columns, as many as a line of the terminal
// has room for.
func (sh *shell) menuText(items []string) string {
	width := len(strconv.Itoa(len(items)))
	rows := len(items)
	step := 0
	if sh.bash() {
		for _, item := range items {
			step = max(step, utf8.RuneCountInString(item)+width+4)
		}
		rows = menuRows(len(items), sh.columns()/max(step, 1))
	}
	var b strings.Builder
	for row := range rows {
		for i, at := row, 0; i < len(items); i += rows {
			digits := width
			if at == 0 {
				digits = len(strconv.Itoa(rows))
			}
			item := fmt.Sprintf("%*d) %s", digits, i+1, items[i])
			b.WriteString(item)
			if i+rows < len(items) {
				b.WriteString(tabbed(at+utf8.RuneCountInString(item), at+step))
			}
			at += step
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// menuRows is how many lines a menu has if columns fit beside each other. What
// would be one line is a column.
func menuRows(items, columns int) int {
	columns = max(columns, 1)
	rows := max((items+columns-1)/columns, 1)
	if rows == 1 {
		return items
	}
	return rows
}

// columns is the width of the terminal.
func (sh *shell) columns() int {
	if n, err := strconv.Atoi(sh.getOr("COLUMNS", "")); err == nil && n > 0 {
		return n
	}
	return 80
}

// tabbed is what moves a terminal from one column to another.
func tabbed(from, to int) string {
	var b strings.Builder
	for from < to {
		if to/8 > from/8 {
			b.WriteByte('\t')
			from += 8 - from%8
		} else {
			b.WriteByte(' ')
			from++
		}
	}
	return b.String()
}

// readReply reads a line from standard input.
func (sh *shell) readReply() (string, bool) {
	var line []byte
	var one [1]byte
	for {
		n, err := sh.readFD(0, one[:])
		if err == syscall.EINTR && sh.attn.pending.Load() == 0 {
			continue
		}
		if err != nil || n == 0 {
			return string(line), len(line) > 0
		}
		if one[0] == '\n' {
			return strings.Trim(string(line), " \t"), true
		}
		line = append(line, one[0])
	}
}
