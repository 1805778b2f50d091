package interp

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
)

// signalNames are the signals of signal(7) by their numbers on Linux.
var signalNames = [...]string{
	"EXIT", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL",
	"USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT",
	"STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
	"WINCH", "IO", "PWR", "SYS",
}

// Real-time signals: glibc keeps the first two for itself.
const (
	signalRTMin = 34
	signalRTMax = 64
)

// signalName is the name without SIG, or the number if there is none.
func signalName(n int) string {
	switch {
	case n >= 0 && n < len(signalNames):
		return signalNames[n]
	case n == signalRTMin:
		return "RTMIN"
	case n == signalRTMax:
		return "RTMAX"
	case n > signalRTMin && n <= (signalRTMin+signalRTMax)/2:
		return fmt.Sprintf("RTMIN+%d", n-signalRTMin)
	case n > signalRTMin && n < signalRTMax:
		return fmt.Sprintf("RTMAX-%d", signalRTMax-n)
	}
	return strconv.Itoa(n)
}

// signalByName understands names in any case, with or without SIG, and
// numbers. EXIT and 0 are 0.
func signalByName(s string) (int, bool) {
	if s == "" {
		return 0, false
	}
	if v, n := digits(s, 10, 4); n == len(s) {
		return int(v), v <= signalRTMax
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	for i, known := range signalNames {
		if known == name {
			return i, true
		}
	}
	switch name {
	case "IOT":
		return int(syscall.SIGABRT), true
	case "CLD":
		return int(syscall.SIGCHLD), true
	case "POLL":
		return int(syscall.SIGIO), true
	}
	base, offset := signalRTMin, 1
	rest, ok := strings.CutPrefix(name, "RTMIN")
	if !ok {
		if rest, ok = strings.CutPrefix(name, "RTMAX"); !ok {
			return 0, false
		}
		base, offset = signalRTMax, -1
	}
	if rest == "" {
		return base, true
	}
	v, n := digits(rest[1:], 10, 2)
	sign := map[int]byte{1: '+', -1: '-'}[offset]
	if rest[0] != sign || n == 0 || n != len(rest)-1 || v > signalRTMax-signalRTMin {
		return 0, false
	}
	return base + offset*int(v), true
}

// appendSignalList is `kill -l`: a table in bash, else a name a line.
func appendSignalList(dst []byte, table bool) []byte {
	column := 0
	for n := 1; n <= signalRTMax; n++ {
		if n >= len(signalNames) && n < signalRTMin {
			continue
		}
		if !table {
			dst = append(append(dst, signalName(n)...), '\n')
			continue
		}
		end := byte('\t')
		if column++; column%5 == 0 {
			end = '\n'
		}
		dst = append(fmt.Appendf(dst, "%2d) SIG%s", n, signalName(n)), end)
	}
	if table && column%5 != 0 {
		dst = append(dst, '\n')
	}
	return dst
}
