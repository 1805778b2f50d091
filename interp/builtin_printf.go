package interp

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// printer is one run of printf: a format applied to arguments as often as
// they need. It has no connection to a shell, so it can be tested alone.
type printer struct {
	out    []byte
	args   []string
	used   bool // the current pass took an argument
	stop   bool // \c or a bad directive ended the output
	status int

	bash  bool // long double, %n
	keep  bool // the output becomes a value: it is not passed on when long
	name  string
	world printWorld
}

// printWorld is what printf needs of its surroundings.
type printWorld interface {
	multibyte() bool // 'c arguments are characters, not bytes
	printComplain(name, format string, args ...any)
	printFlush(name string, b []byte) bool // false stops the run
	printTime(dst []byte, format string, when int64) []byte
	printAssign(name string, n int) error // for %n
}

// directive is one parsed % conversion.
type directive struct {
	minus, plus, space, zero, alt bool

	width, prec int
	hasPrec     bool
	verb        byte
	timeFormat  string
}

// maxField bounds width and precision: `printf %999999999d` would otherwise
// take that much memory of a shell that is shared with nobody's limits.
const maxField = 1 << 24

// run applies the format until the arguments are used up.
func (p *printer) run(format string) {
	for {
		p.used = false
		p.pass(format)
		if p.stop || len(p.args) == 0 || !p.used {
			return
		}
		p.drain()
	}
}

// drain passes long output on, so that its size is not the script's choice.
func (p *printer) drain() {
	switch {
	case !p.keep && len(p.out) >= maxScratch:
		if !p.world.printFlush(p.name, p.out) {
			p.stop, p.status = true, 1
		}
		p.out = p.out[:0]
	case len(p.out) > maxValue:
		p.stop = true
		p.fail("the result is too long")
	}
}

// maxValue is the longest value that printf -v makes.
const maxValue = 1 << 28

func (p *printer) pass(format string) {
	for i := 0; i < len(format) && !p.stop; {
		switch c := format[i]; {
		case c == '\\' && i+1 < len(format):
			var n int
			p.out, n = appendEscape(p.out, format[i+1:], formatEscapes)
			i += 1 + n
		case c != '%':
			p.out = append(p.out, c)
			i++
		case i+1 < len(format) && format[i+1] == '%':
			p.out = append(p.out, '%')
			i += 2
		case i+1 < len(format) && format[i+1] == 's':
			p.out = append(p.out, p.arg()...)
			i += 2
		default:
			var d directive
			n := p.parse(format[i+1:], &d)
			if p.stop {
				return
			}
			p.convert(&d, format[i:i+1+n])
			i += 1 + n
		}
	}
}

// flushLines writes what bash's buffer, which holds a line, has let go before a
// message.
func (p *printer) flushLines() {
	n := bytes.LastIndexByte(p.out, '\n') + 1
	if !p.bash || p.keep || n == 0 {
		return
	}
	if !p.world.printFlush(p.name, p.out[:n]) {
		p.stop = true
	}
	p.out = append(p.out[:0], p.out[n:]...)
}

func (p *printer) fail(format string, args ...any) {
	p.status = 1
	p.flushLines()
	p.world.printComplain(p.name, format, args...)
}

// bad ends the run at a directive that means nothing.
func (p *printer) bad(text string) {
	p.stop = true
	switch {
	case !p.bash:
		p.fail("%%%s: invalid directive", text)
	case strings.Trim(text, "0123456789.*-+# 'hlLjzt") == "":
		p.fail("`%%%s': missing format character", text)
	default:
		p.fail("`%s': invalid format character", text[len(text)-1:])
	}
}

// arg takes the next argument, "" when there is none.
func (p *printer) arg() string {
	if len(p.args) == 0 {
		return ""
	}
	s := p.args[0]
	p.args = p.args[1:]
	p.used = true
	return s
}

// parse reads flags, width, precision, length modifiers and the verb of s,
// what follows a percent sign, and returns its length.
func (p *printer) parse(s string, d *directive) int {
	i := parseFlags(s, d)
	i += p.parseWidth(s[i:], d)
	if i < len(s) && s[i] == '.' {
		i++
		i += p.parsePrecision(s[i:], d)
	}
	for i < len(s) && strings.IndexByte("hlLjztq", s[i]) >= 0 {
		if s[i] == 'q' {
			break
		}
		i++
	}
	if i < len(s) && s[i] == '(' {
		return i + p.parseTime(s[i:], d)
	}
	if i == len(s) {
		p.bad(s)
		return i
	}
	d.verb = s[i]
	return i + 1
}

// parseTime reads (format)T, in which parentheses nest; what is no such thing
// is text, as bash has it.
func (p *printer) parseTime(s string, d *directive) int {
	end := closingParen(s)
	if end+1 < len(s) && s[end] == ')' && s[end+1] == 'T' {
		d.timeFormat, d.verb = s[1:end], 'T'
		return end + 2
	}
	p.warnTime(s[min(end+1, len(s)):])
	d.verb = '('
	return 1
}

func closingParen(s string) int {
	open := 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				return i
			}
		}
	}
	return len(s)
}

