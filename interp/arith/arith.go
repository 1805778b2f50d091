// Package arith implements the arithmetic of the shell: the C expressions of
// XCU 2.6.4 with bash's additions (assignment, ++, --, **, comma, bases up to
// 64, array elements), on int64 with wraparound.
//
// An expression is compiled to code for a small stack machine. Evaluation
// neither allocates nor recurses, except into variables whose values are
// expressions themselves, which is counted.
package arith

import "strconv"

// Kind tells what a Ref refers to.
type Kind uint8

const (
	Scalar  Kind = iota // $name
	Indexed             // ${name[Index]}; a negative index counts from the end
	Keyed               // ${name[Sub]} of an associative array
)

// Ref names a variable or an element of an array.
type Ref struct {
	Name  string
	Kind  Kind
	Sub   string // the subscript as written
	Index int64  // its value
}

// Env is how an expression sees variables.
type Env interface {
	// Get returns the value, "" if it is unset and that is no error.
	Get(Ref) (string, error)
	Set(Ref, int64) error
	// Keyed reports whether the subscripts of name are strings.
	Keyed(name string) bool
	// Index evaluates a subscript with quotes or expansions.
	Index(text string) (int64, error)
}

// Error is an error in an expression.
type Error struct {
	Expr  string // the whole expression
	Msg   string
	Token string // where it went wrong, to the end of the expression
}

func (e *Error) Error() string {
	return e.Expr + ": " + e.Msg + " (error token is \"" + e.Token + "\")"
}

// Expr is a compiled expression. It is immutable.
type Expr struct {
	src  string
	code []instr
	refs []Ref
	errs []error // of subscripts that are no expressions, see opFail
	max  int     // stack depth needed
}

type instr struct {
	op opcode
	n  int64
}

// Const returns the value of an expression that is nothing but a number.
func (e *Expr) Const() (int64, bool) {
	if len(e.code) == 1 && e.code[0].op == opConst {
		return e.code[0].n, true
	}
	return 0, false
}

// Name returns the variable of an expression that is nothing but a name.
func (e *Expr) Name() (string, bool) {
	if len(e.code) == 1 && e.code[0].op == opLoad {
		return e.refs[e.code[0].n].Name, true
	}
	return "", false
}

// Eval evaluates the expression.
func (e *Expr) Eval(env Env) (int64, error) { return e.run(env, 0, nil) }

// EvalArgs evaluates an expression of ParseArgs.
func (e *Expr) EvalArgs(env Env, args []int64) (int64, error) { return e.run(env, 0, args) }

// Arg is the text that stands for argument n in the source for ParseArgs.
func Arg(n int) string { return string([]byte{0, byte(n)}) }

// fill replaces the arguments in an error's text by their values.
func fill(text string, args []int64) string {
	if len(args) == 0 {
		return text
	}
	var b []byte
	for i := 0; i < len(text); i++ {
		if text[i] == 0 && i+1 < len(text) && int(text[i+1]) < len(args) {
			i++
			b = strconv.AppendInt(b, args[text[i]], 10)
		} else {
			b = append(b, text[i])
		}
	}
	return string(b)
}

// Decimal is the value of a string that is a plain decimal number.
func Decimal(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	return decimal(s)
}

// maxRecursion bounds how deep values of variables refer to each other; it is
// bash's limit.
const maxRecursion = 1024

// value evaluates the value of a variable.
func value(s string, env Env, depth int) (int64, error) {
	if n, ok := decimal(s); ok {
		return n, nil
	}
	if s[0] >= '0' && s[0] <= '9' {
		if n, msg := number(s); msg == "" {
			return n, nil
		}
	}
	if depth >= maxRecursion {
		return 0, &Error{s, "expression recursion level exceeded", s}
	}
	e, err := Parse(s)
	if err != nil {
		return 0, err
	}
	return e.run(env, depth+1, nil)
}

// decimal is the fast path for what nearly all variables hold.
func decimal(s string) (int64, bool) {
	if s == "" {
		return 0, true
	}
	i, neg := 0, false
	if s[0] == '-' && len(s) > 1 {
		i, neg = 1, true
	}
	if s[i] == '0' && len(s) > i+1 || len(s)-i > 18 {
		return 0, false
	}
	var n int64
	for ; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	if neg {
		n = -n
	}
	return n, true
}

// number evaluates a constant, or says what is wrong with it. Values wrap
// around like those of bash.
func number(s string) (int64, string) {
	base, digits := int64(10), s
	switch {
	case len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x':
		base, digits = 16, s[2:]
	case s[0] == '0':
		base = 8
	}
	for i := 0; i < len(s) && i < 12; i++ {
		if s[i] != '#' {
			continue
		}
		b, err := strconv.ParseUint(s[:i], 10, 32)
		if err != nil || b < 2 || b > 64 {
			return 0, "invalid arithmetic base"
		}
		base, digits = int64(b), s[i+1:]
		if digits == "" {
			return 0, "invalid integer constant"
		}
		break
	}
	var n int64
	for i := 0; i < len(digits); i++ {
		d := digit(digits[i], base)
		if d < 0 {
			return 0, "invalid number"
		}
		if d >= base {
			return 0, "value too great for base"
		}
		n = n*base + d
	}
	return n, ""
}

// digit gives 0-9, a-z, A-Z, @ and _ the values 0 to 63; up to base 36 case
// does not matter.
func digit(c byte, base int64) int64 {
	switch {
	case '0' <= c && c <= '9':
		return int64(c - '0')
	case 'a' <= c && c <= 'z':
		return int64(c-'a') + 10
	case 'A' <= c && c <= 'Z' && base <= 36:
		return int64(c-'A') + 10
	case 'A' <= c && c <= 'Z':
		return int64(c-'A') + 36
	case c == '@':
		return 62
	case c == '_':
		return 63
	}
	return -1
}
