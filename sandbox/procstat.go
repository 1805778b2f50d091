package sandbox

import "strings"

// Fields of a process's stat by the numbers of proc_pid_stat(5).
const (
	statState    = 3
	statParent   = 4
	statSession  = 6
	statTerminal = 7 // tty_nr
)

// statField is a field behind the second, the name in brackets, which may have
// anything in it; "" when there is none.
func statField(stat string, number int) string {
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if number -= statState; number >= len(fields) {
		return ""
	}
	return fields[number]
}