func (p *printer) warnTime(rest string) {
	verb := "\\"
	if rest != "" {
		verb = rest[:1]
	}
	p.world.printComplain(p.name, "warning: `%s': invalid time format specification", verb)
}

func parseFlags(s string, d *directive) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '-':
			d.minus = true
		case '+':
			d.plus = true
		case ' ':
			d.space = true
		case '0':
			d.zero = true
		case '#':
			d.alt = true
		case '\'': // thousands: the POSIX locale has no separator
		default:
			return i
		}
	}
	return len(s)
}

func (p *printer) parseWidth(s string, d *directive) int {
	if s != "" && s[0] == '*' {
		n := p.starArgument()
		if n < 0 {
			d.minus, n = true, -n
		}
		d.width = p.bounded(n)
		return 1
	}
	n, used := digits(s, 10, 18)
	d.width = p.bounded(int64(n))
	return used
}

func (p *printer) parsePrecision(s string, d *directive) int {
	d.hasPrec = true
	if s != "" && s[0] == '*' {
		n := p.starArgument()
		if n < 0 {
			d.hasPrec, n = false, 0
		}
		d.prec = p.bounded(n)
		return 1
	}
	n, used := digits(s, 10, 18)
	d.prec = p.bounded(int64(n))
	return used
}

func (p *printer) bounded(n int64) int {
	if n > maxField || n < 0 {
		p.stop = true
		p.fail("field of %d bytes is too large", n)
		return 0
	}
	return int(n)
}

func (p *printer) convert(d *directive, text string) {
	p.drain()
	switch d.verb {
	case 'd', 'i':
		p.formatSigned(d, p.signedArg())
	case 'o', 'u', 'x', 'X':
		p.formatUnsigned(d, p.unsignedArg())
	case 'e', 'E', 'f', 'F', 'g', 'G', 'a', 'A':
		p.formatFloatArg(d)
	case 'c':
		s := p.arg()
		if s == "" {
			s = "\x00"
		}
		d.hasPrec = false
		p.pad(d, s[:1])
	case 's':
		p.pad(d, p.arg())
	case 'b':
		expanded, stop := appendEscaped(nil, p.arg(), percentBEscapes)
		p.pad(d, string(expanded))
		p.stop = p.stop || stop
	case 'q', 'Q':
		p.convertQuoted(d)
	case 'T':
		p.convertTime(d)
	case '(':
		p.out = append(p.out, text...)
	case 'n':
		if !p.bash {
			p.bad(text[1:])
		} else if len(p.args) == 0 {
			return
		} else if err := p.world.printAssign(p.arg(), len(p.out)); err != nil {
			p.fail("%s", err)
		}
	default:
		p.bad(text[1:])
	}
}

// convertQuoted is %q: the argument as the shell would read it back. %Q
// applies the precision before quoting, %q after.
func (p *printer) convertQuoted(d *directive) {
	s := p.arg()
	if d.verb == 'Q' && d.hasPrec {
		s = s[:min(d.prec, len(s))]
		d.hasPrec = false
	}
	p.pad(d, quoteForShell(s))
}

func (p *printer) convertTime(d *directive) {
	const now = -1
	when := int64(now)
	if len(p.args) > 0 {
		when = p.signedArg()
	}
	format := d.timeFormat
	if format == "" {
		format = "%X"
	}
	p.pad(d, string(p.world.printTime(nil, format, when)))
}

// pad appends s cut to the precision and filled to the width with blanks.
func (p *printer) pad(d *directive, s string) {
	if d.hasPrec && d.prec < len(s) {
		s = s[:d.prec]
	}
	fill := d.width - len(s)
	if !d.minus {
		p.fill(' ', fill)
	}
	p.out = append(p.out, s...)
	if d.minus {
		p.fill(' ', fill)
	}
}

func (p *printer) fill(c byte, n int) {
	for ; n > 0; n-- {
		p.out = append(p.out, c)
	}
}

// quoteForShell is bash's %q: backslashes where they suffice, $'…' for
// control characters and what is not UTF-8.
func quoteForShell(s string) string {
	if s == "" {
		return "''"
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r < ' ' || r == 0x7f || r == utf8.RuneError && n == 1 {
			return quoteDollar(s)
		}
		i += n
	}
	const special = " !\"#$&'()*,;<>?[\\]^`{|}~"
	b := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); i++ {
		c := s[i]
		// # and ~ matter at the start of a word only (~ also after : and =).
		plain := c == '#' && i > 0 ||
			c == '~' && i > 0 && s[i-1] != ':' && s[i-1] != '='
		if strings.IndexByte(special, c) >= 0 && !plain {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return string(b)
}

// quoteDollar writes s as a $'…' string.
func quoteDollar(s string) string {
	b := append(make([]byte, 0, len(s)+8), "$'"...)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		c := s[i]
		switch {
		case c == '\'' || c == '\\':
			b = append(b, '\\', c)
		case c == 0x1b:
			b = append(b, `\E`...)
		case c >= '\a' && c <= '\r':
			b = append(b, '\\', "abtnvfr"[c-'\a'])
		case c < ' ' || c == 0x7f || r == utf8.RuneError && n == 1:
			b = append(b, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return string(append(b, '\''))
}
