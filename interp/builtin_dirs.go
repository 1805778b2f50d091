package interp

import (
	"errors"
	"fmt"
	"strings"
)

// stackBuiltins are bash's directory stack. The stack without its top, which
// is the working directory, is sh.dirStack, the most recent entry first.
var stackBuiltins = []builtin{
	{name: "pushd", run: runPushd, usage: "pushd [-n] [+N | -N | dir]"},
	{name: "popd", run: runPopd, usage: "popd [-n] [+N | -N]"},
	{name: "dirs", run: runDirs, usage: "dirs [-clpv] [+N] [-N]"},
}

// A numberError is what stands where a +N or -N does; it has bash's usage.
type numberError struct{ text string }

func (e *numberError) Error() string { return e.text + ": invalid number" }

var errStackIndex = errors.New("directory stack index out of range")

// directories is the whole stack, the working directory first.
func (sh *shell) directories() []string {
	list := make([]string, 0, len(sh.dirStack)+1)
	list = append(list, sh.getOr("PWD", "."))
	for _, e := range sh.dirStack {
		list = append(list, e.name)
	}
	return list
}

// setDirectories makes list the stack below the working directory.
func (sh *shell) setDirectories(list []string) {
	stack := make([]dirEntry, len(list))
	for i, name := range list {
		stack[i].name = name
	}
	sh.dirStack = stack
}

// replaceDirectories is DIRSTACK[i]=dir: entries that are there change, but
// for the first, which is the working directory.
func (sh *shell) replaceDirectories(a *indexedArray) {
	list := sh.directories()[1:]
	for i := range list {
		if dir, ok := a.get(i + 1); ok {
			list[i] = dir
		}
	}
	sh.setDirectories(list)
}

// stackIndex reads +N or -N. ok is false for anything else.
func stackIndex(s string, size int) (i int, ok bool, err error) {
	if len(s) < 2 || s[0] != '+' && s[0] != '-' {
		return 0, false, nil
	}
	v, n := digits(s[1:], 10, 9)
	if n != len(s)-1 {
		return 0, false, nil
	}
	i = int(v)
	if s[0] == '-' {
		i = size - 1 - i
	}
	if i < 0 || i >= size {
		return 0, true, errStackIndex
	}
	return i, true, nil
}

// stackTilde is ~N, ~+N and ~-N: entries of the directory stack.
func (sh *shell) stackTilde(s string) (string, bool) {
	if !sh.bash() || s == "" || strings.Trim(s[1:], "0123456789") != "" {
		return "", false
	}
	if c := s[0]; c >= '0' && c <= '9' {
		s = "+" + s
	}
	list := sh.directories()
	i, ok, err := stackIndex(s, len(list))
	if !ok || err != nil {
		return "", false
	}
	return list[i], true
}

// changeTo is cd without its output.
func (sh *shell) changeTo(name, dir string) int {
	return sh.rt.builtins["cd"].run(sh, []string{name, "--", dir})
}

// stackCall is a parsed pushd or popd.
type stackCall struct {
	stay   bool // -n
	index  int
	byPos  bool
	dir    string
	hasDir bool
}

func parseStack(args []string, size int) (*stackCall, error) {
	c := &stackCall{}
	for i := 0; i < len(args); i++ {
		a := args[i]
		index, ok, err := stackIndex(a, size)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", a, err)
		case ok:
			c.index, c.byPos = index, true
		case a == "-n":
			c.stay = true
		case a == "--" && i+1 < len(args):
			c.dir, c.hasDir = args[i+1], true
			i++
		case len(a) > 1 && (a[0] == '-' || a[0] == '+'):
			return nil, &numberError{a}
		case c.hasDir:
			return nil, errors.New("too many arguments")
		default:
			c.dir, c.hasDir = a, true
		}
	}
	return c, nil
}

// badStack reports a wrong call of pushd or popd, which has status 1.
func (sh *shell) badStack(name string, err error) int {
	sh.errorf("%s: %s", name, err)
	var number *numberError
	if errors.As(err, &number) && sh.rt.bash {
		return sh.usageError(name)
	}
	return 1
}

