package interp

import (
	"strconv"
	"strings"
	"syscall"
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
			sh.write(2, []byte(menuText(items)))
		}
		sh.write(2, []byte(sh.expandPrompt(sh.getOr("PS3", "#? "))))
		reply, ok := sh.readReply()
		if !ok {
			sh.write(1, []byte("\n"))
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

func menuText(items []string) string {
	var b strings.Builder
	width := len(strconv.Itoa(len(items)))
	for i, item := range items {
		n := strconv.Itoa(i + 1)
		b.WriteString(strings.Repeat(" ", width-len(n)) + n + ") " + item + "\n")
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
