package interp

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// longDouble is the precision of x87's long double, which bash computes with.
const longDouble = 64

// starArgument is the value of a * width or precision: an int, as in C.
func (p *printer) starArgument() int64 {
	n := p.signedArg()
	if n > math.MaxInt32 || n < math.MinInt32 {
		return maxField + 1
	}
	return n
}

func (p *printer) signedArg() int64 {
	s := p.arg()
	if v, ok := p.character(s); ok {
		return int64(v)
	}
	neg, mag, over, rest := parseInteger(s)
	limit := uint64(math.MaxInt64)
	if neg {
		limit++
	}
	if mag > limit {
		mag, over = limit, true
	}
	p.checkNumber(s, rest, over)
	if neg {
		return int64(-mag)
	}
	return int64(mag)
}

func (p *printer) unsignedArg() uint64 {
	s := p.arg()
	if v, ok := p.character(s); ok {
		return uint64(int64(v))
	}
	neg, mag, over, rest := parseInteger(s)
	p.checkNumber(s, rest, over)
	if neg && !over {
		return -mag
	}
	return mag
}

// character is the value of an argument like 'a, the code of what follows the
// quote. The rest of the argument is not looked at.
func (p *printer) character(s string) (int, bool) {
	if s == "" || s[0] != '\'' && s[0] != '"' {
		return 0, false
	}
	if len(s) == 1 {
		return 0, true
	}
	if s[1] >= utf8.RuneSelf && p.world.multibyte() {
		if r, n := utf8.DecodeRuneInString(s[1:]); n > 1 {
			return int(r), true
		}
	}
	return int(s[1]), true
}

// checkNumber complains about what strtoimax(3) left over.
func (p *printer) checkNumber(s, rest string, over bool) {
	switch {
	case rest != "" && p.bash:
		p.fail("%s: invalid %snumber", s, numberKind(s))
	case rest != "" && len(rest) == len(s):
		p.fail("%s: expected numeric value", s)
	case rest != "":
		p.fail("%s: not completely converted", s)
	case over && p.bash:
		p.world.printComplain(p.name, "warning: %s: Numerical result out of range", s)
	case over:
		p.fail("%s: Numerical result out of range", s)
	}
}

// numberKind is what bash takes something for that is no number.
func numberKind(s string) string {
	switch {
	case len(s) < 2 || s[0] != '0':
	case s[1]|0x20 == 'x':
		return "hex "
	case s[1] >= '0' && s[1] <= '9':
		return "octal "
	}
	return ""
}

// parseInteger is strtoumax(3) with base 0. rest is what was not converted,
// all of s if nothing was. An overflow gives the largest value.
func parseInteger(s string) (neg bool, mag uint64, over bool, rest string) {
	i := 0
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		neg = s[i] == '-'
		i++
	}
	base := 10
	if i < len(s) && s[i] == '0' {
		base = 8
		if i+2 < len(s) && s[i+1]|0x20 == 'x' && digitValue(s[i+2]) < 16 {
			base = 16
			i += 2
		}
	}
	start := i
	for ; i < len(s); i++ {
		d := digitValue(s[i])
		if d >= base {
			break
		}
		if mag > (math.MaxUint64-uint64(d))/uint64(base) {
			over = true
			continue
		}
		mag = mag*uint64(base) + uint64(d)
	}
	if i == start {
		return false, 0, false, s
	}
	if over {
		mag = math.MaxUint64
	}
	return neg, mag, over, s[i:]
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func (p *printer) formatSigned(d *directive, v int64) {
	mag, sign := uint64(v), ""
	switch {
	case v < 0:
		mag, sign = -mag, "-"
	case d.plus:
		sign = "+"
	case d.space:
		sign = " "
	}
	var buf [20]byte
	p.number(d, sign, strconv.AppendUint(buf[:0], mag, 10))
}

func (p *printer) formatUnsigned(d *directive, v uint64) {
	var buf [24]byte
	b := buf[:0]
	prefix := ""
	switch d.verb {
	case 'o':
		b = strconv.AppendUint(b, v, 8)
		if d.alt && b[0] != '0' {
			if !d.hasPrec {
				prefix = "0"
			}
			d.prec = max(d.prec, len(b)+1)
		}
	case 'u':
		b = strconv.AppendUint(b, v, 10)
	default:
		b = strconv.AppendUint(b, v, 16)
		if d.alt && v != 0 {
			prefix = "0x"
		}
		if d.verb == 'X' {
			upper(b)
			prefix = strings.ToUpper(prefix)
		}
	}
	if d.verb == 'o' && d.alt && v == 0 && d.hasPrec && d.prec == 0 {
		d.prec = 1 // %#.0o of 0 is "0", C 7.21.6.1
	}
	p.number(d, prefix, b)
}

func upper(b []byte) {
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
}

// number appends an integer: prefix, zeros up to the precision, digits. A
// precision turns the 0 flag off and makes 0 with precision 0 disappear.
func (p *printer) number(d *directive, prefix string, b []byte) {
	if d.hasPrec && d.prec == 0 && len(b) == 1 && b[0] == '0' {
		b = b[:0]
	}
	zeros := 0
	if d.hasPrec {
		zeros = max(0, d.prec-len(b))
	} else if d.zero && !d.minus {
		zeros = max(0, d.width-len(prefix)-len(b))
	}
	fill := d.width - len(prefix) - zeros - len(b)
	if !d.minus {
		p.fill(' ', fill)
	}
	p.out = append(p.out, prefix...)
	p.fill('0', zeros)
	p.out = append(p.out, b...)
	if d.minus {
		p.fill(' ', fill)
	}
}
