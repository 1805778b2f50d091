package interp

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"syscall"
)

// mapfileCall is a parsed mapfile command.
type mapfileCall struct {
	array    string
	delim    byte
	count    int // lines at most; 0: all
	origin   int
	at       bool // -O was given: the array is kept
	skip     int
	trim     bool
	fd       int
	callback string
	quantum  int
}

// maxMapfile bounds an index, and with it the memory of what -O makes.
const maxMapfile = 1 << 30

var errNoArray = errors.New("empty array variable name")

// mapfileNumbers is what the arguments of options are.
var mapfileNumbers = map[byte]string{
	'n': "line count", 's': "line count", 'O': "array origin", 'u': "file descriptor specification", 'c': "callback quantum",
}

func parseMapfile(args []string) (*mapfileCall, error) {
	c := &mapfileCall{array: "MAPFILE", delim: '\n', quantum: 5000}
	opts := optionScanner{args: args, spec: "d:n:O:s:tu:C:c:"}
	for opts.next() {
		number := 0
		if opts.letter != 'd' && opts.letter != 't' && opts.letter != 'C' {
			n, err := strconv.Atoi(opts.value)
			if err != nil || n < 0 || n > maxMapfile {
				return nil, errors.New(opts.value + ": invalid " + mapfileNumbers[opts.letter])
			}
			number = n
		}
		switch opts.letter {
		case 'd':
			c.delim = 0
			if opts.value != "" {
				c.delim = opts.value[0]
			}
		case 'n':
			c.count = number
		case 'O':
			c.origin, c.at = number, true
		case 's':
			c.skip = number
		case 't':
			c.trim = true
		case 'u':
			c.fd = number
		case 'C':
			c.callback = opts.value
		case 'c':
			if number == 0 {
				return nil, errors.New("0: invalid callback quantum")
			}
			c.quantum = number
		}
	}
	if opts.err != nil {
		return nil, opts.err
	}
	if rest := opts.rest(); len(rest) > 0 {
		c.array = rest[0]
	}
	if c.array == "" {
		return nil, errNoArray
	}
	if !validName(c.array) {
		return nil, &nameError{"`" + c.array + "'", "not a valid identifier"}
	}
	return c, nil
}

func runMapfile(sh *shell, args []string) int {
	c, err := parseMapfile(args[1:])
	if err == errNoArray {
		sh.errorf("%s: %s", args[0], err)
		return 2
	}
	if err != nil {
		return sh.badCall(args[0], err)
	}
	in, err := sh.openInput(c.fd)
	if err != nil {
		sh.errorf("%s: %d: invalid file descriptor: %s", args[0], c.fd, errText(err))
		return 1
	}
	if sh.lookupVar(c.array).is(attrAssoc) {
		in.close()
		sh.errorf("%s: %s: not an indexed array", args[0], c.array)
		return 1
	}
	if !c.at || !sh.lookupVar(c.array).is(attrIndexed) {
		if err := sh.setArray(c.array, nil); err != nil {
			in.close()
			sh.assignFailed(args[0], err)
			return 1
		}
	}
	err = sh.fillArray(c, in)
	in.close()
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return 0
	case errors.Is(err, syscall.EINTR):
		return sh.status
	}
	sh.errorf("%s: %s", args[0], errText(err))
	return 1
}

// fillArray reads the lines and assigns them one after the other.
func (sh *shell) fillArray(c *mapfileCall, in *input) error {
	for n := 0; c.count == 0 || n < c.skip+c.count; n++ {
		line, err := readDelimited(in, c.delim, c.trim)
		if err != nil && len(line) == 0 {
			return err
		}
		if n < c.skip {
			continue
		}
		i := n - c.skip
		if c.callback != "" && (i+1)%c.quantum == 0 {
			text := fmt.Sprintf("%s %d %s", c.callback, c.origin+i, quoteForShell(string(line)))
			if sh.jump = sh.evalText(text, "mapfile"); sh.jump != flowNext {
				return nil
			}
		}
		if e := sh.setIndexed(c.array, c.origin+i, string(line)); e != nil {
			return e
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readDelimited reads up to a delimiter, which it keeps unless told to trim.
func readDelimited(in *input, delim byte, trim bool) ([]byte, error) {
	var line []byte
	cut := false // bash's lines end with a NUL
	for {
		c, err := in.next()
		if err != nil {
			return line, err
		}
		cut = cut || c == 0
		if c == delim {
			if !trim && !cut {
				line = append(line, c)
			}
			if line == nil {
				line = []byte{}
			}
			return line, nil
		}
		if !cut {
			line = append(line, c)
		}
	}
}
