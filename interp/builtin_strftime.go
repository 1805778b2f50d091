package interp

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// strftimeText is strftime(3) in the C locale. Unknown conversions stay as
// they are. The GNU flags - _ 0 ^ are understood.
func strftimeText(dst []byte, format string, t time.Time) []byte {
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' || i+1 == len(format) {
			dst = append(dst, c)
			continue
		}
		start := i
		i++
		flag := byte(0)
		for i < len(format) && strings.IndexByte("-_0^#", format[i]) >= 0 {
			flag = format[i]
			i++
		}
		if i+1 < len(format) && (format[i] == 'E' || format[i] == 'O') {
			i++ // alternative formats: the C locale has none
		}
		if i == len(format) {
			return append(dst, format[start:]...)
		}
		s, ok := strftimeField(format[i], t)
		if !ok {
			dst = append(dst, format[start:i+1]...)
			continue
		}
		dst = append(dst, strftimeFlag(s, flag)...)
	}
	return dst
}

// strftimeFlag changes the padding or the case of a field.
func strftimeFlag(s string, flag byte) string {
	switch flag {
	case '^':
		return strings.ToUpper(s)
	case '-', '_':
		trimmed := strings.TrimLeft(s[:len(s)-1], "0 ") + s[len(s)-1:]
		if flag == '_' {
			trimmed = strings.Repeat(" ", len(s)-len(trimmed)) + trimmed
		}
		return trimmed
	case '0':
		return strings.ReplaceAll(s, " ", "0")
	}
	return s
}

// strftimeLayouts are the conversions that Go's layouts express.
var strftimeLayouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan",
	'c': "Mon Jan _2 15:04:05 2006", 'd': "02", 'D': "01/02/06", 'e': "_2",
	'F': "2006-01-02", 'H': "15", 'I': "03", 'm': "01", 'M': "04",
	'p': "PM", 'r': "03:04:05 PM", 'R': "15:04", 'S': "05", 'T': "15:04:05",
	'x': "01/02/06", 'X': "15:04:05", 'y': "06", 'Y': "2006",
	'z': "-0700", 'Z': "MST",
}

func strftimeField(c byte, t time.Time) (string, bool) {
	if layout, ok := strftimeLayouts[c]; ok {
		return t.Format(layout), true
	}
	weekday := int(t.Weekday())
	isoYear, isoWeek := t.ISOWeek()
	switch c {
	case '%':
		return "%", true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100), true
	case 'G':
		return strconv.Itoa(isoYear), true
	case 'g':
		return fmt.Sprintf("%02d", isoYear%100), true
	case 'V':
		return fmt.Sprintf("%02d", isoWeek), true
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay()), true
	case 'k':
		return fmt.Sprintf("%2d", t.Hour()), true
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1), true
	case 'P':
		return strings.ToLower(t.Format("PM")), true
	case 's':
		return strconv.FormatInt(t.Unix(), 10), true
	case 'u':
		return strconv.Itoa((weekday+6)%7 + 1), true
	case 'w':
		return strconv.Itoa(weekday), true
	case 'U': // weeks that start on Sunday
		return fmt.Sprintf("%02d", (t.YearDay()+6-weekday)/7), true
	case 'W': // weeks that start on Monday
		return fmt.Sprintf("%02d", (t.YearDay()+6-(weekday+6)%7)/7), true
	}
	return "", false
}

// parseZone understands the fixed offsets of POSIX TZ, like UTC0 or EST5 or
// <+03>-3. Zones with rules are looked up as files by the caller.
func parseZone(tz string) (*time.Location, bool) {
	name, rest := tz, ""
	if strings.HasPrefix(tz, "<") {
		end := strings.IndexByte(tz, '>')
		if end < 0 {
			return nil, false
		}
		name, rest = tz[1:end], tz[end+1:]
	} else {
		i := 0
		for i < len(tz) && digitValue(tz[i]) >= 10 && digitValue(tz[i]) < 36 {
			i++
		}
		name, rest = tz[:i], tz[i:]
	}
	if len(name) < 3 || rest == "" {
		return nil, false
	}
	sign := -1 // POSIX counts westwards
	if rest[0] == '-' || rest[0] == '+' {
		if rest[0] == '-' {
			sign = 1
		}
		rest = rest[1:]
	}
	seconds, unit := 0, 3600
	for _, part := range strings.Split(rest, ":") {
		v, n := digits(part, 10, 3)
		if n == 0 || n != len(part) || unit == 0 {
			return nil, false
		}
		seconds += int(v) * unit
		unit /= 60
	}
	return time.FixedZone(name, sign*seconds), true
}