func runPushd(sh *shell, args []string) int {
	list := sh.directories()
	c, err := parseStack(args[1:], len(list))
	if err != nil {
		return sh.badStack(args[0], err)
	}
	switch {
	case c.hasDir && c.stay:
		sh.setDirectories(append([]string{c.dir}, list[1:]...))
		return sh.showDirs(args[0])
	case c.hasDir:
		if status := sh.changeTo(args[0], c.dir); status != 0 {
			return status
		}
		sh.setDirectories(list)
		return sh.showDirs(args[0])
	case !c.byPos && len(list) < 2:
		sh.errorf("%s: no other directory", args[0])
		return 1
	case !c.byPos:
		list[0], list[1] = list[1], list[0]
	default:
		list = append(list[c.index:len(list):len(list)], list[:c.index]...)
		if c.stay {
			sh.setDirectories(list[1:])
			return 0
		}
	}
	if status := sh.changeTo(args[0], list[0]); status != 0 {
		return status
	}
	sh.setDirectories(list[1:])
	return sh.showDirs(args[0])
}

func runPopd(sh *shell, args []string) int {
	list := sh.directories()
	c, err := parseStack(args[1:], len(list))
	switch {
	case err == nil && c.hasDir:
		sh.errorf("%s: %s: invalid argument", args[0], c.dir)
		return sh.usageError(args[0])
	case err == nil && len(list) < 2:
		err = errors.New("directory stack empty")
	}
	if err != nil {
		return sh.badStack(args[0], err)
	}
	if c.stay && c.index == 0 {
		c.index = 1 // the top stays
	}
	if c.index == 0 {
		if status := sh.changeTo(args[0], list[1]); status != 0 {
			return status
		}
		sh.setDirectories(list[2:])
		return sh.showDirs(args[0])
	}
	rest := append([]string(nil), list[1:c.index]...)
	sh.setDirectories(append(rest, list[c.index+1:]...))
	return sh.showDirs(args[0])
}

func (sh *shell) showDirs(name string) int {
	return runDirs(sh, []string{name})
}

// dirsCall is a parsed dirs command.
type dirsCall struct {
	long, lines, numbered bool
	from, to              int // the entries to print
}

func runDirs(sh *shell, args []string) int {
	list := sh.directories()
	c := dirsCall{to: len(list)}
	rest := args[1:]
	for ; len(rest) > 0; rest = rest[1:] {
		i, ok, err := stackIndex(rest[0], len(list))
		if err != nil {
			sh.errorf("%s: %s: %s", args[0], rest[0][1:], err)
			return 1
		}
		if ok {
			c.from, c.to = i, i+1
			continue
		}
		if !isOption(rest[0]) || strings.Trim(rest[0][1:], "clpv") != "" {
			what := "number"
			if rest[0][0] != '-' && rest[0][0] != '+' {
				what = "option"
			}
			sh.errorf("%s: %s: invalid %s", args[0], rest[0], what)
			return sh.usageError(args[0])
		}
		if strings.Contains(rest[0], "c") {
			sh.dirStack = nil
			return 0
		}
		c.long = c.long || strings.Contains(rest[0], "l")
		c.lines = c.lines || strings.ContainsAny(rest[0], "pv")
		c.numbered = c.numbered || strings.Contains(rest[0], "v")
	}
	return sh.emit(args[0], c.format(sh, list))
}

func (c *dirsCall) format(sh *shell, list []string) []byte {
	out := sh.scratch[:0]
	for i := c.from; i < c.to; i++ {
		if i > c.from && !c.lines {
			out = append(out, ' ')
		}
		if c.numbered {
			out = fmt.Appendf(out, "%2d  ", i)
		}
		out = append(out, sh.shortDir(list[i], c.long)...)
		if c.lines {
			out = append(out, '\n')
		}
	}
	if !c.lines {
		out = append(out, '\n')
	}
	return out
}

// shortDir writes the home directory as ~.
func (sh *shell) shortDir(dir string, long bool) string {
	home := sh.getOr("HOME", "")
	if long || len(home) < 2 || !strings.HasPrefix(dir, home) {
		return dir
	}
	if rest := dir[len(home):]; rest == "" || rest[0] == '/' {
		return "~" + rest
	}
	return dir
}
