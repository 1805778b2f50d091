package history

import (
	"slices"
	"strconv"
	"strings"
)

// Expander expands references to commands of a history. What was looked for
// last is kept for the next line.
type Expander struct {
	// Event, Quick and Comment are the characters of $histchars: ! ^ and #.
	Event, Quick, Comment byte
	// Strict has double quotes protect, too, as in bash's POSIX mode.
	Strict bool
	// Extglob: !( begins a pattern.
	Extglob bool

	sought   string // of the last !?text?
	found    string // the word that it was in
	old, new string // of the last substitution
}

// Result says what became of a line.
type Result int

// The results of Expand.
const (
	Same    Result = iota
	Changed        // to be shown, then run
	Printed        // to be shown and remembered only
)

// An Error is a reference that cannot be resolved.
type Error struct{ Text, Reason string }

func (e *Error) Error() string { return e.Text + ": " + e.Reason }

// noEvent are the characters after which ! is itself.
const noEvent = " \t\n\r="

// expansion is the work on one line.
type expansion struct {
	*Expander
	list  *List
	end   int // of the commands that count
	line  string
	i     int
	stack []byte // quotes and substitutions around: ' " ` (
	out   strings.Builder
	done  Result
}

// Expand expands the references of a line without its newline. before are the
// commands of the list that count; stack is what the line stands in, see
// [Layout.Quotes].
func (e *Expander) Expand(list *List, before int, line string, stack []byte) (string, Result, error) {
	if e.Event == 0 || strings.IndexByte(line, e.Event) < 0 && (line == "" || line[0] != e.Quick) {
		return line, Same, nil
	}
	x := &expansion{Expander: e, list: list, end: before, line: line, stack: append([]byte(nil), stack...)}
	if line[0] == e.Quick && e.Quick != 0 && len(stack) == 0 {
		x.line = string([]byte{e.Event, e.Event}) + ":s" + line
	}
	for x.i < len(x.line) {
		if err := x.step(); err != nil {
			return "", Same, err
		}
	}
	if x.done == Same {
		return line, Same, nil
	}
	return x.out.String(), x.done, nil
}

func (x *expansion) quote() byte {
	if len(x.stack) == 0 {
		return 0
	}
	return x.stack[len(x.stack)-1]
}

func (x *expansion) copy(n int) {
	n = min(n, len(x.line)-x.i)
	x.out.WriteString(x.line[x.i : x.i+n])
	x.i += n
}

// step copies one character or expands one reference.
func (x *expansion) step() error {
	c, quote := x.line[x.i], x.quote()
	switch {
	case c == x.Event && !single(quote) && !x.inhibited():
		return x.reference()
	case c == '\\' && quote != '\'':
		x.copy(2)
		return nil
	case c == x.Comment && quote == 0 && (x.i == 0 || strings.IndexByte(beforeHash, x.line[x.i-1]) >= 0):
		x.copy(len(x.line))
		return nil
	case !single(quote) && strings.HasPrefix(x.line[x.i:], "$("):
		x.stack = append(x.stack, '(')
		x.copy(2)
		return nil
	case !single(quote) && quote != '"' && strings.HasPrefix(x.line[x.i:], "$'"):
		x.stack = append(x.stack, ansi)
		x.copy(2)
		return nil
	}
	x.stack = enterQuote(x.stack, c)
	x.copy(1)
	return nil
}

// ansi stands for $'…' where quotes are stacked.
const ansi = 'A'

func single(quote byte) bool { return quote == '\'' || quote == ansi }

// enterQuote is the stack after a character that may begin or end a quotation.
func enterQuote(stack []byte, c byte) []byte {
	quote := byte(0)
	if len(stack) > 0 {
		quote = stack[len(stack)-1]
	}
	switch {
	case quote == c && strings.IndexByte("'\"`", c) >= 0 || quote == '(' && c == ')' || quote == ansi && c == '\'':
		return stack[:len(stack)-1]
	case single(quote) || c == '\'' && quote == '"':
	case c == '\'' || c == '"' || c == '`' || c == '(' && quote == '(':
		return append(stack, c)
	}
	return stack
}

// inhibited reports whether the ! at hand is no reference: in front of blanks,
// in [!a], ${!a}, $! and !(a), and where double quotes protect it.
func (x *expansion) inhibited() bool {
	before, rest := x.line[:x.i], x.line[x.i+1:]
	if rest == "" || strings.IndexByte(noEvent, rest[0]) >= 0 {
		return true
	}
	switch {
	case x.quote() == '"' && (rest[0] == '"' || x.Strict),
		strings.HasSuffix(before, "[") && strings.Contains(rest, "]"),
		strings.HasSuffix(before, "${") && strings.Contains(rest, "}"),
		strings.HasSuffix(before, "$"),
		x.Extglob && rest[0] == '(' && strings.Contains(rest, ")"):
		return true
	}
	return false
}

