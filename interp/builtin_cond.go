package interp

import (
	"errors"
	"strings"
	"syscall"
)

// condWorld is what test and [[ ask of their surroundings.
type condWorld interface {
	// condStat is stat(2), or lstat(2) with nofollow, where /dev/fd and its
	// like are the shell's descriptors.
	condStat(path string, nofollow bool, st *syscall.Stat_t) error
	condAccess(path string, mode uint32) error
	condIsTTY(fd int) bool
	// condBash: what is no number is no terminal, rather than an error.
	condBash() bool
	condOption(name string) bool
	condIsSet(name string) bool
	condIsNameref(name string) bool
	condOwner() (uid, gid uint32)
}

// condError is a malformed expression or operand: status 2.
type condError struct {
	text  string
	bash  string // in bash's words; "": the same
	cause error
}

func (e *condError) Error() string { return e.text }

func (e *condError) Unwrap() error { return e.cause }

// modes of access(2).
const (
	accessExec  = 1
	accessWrite = 2
	accessRead  = 4
)

// isUnaryCond reports whether op is a unary primary of test and [[.
func isUnaryCond(op string) bool {
	return len(op) == 2 && op[0] == '-' && strings.IndexByte("abcdefghknoprstuvwxzGLNORS", op[1]) >= 0
}

// isBinaryCond reports whether op is a binary primary of test. The logical
// -a and -o are not primaries.
func isBinaryCond(op string) bool {
	switch op {
	case "=", "==", "!=", "<", ">",
		"-eq", "-ne", "-lt", "-le", "-gt", "-ge",
		"-nt", "-ot", "-ef":
		return true
	}
	return false
}

