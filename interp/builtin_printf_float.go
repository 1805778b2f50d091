package interp

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

func (p *printer) formatFloatArg(d *directive) {
	s := p.arg()
	var text []byte
	if v, ok := p.character(s); ok {
		text = p.formatFloat(d, new(big.Float).SetInt64(int64(v)), "", false)
	} else {
		text = p.parseAndFormat(d, s)
	}
	sign := ""
	if len(text) > 0 && text[0] == '-' {
		sign, text = "-", text[1:]
	} else if d.plus {
		sign = "+"
	} else if d.space {
		sign = " "
	}
	if len(text) > 1 && text[1] == 'x' {
		sign, text = sign+"0x", text[2:]
	}
	finite := text[0] != 'i' && text[0] != 'n'
	if d.verb <= 'Z' {
		upper(text)
		sign = strings.ToUpper(sign)
	}
	e := *d
	e.hasPrec, e.zero = false, d.zero && finite
	p.number(&e, sign, text)
}

func (p *printer) parseAndFormat(d *directive, s string) []byte {
	text, special, neg, rest := scanFloat(s)
	if special != "" {
		p.checkNumber(s, rest, false)
		return p.formatFloat(d, nil, special, neg)
	}
	prec := uint(53)
	if p.bash {
		prec = longDouble
	}
	var v *big.Float
	over := false
	if text == "" {
		v = new(big.Float).SetPrec(prec)
	} else if p.bash {
		v, over = parseLongDouble(text)
	} else {
		f, err := strconv.ParseFloat(text, 64)
		over = errors.Is(err, strconv.ErrRange) || underflows(f, text)
		if math.IsInf(f, 0) {
			special = "inf"
		} else {
			v = new(big.Float).SetFloat64(f)
		}
	}
	if v == nil {
		special, neg = "inf", strings.HasPrefix(text, "-")
	}
	p.checkNumber(s, rest, over)
	return p.formatFloat(d, v, special, neg)
}

// underflows reports whether text is not zero although f, its value, is: a
// range error for strtod(3), none for strconv.
func underflows(f float64, text string) bool {
	if f != 0 {
		return false
	}
	mantissa := strings.TrimLeft(text, "+-")
	mark := "eE"
	if len(mantissa) > 1 && mantissa[1]|0x20 == 'x' {
		mantissa, mark = mantissa[2:], "pP"
	}
	if i := strings.IndexAny(mantissa, mark); i >= 0 {
		mantissa = mantissa[:i]
	}
	return strings.Trim(mantissa, "0.") != ""
}

// parseLongDouble reads a number that scanFloat found. A nil result is an
// infinity. The exponent is bounded first: big.Float would compute 1e999999999.
func parseLongDouble(text string) (*big.Float, bool) {
	const maxExponent = 4932 // of long double
	if e, err := exponentOf(text); err || e > 2*maxExponent || e < -2*maxExponent {
		if e < 0 {
			return new(big.Float).SetPrec(longDouble), true
		}
		return nil, true
	}
	v, _, err := big.ParseFloat(text, 0, longDouble, big.ToNearestEven)
	if err != nil {
		return nil, true
	}
	const maxBinary, minBinary = 16384, -16445
	if v.MantExp(nil) > maxBinary {
		return nil, true
	}
	if v.Sign() != 0 && v.MantExp(nil) < minBinary {
		return new(big.Float).SetPrec(longDouble), true
	}
	return v, false
}

// exponentOf is the written exponent of a number, which may be too long for
// an int: then bad is set and the sign of e still tells the direction.
func exponentOf(text string) (e int, bad bool) {
	marks := "eE"
	if strings.Contains(text, "x") || strings.Contains(text, "X") {
		marks = "pP"
	}
	i := strings.LastIndexAny(text, marks)
	if i < 0 {
		return 0, len(text) > 2*4932
	}
	e, err := strconv.Atoi(text[i+1:])
	if err != nil {
		if strings.HasPrefix(text[i+1:], "-") {
			return -1, true
		}
		return 1, true
	}
	return e, len(text) > 2*4932
}

