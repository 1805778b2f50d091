package interp

import (
	"strings"
	"testing"
	"time"
)

// printSink passes nothing on but counts it.
type printSink struct{ written int }

func (*printSink) printComplain(string, string, ...any) {}

func (*printSink) multibyte() bool { return true }

func (k *printSink) printFlush(_ string, b []byte) bool {
	k.written += len(b)
	return true
}

func (*printSink) printTime(dst []byte, format string, when int64) []byte {
	return strftimeText(dst, format, time.Unix(when, 0).UTC())
}

func (*printSink) printAssign(string, int) error { return nil }

func printed(bash bool, format string, args ...string) (string, int) {
	p := &printer{args: args, bash: bash, keep: true, world: &printSink{}}
	p.run(format)
	return string(p.out), p.status
}

func TestPrintf(t *testing.T) {
	for _, row := range []struct {
		want   string
		status int
		format string
		args   string // separated by |
	}{
		{"x\n", 0, `x\n`, ""}, {"a\tb\\A\x7f", 0, `a\tb\\\101\177`, ""},
		{"1 2\n3 \n", 0, `%s %s\n`, "1|2|3"}, {"x", 0, "x", "a|b"},
		{"  a|b  |", 0, "%3s|%-3s|", "a|b"}, {"ab", 0, "%.2s", "abc"}, {"%", 0, "%%", ""},
		{"    5|5    ", 0, "%*d|%-*d", "5|5|5|5"}, {"5    |", 0, "%*d|", "-5|5"},
		{"-0007", 0, "%05d", "-7"}, {"  007", 0, "%5.3d", "7"}, {"+7", 0, "%+d", "7"},
		{"31 8 65", 0, "%d %d %d", "0x1f|010|'A"}, {"", 0, "%.0d", "0"},
		{"0xff 0377 FF", 0, "%#x %#o %X", "255|255|255"}, {"18446744073709551615", 0, "%u", "-1"},
		{"3", 1, "%d", "3x"}, {"0", 1, "%d", "x"}, {"0", 0, "%d", ""},
		{"9223372036854775807", 1, "%d", "9223372036854775808"},
		{"-9223372036854775808", 0, "%d", "-9223372036854775808"},
		{"1.500000 1.5e+00 2 inf", 0, "%f %.1e %g %f", "1.5|1.5|2|inf"},
		{"0x1.8p+0", 0, "%a", "1.5"}, {"1.00000", 0, "%#g", "1"}, {"1.", 0, "%#.0f", "1"},
		{"ab", 0, "%b%s", `ab\c|x`}, {"A\x00", 0, "%b", `\0101\0`}, {"a", 0, "%.1b", "ab"},
		{"h", 0, "%c", "hello"}, {"\x00", 0, "%c", ""}, {"", 1, "%", ""}, {"a", 1, "a%yb", "1"},
		{`a\ b '' $'\n' \$x`, 0, "%q %q %q %q", "a b||\n|$x"},
		{"1970-01-02", 0, "%(%F)T", "86400"}, {"%(1.000000", 0, "%(%F", "1"},
	} {
		var args []string
		if row.args != "" {
			args = strings.Split(row.args, "|")
		}
		got, status := printed(false, row.format, args...)
		if got != row.want || status != row.status {
			t.Errorf("printf %q %q: %q, %d; want %q, %d", row.format, args, got, status, row.want, row.status)
		}
	}
}

func TestPrintfLongDouble(t *testing.T) {
	for _, row := range [][3]string{
		{"%.20f", "0.1", "0.10000000000000000000"},
		{"%a", "1", "0x8p-3"}, {"%a", "0.1", "0xc.ccccccccccccccdp-7"},
		{"%g", "1e4000", "1e+4000"}, {"%f", "1e99999999999", "inf"}, {"%f", "-1e-99999999999", "0.000000"},
	} {
		if got, _ := printed(true, row[0], row[1]); got != row[2] {
			t.Errorf("printf %s %s: %s, want %s", row[0], row[1], got, row[2])
		}
	}
}

func TestPrintfIsBounded(t *testing.T) {
	if got, status := printed(false, "%999999999999d", "1"); len(got) > 0 || status != 1 {
		t.Errorf("%d bytes, status %d", len(got), status)
	}
	var sink printSink
	p := &printer{args: strings.Split(strings.Repeat("1 ", 99)+"1", " "), world: &sink}
	p.run("%1000000d")
	if len(p.out)+sink.written != 100*1000000 || cap(p.out) > 4000000 {
		t.Errorf("%d bytes in %d", len(p.out)+sink.written, cap(p.out))
	}
}

func FuzzPrintf(f *testing.F) {
	f.Add("%-+5.3d|%*s%b", "1\x002\x00x", true)
	f.Add("%(%c)T %q %a", "0\x00é\x001e300", false)
	f.Fuzz(func(t *testing.T, format, args string, bash bool) {
		out, status := printed(bash, format, strings.Split(args, "\x00")...)
		if status != 0 && status != 1 {
			t.Errorf("status %d", status)
		}
		if !strings.ContainsAny(format, `%\`) && out != format {
			t.Errorf("%q became %q", format, out)
		}
	})
}

func BenchmarkPrintf(b *testing.B) {
	out := make([]byte, 0, 256)
	args := []string{"a", "17"}
	sink := &printSink{}
	b.ReportAllocs()
	for b.Loop() {
		p := printer{out: out[:0], args: args, world: sink}
		p.run(`%s=%5d\n`)
	}
}
