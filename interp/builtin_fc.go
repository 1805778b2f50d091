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
	if sh.history == nil && !sh.rt.bash || sh.parent != nil && !c.list {
		sh.errorf("fc: %s", errNoHistory)
		return 1
	}
	last := sh.past().lastCommand()
	if last < 0 {
		if c.list {
			return 0
		}
		sh.errorf("fc: %s", errNoCommand)
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

// fcIndex resolves an operand of fc: a number, how many back, or how the
// command began. A number out of range is beyond, which is the end that the
// operand is for. last is the index of the newest command that counts.
func (sh *shell) fcIndex(operand string, last, beyond int, list bool) (int, error) {
	h := sh.history.list
	n, err := strconv.Atoi(operand)
	switch {
	case err != nil:
		if n = h.FindPrefix(operand, last+1); n < 0 {
			return 0, errNoCommand
		}
		return n, nil
	case operand == "-0" && !list:
		return 0, errOutOfRange
	case operand == "-0":
		return h.Len() - 1, nil
	case n <= 0:
		return max(last+min(n+1, 0), 0), nil
	}
	if n -= h.First(); n > last {
		return beyond, nil
	}
	return max(n, 0), nil
}

// fcRange resolves the operands first and last.
func (sh *shell) fcRange(c *fcCall, last int) ([]int, error) {
	from, to := last, last
	if c.list {
		from = max(last-15, 0)
	}
	beyond := 0
	if !sh.rt.bash {
		beyond = last
	}
	var err error
	if len(c.operands) > 0 {
		if from, err = sh.fcIndex(c.operands[0], last, beyond, c.list); err != nil {
			return nil, err
		}
		if !c.list {
			to = from
		}
		if to < from && len(c.operands) == 1 {
			to = from
		}
	}
	if len(c.operands) > 1 {
		if to, err = sh.fcIndex(c.operands[1], last, last, c.list); err != nil {
			return nil, err
		}
	}
	numbers := between(from, to)
	if c.reverse {
		slices.Reverse(numbers)
	}
	return numbers, nil
}

// between are the numbers from a to b, in that order.
func between(a, b int) (list []int) {
	step := 1
	if a > b {
		step = -1
	}
	for n := a; ; n += step {
		list = append(list, n)
		if n == b {
			return list
		}
	}
}

func (sh *shell) fcList(c *fcCall, last int) int {
	numbers, err := sh.fcRange(c, last)
	if err != nil {
		sh.errorf("fc: %s", err)
		return 1
	}
	list := sh.history.list
	var b strings.Builder
	for _, n := range numbers {
		text, between := list.At(n).Text, "\t"
		if sh.rt.bash {
			between = "\t "
		} else {
			text = strings.ReplaceAll(text, "\n", "\n\t")
		}
		if !c.bare {
			b.WriteString(strconv.Itoa(list.First() + n))
		}
		b.WriteString(between + text + "\n")
	}
	return sh.output("fc", []byte(b.String()))
}

// fcAgain runs a command once more, with replacements: of every place in bash.
func (sh *shell) fcAgain(c *fcCall, last int) int {
	rest := c.operands
	var pairs [][2]string
	for len(rest) > 0 {
		was, now, replace := strings.Cut(rest[0], "=")
		if !replace || len(pairs) == 1 && !sh.rt.bash {
			break
		}
		pairs, rest = append(pairs, [2]string{was, now}), rest[1:]
	}
	n := last
	if len(rest) > 0 {
		var err error
		if n, err = sh.fcIndex(rest[0], last, last, false); err != nil {
			sh.errorf("fc: %s", errNoCommand)
			return 1
		}
	}
	text, times := sh.history.list.At(n).Text, 1
	if sh.rt.bash {
		times = -1
	}
	for _, pair := range pairs {
		text = strings.Replace(text, pair[0], pair[1], times)
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
		b.WriteString(sh.history.list.At(n).Text + "\n")
	}
	editor := c.editor
	if editor == "" {
		editor = sh.fcEditor()
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
		if sh.rt.bash {
			sh.past().dropCurrent()
			return 1
		}
		sh.errorf("fc: the commands were not run")
		return max(status, 1)
	}
	return sh.fcRun(text)
}

// fcEditor is $FCEDIT; in bash $EDITOR and vi come after it.
func (sh *shell) fcEditor() string {
	other := "ed"
	if sh.bash() {
		if other = sh.getOr("EDITOR", ""); other == "" {
			other = "vi"
		}
	}
	if name := sh.getOr("FCEDIT", ""); name != "" {
		return name
	}
	return other
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
	if m := sh.past(); sh.opts.on(optHistory) || !sh.rt.bash {
		m.dropCurrent()
	} else if n := m.list.Len(); n > 0 {
		m.list.Delete(n-1, n)
	}
	if one := strings.Trim(text, "\n"); strings.TrimSpace(one) != "" {
		sh.remember(one)
	}
	sh.write(2, []byte(text))
	if !sh.deeper("fc") {
		return sh.status
	}
	sh.jump = sh.evalText(text, "fc")
	sh.evalDepth--
	return sh.status
}