// scanFloat finds the longest start of s that strtod(3) takes. special is
// "inf" or "nan"; text is what big.ParseFloat and strconv.ParseFloat read.
func scanFloat(s string) (text, special string, neg bool, rest string) {
	i := 0
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	start := i
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		neg = s[i] == '-'
		i++
	}
	for _, w := range [...]string{"infinity", "inf", "nan"} {
		if len(s)-i >= len(w) && strings.EqualFold(s[i:i+len(w)], w) {
			return "", w[:3], neg, s[i+len(w):]
		}
	}
	base, mark := 10, byte('e')
	if i+2 < len(s) && s[i] == '0' && s[i+1]|0x20 == 'x' &&
		(digitValue(s[i+2]) < 16 || s[i+2] == '.' && i+3 < len(s) && digitValue(s[i+3]) < 16) {
		base, mark = 16, 'p'
		i += 2
	}
	count := 0
	for ; i < len(s) && digitValue(s[i]) < base; i++ {
		count++
	}
	if i < len(s) && s[i] == '.' {
		i++
		for ; i < len(s) && digitValue(s[i]) < base; i++ {
			count++
		}
	}
	if count == 0 {
		return "", "", false, s
	}
	end := i
	if i < len(s) && s[i]|0x20 == mark {
		i++
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		if _, n := digits(s[i:], 10, len(s)); n > 0 {
			return s[start : i+n], "", neg, s[i+n:]
		}
	}
	text = s[start:end]
	if base == 16 {
		text += "p0" // Go wants the exponent that C does not
	}
	return text, "", neg, s[end:]
}

// formatFloat formats like C for e, f, g, a, sign first, letters lower case.
func (p *printer) formatFloat(d *directive, v *big.Float, special string, neg bool) []byte {
	if special != "" {
		if neg {
			return []byte("-" + special)
		}
		return []byte(special)
	}
	verb := d.verb | 0x20
	prec := 6
	if d.hasPrec {
		prec = d.prec
	}
	switch {
	case verb == 'a' && d.alt && (!d.hasPrec || d.prec == 0):
		return addPoint(p.hexFloat(d, v))
	case verb == 'a':
		return p.hexFloat(d, v)
	case d.alt && verb == 'g':
		return altGeneral(v, max(prec, 1))
	case verb == 'g':
		prec = max(prec, 1)
	}
	b := v.Append(nil, verb, prec)
	if d.alt && prec == 0 {
		b = addPoint(b)
	}
	return b
}

// altGeneral is %#g: trailing zeros stay, so the exponent decides by itself.
func altGeneral(v *big.Float, prec int) []byte {
	e := v.Append(nil, 'e', prec-1)
	i := strings.IndexByte(string(e), 'e')
	x, _ := strconv.Atoi(string(e[i+1:]))
	if x < -4 || x >= prec {
		if prec == 1 {
			e = addPoint(e)
		}
		return e
	}
	f := v.Append(nil, 'f', prec-1-x)
	if prec-1-x == 0 {
		f = append(f, '.')
	}
	return f
}

// addPoint puts the point before the exponent, or at the end, if there is none.
func addPoint(b []byte) []byte {
	if strings.IndexByte(string(b), '.') >= 0 {
		return b
	}
	i := strings.LastIndexAny(string(b), "ep")
	if strings.IndexByte(string(b), 'x') >= 0 {
		i = strings.IndexByte(string(b), 'p')
	}
	if i < 0 {
		return append(b, '.')
	}
	return append(b[:i:i], "."+string(b[i:])...)
}

// hexFloat is %a. glibc gives a double one bit before the point and a long
// double four.
func (p *printer) hexFloat(d *directive, v *big.Float) []byte {
	if p.bash {
		return hexLongDouble(d, v)
	}
	f, _ := v.Float64()
	prec := -1
	if d.hasPrec {
		prec = d.prec
	}
	b := strconv.AppendFloat(nil, f, 'x', prec, 64)
	i := strings.IndexByte(string(b), 'p')
	e, _ := strconv.Atoi(string(b[i+1:]))
	return fmt.Appendf(b[:i], "p%+d", e)
}

func hexLongDouble(d *directive, v *big.Float) []byte {
	sign := ""
	if v.Signbit() {
		sign = "-"
	}
	if v.Sign() == 0 {
		zero := sign + "0x0"
		if d.hasPrec && d.prec > 0 {
			zero += "." + strings.Repeat("0", d.prec)
		}
		return []byte(zero + "p+0")
	}
	mant := new(big.Float)
	exp := v.MantExp(mant)
	mant.SetMantExp(mant.Abs(mant), longDouble)
	m, _ := mant.Uint64()
	exp -= 4
	if d.hasPrec && d.prec < 15 {
		drop := uint(60 - 4*d.prec)
		half := uint64(1) << (drop - 1)
		low := m & (1<<drop - 1)
		m -= low
		if low > half || low == half && m>>drop&1 == 1 {
			m += 1 << drop
			if m == 0 { // the carry left the 64 bits
				m, exp = 1<<60, exp+4
			}
		}
	}
	h := fmt.Sprintf("%016x", m)
	first, frac := h[:1], strings.TrimRight(h[1:], "0")
	if d.hasPrec {
		frac = (h[1:] + strings.Repeat("0", max(0, d.prec-15)))[:d.prec]
	}
	if frac != "" {
		frac = "." + frac
	}
	return fmt.Appendf(nil, "%s0x%s%sp%+d", sign, first, frac, exp)
}