// evalUnaryCond evaluates `op operand` for test and [[.
func evalUnaryCond(w condWorld, op, operand string) (bool, error) {
	switch op[1] {
	case 'n':
		return operand != "", nil
	case 'z':
		return operand == "", nil
	case 't':
		fd, err := condInteger(operand)
		if err != nil && w.condBash() {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		return fd >= 0 && fd < 1<<31 && w.condIsTTY(int(fd)), nil
	case 'o':
		return w.condOption(operand), nil
	case 'v':
		return w.condIsSet(operand), nil
	case 'R':
		return w.condIsNameref(operand), nil
	case 'r':
		return w.condAccess(operand, accessRead) == nil, nil
	case 'w':
		return w.condAccess(operand, accessWrite) == nil, nil
	case 'x':
		return w.condAccess(operand, accessExec) == nil, nil
	}
	return condFile(w, op[1], operand), nil
}

// condFile evaluates the primaries that look at a file's status.
func condFile(w condWorld, op byte, path string) bool {
	var st syscall.Stat_t
	nofollow := op == 'h' || op == 'L'
	if path == "" || w.condStat(path, nofollow, &st) != nil {
		return false
	}
	kind := st.Mode & syscall.S_IFMT
	switch op {
	case 'a', 'e':
		return true
	case 'b':
		return kind == syscall.S_IFBLK
	case 'c':
		return kind == syscall.S_IFCHR
	case 'd':
		return kind == syscall.S_IFDIR
	case 'f':
		return kind == syscall.S_IFREG
	case 'h', 'L':
		return kind == syscall.S_IFLNK
	case 'p':
		return kind == syscall.S_IFIFO
	case 'S':
		return kind == syscall.S_IFSOCK
	case 's':
		return st.Size > 0
	case 'u':
		return st.Mode&syscall.S_ISUID != 0
	case 'g':
		return st.Mode&syscall.S_ISGID != 0
	case 'k':
		return st.Mode&syscall.S_ISVTX != 0
	case 'N':
		return newer(st.Mtim, st.Atim)
	}
	uid, gid := w.condOwner()
	if op == 'O' {
		return st.Uid == uid
	}
	return st.Gid == gid
}

// evalBinaryCond evaluates `x op y` for test. [[ shares everything but the
// patterns of = and the arithmetic of -eq.
func evalBinaryCond(w condWorld, x, op, y string) (bool, error) {
	switch op {
	case "=", "==":
		return x == y, nil
	case "!=":
		return x != y, nil
	case "<":
		return x < y, nil
	case ">":
		return x > y, nil
	case "-nt", "-ot", "-ef":
		return condCompareFiles(w, x, op, y), nil
	}
	a, err := condInteger(x)
	if err != nil {
		return false, err
	}
	b, err := condInteger(y)
	if err != nil {
		return false, err
	}
	return compareIntegers(a, op, b), nil
}

// compareIntegers evaluates the arithmetic comparisons, also for [[.
func compareIntegers(a int64, op string, b int64) bool {
	switch op {
	case "-eq":
		return a == b
	case "-ne":
		return a != b
	case "-lt":
		return a < b
	case "-le":
		return a <= b
	case "-gt":
		return a > b
	}
	return a >= b
}

func condCompareFiles(w condWorld, x, op, y string) bool {
	var a, b syscall.Stat_t
	okA := x != "" && w.condStat(x, false, &a) == nil
	okB := y != "" && w.condStat(y, false, &b) == nil
	switch op {
	case "-ef":
		return okA && okB && a.Dev == b.Dev && a.Ino == b.Ino
	case "-nt":
		return okA && (!okB || newer(a.Mtim, b.Mtim))
	}
	return okB && (!okA || newer(b.Mtim, a.Mtim))
}

func newer(a, b syscall.Timespec) bool {
	return a.Sec > b.Sec || a.Sec == b.Sec && a.Nsec > b.Nsec
}

func illegalInteger(s string) error {
	return &condError{text: "Illegal number: " + s, bash: s + ": integer expression expected"}
}

// condInteger reads a decimal operand; blanks around it are allowed.
func condInteger(s string) (int64, error) {
	i, end := 0, len(s)
	for i < end && isSpace(s[i]) {
		i++
	}
	for end > i && isSpace(s[end-1]) {
		end--
	}
	neg := false
	if i < end && (s[i] == '-' || s[i] == '+') {
		neg = s[i] == '-'
		i++
	}
	if i == end {
		return 0, illegalInteger(s)
	}
	var v int64 // negated: the negative range is the larger one
	for ; i < end; i++ {
		d := int64(digitValue(s[i]))
		if d > 9 {
			return 0, illegalInteger(s)
		}
		if v < (-1<<63+d)/10 {
			return 0, illegalInteger(s)
		}
		v = v*10 - d
	}
	if neg {
		return v, nil
	}
	if v == -1<<63 {
		return 0, illegalInteger(s)
	}
	return -v, nil
}

// evalTest evaluates the arguments of test (without name and closing
// bracket). Up to four arguments POSIX decides by their number; what that
// leaves open, and more arguments, go to the grammar with ! ( ) -a -o.
func evalTest(w condWorld, a []string) (bool, error) {
	switch len(a) {
	case 0:
		return false, nil
	case 1:
		return a[0] != "", nil
	case 2:
		return testTwo(w, a)
	case 3:
		return testThree(w, a)
	case 4:
		if a[0] == "!" {
			v, err := testThree(w, a[1:])
			return !v, err
		}
		if a[0] == "(" && a[3] == ")" {
			return testTwo(w, a[1:3])
		}
	}
	p := testParser{w: w, args: a}
	v := p.or(0)
	if p.err == nil && p.pos < len(a) {
		p.err = &condError{text: a[p.pos] + ": unexpected operator", bash: "too many arguments"}
	}
	return v, p.err
}

func testTwo(w condWorld, a []string) (bool, error) {
	if a[0] == "!" {
		return a[1] == "", nil
	}
	if isUnaryCond(a[0]) {
		return evalUnaryCond(w, a[0], a[1])
	}
	return false, &condError{text: a[0] + ": unexpected operator", bash: a[0] + ": unary operator expected"}
}

func testThree(w condWorld, a []string) (bool, error) {
	switch {
	case isBinaryCond(a[1]):
		return evalBinaryCond(w, a[0], a[1], a[2])
	case a[1] == "-a":
		return a[0] != "" && a[2] != "", nil
	case a[1] == "-o":
		return a[0] != "" || a[2] != "", nil
	case a[0] == "!":
		v, err := testTwo(w, a[1:])
		return !v, err
	case a[0] == "(" && a[2] == ")":
		return a[1] != "", nil
	}
	return false, &condError{text: a[1] + ": unexpected operator", bash: a[1] + ": binary operator expected"}
}

// testParser is the grammar or = and {-o and}, and = term {-a term}.
type testParser struct {
	w    condWorld
	args []string
	pos  int
	err  error
}

func (p *testParser) fail(text string) bool {
	if p.err == nil {
		p.err = &condError{text: text}
	}
	p.pos = len(p.args)
	return false
}

func (p *testParser) at(s string) bool {
	return p.pos < len(p.args) && p.args[p.pos] == s
}

func (p *testParser) or(depth int) bool {
	v := p.and(depth)
	for p.at("-o") {
		p.pos++
		w := p.and(depth)
		v = v || w
	}
	return v
}

func (p *testParser) and(depth int) bool {
	v := p.term(depth)
	for p.at("-a") {
		p.pos++
		w := p.term(depth)
		v = v && w
	}
	return v
}

func (p *testParser) term(depth int) bool {
	negate := false
	for p.at("!") && p.pos+1 < len(p.args) && !p.binaryNext() {
		negate = !negate
		p.pos++
	}
	return p.primary(depth) != negate
}

// binaryNext reports whether what comes is `x op y`.
func (p *testParser) binaryNext() bool {
	return p.pos+2 < len(p.args) && isBinaryCond(p.args[p.pos+1])
}

func (p *testParser) primary(depth int) bool {
	left := len(p.args) - p.pos
	switch {
	case left <= 0:
		return p.fail("argument expected")
	case p.binaryNext():
		v, err := evalBinaryCond(p.w, p.args[p.pos], p.args[p.pos+1], p.args[p.pos+2])
		return p.take(3, v, err)
	case p.at("(") && left > 1:
		if depth >= maxTestDepth {
			return p.fail("too many parentheses")
		}
		p.pos++
		v := p.or(depth + 1)
		if p.err == nil && !p.at(")") {
			return p.fail("closing paren expected")
		}
		p.pos++
		return v
	case isUnaryCond(p.args[p.pos]) && left > 1:
		v, err := evalUnaryCond(p.w, p.args[p.pos], p.args[p.pos+1])
		return p.take(2, v, err)
	}
	return p.take(1, p.args[p.pos] != "", nil)
}

// maxTestDepth bounds the recursion on parentheses.
const maxTestDepth = 1000

func (p *testParser) take(n int, v bool, err error) bool {
	if err != nil {
		var bad *condError
		if errors.As(err, &bad) {
			p.fail(bad.text)
			p.err = bad
			return false
		}
		return p.fail(err.Error())
	}
	p.pos += n
	return v
}
