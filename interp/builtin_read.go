package interp

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fsh-sh/fsh/interp/arith"
)

// readCall is a parsed read command.
type readCall struct {
	line   lineReader
	array  string
	prompt string
	silent bool
	fd     int
	names  []string

	timed   bool
	timeout time.Duration
}

// statusTimeout is the status of a read that timed out: above 128, and what
// bash gives (128 + SIGALRM).
const statusTimeout = 142

func runRead(sh *shell, args []string) int {
	call, err := sh.parseRead(args[1:])
	if err != nil {
		return sh.badCall(args[0], err)
	}
	if call.timed && call.timeout == 0 {
		return sh.pollInput(call.fd)
	}
	in, err := sh.openInput(call.fd)
	if err != nil {
		what := "%s: %d: %s"
		if sh.bash() {
			what = "%s: %d: invalid file descriptor: %s"
		}
		sh.errorf(what, args[0], call.fd, errText(err))
		return 1
	}
	if call.timed {
		in.deadline = time.Now().Add(call.timeout)
	}
	restore := sh.prepareTerminal(call, in)
	call.line.next = in.next
	complete, err := call.line.read()
	in.close()
	restore()
	status := 0
	switch {
	case complete:
	case errors.Is(err, errReadTimeout):
		status = statusTimeout
	case errors.Is(err, syscall.EINTR):
		return sh.status
	case errors.Is(err, io.EOF):
		status = 1
	default:
		sh.errorf("%s: read error: %d: %s", args[0], call.fd, errText(err))
		status = 1
	}
	if err := sh.assignRead(call); err != nil {
		sh.assignFailed(args[0], err)
		return sh.badNumber()
	}
	return status
}

// parseRead reads the options: those of POSIX, dash and bash.
func (sh *shell) parseRead(args []string) (*readCall, error) {
	c := &readCall{line: lineReader{delim: '\n', limit: -1, utf8: sh.multibyte()}}
	if t, err := parseSeconds(sh.getOr("TMOUT", "")); sh.bash() && err == nil && t > 0 {
		c.timed, c.timeout = true, t
	}
	opts := optionScanner{args: args, spec: "rseEa:d:i:n:N:p:t:u:"}
	for opts.next() {
		if err := c.option(opts.letter, opts.value); err != nil {
			return nil, err
		}
	}
	if opts.err != nil {
		return nil, opts.err
	}
	c.names = opts.rest()
	if sh.bash() && c.array != "" && !validName(c.array) {
		return nil, &nameError{"`" + c.array + "'", "not a valid identifier"}
	}
	for _, name := range c.names {
		if !sh.validTarget(name) {
			if sh.bash() {
				return nil, &nameError{"`" + name + "'", "not a valid identifier"}
			}
			return nil, &nameError{name, "bad variable name"}
		}
	}
	return c, nil
}

func (c *readCall) option(letter byte, value string) error {
	switch letter {
	case 'r':
		c.line.raw = true
	case 's':
		c.silent = true
	case 'a':
		c.array = value
	case 'd':
		c.line.delim = 0
		if value != "" {
			c.line.delim = value[0]
		}
	case 'n', 'N':
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return errors.New(value + ": invalid number")
		}
		c.line.limit, c.line.exact = n, letter == 'N'
	case 'p':
		c.prompt = value
	case 't':
		t, err := parseSeconds(value)
		if err != nil {
			return err
		}
		c.timed, c.timeout = true, t
	case 'u':
		fd, err := strconv.Atoi(value)
		if err != nil || fd < 0 {
			return errors.New(value + ": invalid file descriptor specification")
		}
		c.fd = fd
	}
	return nil // -e, -E and -i are about line editing, which read does not do
}

// parseSeconds reads a decimal number of seconds.
func parseSeconds(s string) (time.Duration, error) {
	bad := errors.New(s + ": invalid timeout specification")
	whole, frac, _ := strings.Cut(s, ".")
	if whole == "" && frac == "" {
		return 0, bad
	}
	sec, n := digits(whole, 10, 9)
	if n != len(whole) {
		return 0, bad
	}
	nsec := time.Duration(0)
	unit := time.Second / 10
	for i := 0; i < len(frac); i++ {
		d := digitValue(frac[i])
		if d > 9 {
			return 0, bad
		}
		nsec += time.Duration(d) * unit
		unit /= 10
	}
	return time.Duration(sec)*time.Second + nsec, nil
}

// validTarget reports whether s is a name or name[subscript].
func (sh *shell) validTarget(s string) bool {
	name, _, isElement := splitSubscript(s)
	return validName(name) && (!isElement || sh.endsElement(s, slices.Contains(sh.arrayRefs, s)))
}

// endsElement reports whether the last bracket of name[subscript] ends the
// subscript. token: the script has it as an element.
func (sh *shell) endsElement(s string, token bool) bool {
	at := strings.IndexByte(s, '[')
	if !sh.acceptedShopt("assoc_expand_once") {
		return arith.Closing(s, at) == len(s)-1
	}
	return token || strings.IndexByte(s[at:], ']') == len(s)-at-1
}

// assignRead splits what was read and assigns it.
func (sh *shell) assignRead(c *readCall) error {
	text := string(c.line.text)
	split := readSplitter{text: text, protected: c.line.protected, class: &sh.ifs.class, bash: sh.rt.bash}
	switch {
	case c.array != "" && sh.bash() && sh.lookupVar(c.array).is(attrAssoc):
		return errors.New(c.array + ": not an indexed array")
	case c.array != "":
		if c.line.exact {
			return sh.setArray(c.array, []string{text})
		}
		return sh.setArray(c.array, split.all())
	case len(c.names) == 0:
		return sh.setVar("REPLY", text)
	case c.line.exact:
		return sh.assignExact(c.names, text)
	}
	split.skipWhite()
	last := len(c.names) - 1
	for _, name := range c.names[:last] {
		if err := sh.assignTo(name, split.field()); err != nil {
			return err
		}
	}
	return sh.assignTo(c.names[last], split.rest())
}

// assignExact is the assignment of read -N: no splitting.
func (sh *shell) assignExact(names []string, text string) error {
	for i, name := range names {
		if i > 0 {
			text = ""
		}
		if err := sh.assignTo(name, text); err != nil {
			return err
		}
	}
	return nil
}

// optionScanner walks over options as XBD 12.2 describes them: letters may be
// joined, an option-argument may be, `--` ends.
type optionScanner struct {
	args []string
	spec string // as of getopt(3)

	letter byte
	value  string
	err    error
	bundle string // letters left in the current argument
}

func (o *optionScanner) next() bool {
	if o.bundle == "" {
		if len(o.args) == 0 || !isOption(o.args[0]) {
			return false
		}
		if o.args[0] == "--" {
			o.args = o.args[1:]
			return false
		}
		o.bundle, o.args = o.args[0][1:], o.args[1:]
	}
	o.letter, o.bundle, o.value = o.bundle[0], o.bundle[1:], ""
	at := strings.IndexByte(o.spec, o.letter)
	if at < 0 || o.letter == ':' {
		o.err = &optionError{option: "-" + string(rune(o.letter))}
		return false
	}
	if at+1 == len(o.spec) || o.spec[at+1] != ':' {
		return true
	}
	if o.bundle != "" {
		o.value, o.bundle = o.bundle, ""
		return true
	}
	if len(o.args) == 0 {
		o.err = &optionError{"-" + string(rune(o.letter)), true}
		return false
	}
	o.value, o.args = o.args[0], o.args[1:]
	return true
}

// rest are the operands.
func (o *optionScanner) rest() []string { return o.args }