// reference expands the reference at hand.
func (x *expansion) reference() error {
	text, err := x.event()
	if err != nil {
		return err
	}
	if text, err = x.words(text); err != nil {
		return err
	}
	if text, err = x.modify(text); err != nil {
		return err
	}
	x.out.WriteString(text)
	x.done = max(x.done, Changed)
	return nil
}

// event resolves !!, !n, !-n, !?text?, !# and !text, and moves behind it.
func (x *expansion) event() (string, error) {
	start := x.i
	x.i++
	c := x.line[x.i]
	fail := func() (string, error) { return "", &Error{x.line[start:x.i], "event not found"} }
	at := x.end - 1
	switch n := digitsLen(x.line[x.i:]); {
	case c == x.Event:
		x.i++
	case strings.IndexByte(":$^*%", c) >= 0:
	case c == '#':
		x.i++
		return x.out.String(), nil
	case n > 0:
		number, _ := strconv.Atoi(x.line[x.i : x.i+n])
		at = number - x.list.First()
		x.i += n
	case c == '-' && digitsLen(x.line[x.i+1:]) > 0:
		n = digitsLen(x.line[x.i+1:])
		number, _ := strconv.Atoi(x.line[x.i+1 : x.i+1+n])
		at = x.end - number
		x.i += 1 + n
	default:
		at = x.search(c == '?')
	}
	if at < 0 || at >= x.end {
		return fail()
	}
	return x.list.At(at).Text, nil
}

// search finds the command of !text or !?text?.
func (x *expansion) search(within bool) int {
	if within {
		x.i++
		text, _, closed := strings.Cut(x.line[x.i:], "?")
		x.i += len(text)
		if closed {
			x.i++
		}
		if text == "" {
			text = x.sought
		}
		at := -1
		if text != "" {
			at = x.list.FindWithin(text, x.end)
		}
		if at >= 0 {
			x.sought, x.found = text, wordWith(x.list.At(at).Text, text)
		}
		return at
	}
	stop := " \t\n:^$*%-;&()|<>"
	if x.quote() == '"' {
		stop += `"`
	}
	n := strings.IndexAny(x.line[x.i:], stop)
	if n < 0 {
		n = len(x.line) - x.i
	}
	text := x.line[x.i : x.i+n]
	x.i += n
	if text == "" {
		x.i += strings.Count(x.line[x.i:min(x.i+1, len(x.line))], "-")
		return -1
	}
	return x.list.FindPrefix(text, x.end)
}

// wordWith is the last word of a command with text in it.
func wordWith(command, text string) string {
	for _, w := range slices.Backward(Words(command)) {
		if strings.Contains(w, text) {
			return w
		}
	}
	return ""
}

// words applies a word designator, if one follows.
func (x *expansion) words(text string) (string, error) {
	start, colon := x.i, false
	rest := x.line[x.i:]
	if strings.HasPrefix(rest, ":") {
		rest, colon = rest[1:], true
	}
	if rest == "" || !(strings.IndexByte("^$*-%", rest[0]) >= 0 || colon && digitsLen(rest) > 0) {
		return text, nil
	}
	x.i = len(x.line) - len(rest)
	if rest[0] == '%' {
		x.i++
		if x.found == "" {
			return "", &Error{x.line[start:x.i], "bad word specifier"}
		}
		return x.found, nil
	}
	list := Words(text)
	from, to := x.wordRange(len(list))
	if to == from-1 && (from < len(list) || from <= 1) {
		return "", nil // as !* of a command without arguments
	}
	if from < 0 || to >= len(list) || from > to {
		return "", &Error{x.line[start:x.i], "bad word specifier"}
	}
	return strings.Join(list[from:to+1], " "), nil
}

// wordRange reads x, x-y, x*, x- and their like, as the first and last word.
func (x *expansion) wordRange(count int) (from, to int) {
	switch c := x.line[x.i]; c {
	case '*':
		x.i++
		return 1, count - 1
	case '-':
	default:
		from = x.wordNumber(count)
	}
	rest := x.line[x.i:]
	switch {
	case strings.HasPrefix(rest, "*"):
		x.i++
		return from, count - 1
	case !strings.HasPrefix(rest, "-"):
		return from, from
	}
	x.i++
	if rest = x.line[x.i:]; rest != "" && (rest[0] == '$' || rest[0] == '^' || digitsLen(rest) > 0) {
		return from, x.wordNumber(count)
	}
	return from, count - 2
}

// wordNumber reads $, ^ or a number.
func (x *expansion) wordNumber(count int) int {
	switch x.line[x.i] {
	case '$':
		x.i++
		return count - 1
	case '^':
		x.i++
		return 1
	}
	n := digitsLen(x.line[x.i:])
	v, err := strconv.Atoi(x.line[x.i : x.i+n])
	x.i += n
	if err != nil {
		return count
	}
	return v
}
