package interp

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"syscall"
)

// ulimitResource is one limit of setrlimit(2) as ulimit shows it.
type ulimitResource struct {
	letter   byte
	resource int // RLIMIT_*, include/uapi/asm-generic/resource.h
	unit     uint64
	name     string // of bash's ulimit -a
	unitName string
	short    string // of dash's ulimit -a
}

const (
	rlimitCPU = iota
	rlimitFsize
	rlimitData
	rlimitStack
	rlimitCore
	rlimitRSS
	rlimitNproc
	rlimitNofile
	rlimitMemlock
	rlimitAS
	rlimitLocks
	rlimitSigpending
	rlimitMsgqueue
	rlimitNice
	rlimitRtprio
	rlimitRttime
)

// ulimitTable is in the order of bash's ulimit -a. POSIX counts files in 512
// byte blocks, bash outside POSIX mode in 1024; see blockUnit.
var ulimitTable = []ulimitResource{
	{'R', rlimitRttime, 1, "real-time non-blocking time", "microseconds, ", "rttime(microseconds)"},
	{'c', rlimitCore, 512, "core file size", "blocks, ", "coredump(blocks)"},
	{'d', rlimitData, 1024, "data seg size", "kbytes, ", "data(kbytes)"},
	{'e', rlimitNice, 1, "scheduling priority", "", "nice"},
	{'f', rlimitFsize, 512, "file size", "blocks, ", "file(blocks)"},
	{'i', rlimitSigpending, 1, "pending signals", "", "sigpending"},
	{'l', rlimitMemlock, 1024, "max locked memory", "kbytes, ", "locked memory(kbytes)"},
	{'m', rlimitRSS, 1024, "max memory size", "kbytes, ", "memory(kbytes)"},
	{'n', rlimitNofile, 1, "open files", "", "nofiles"},
	{'p', ulimitPipe, 512, "pipe size", "512 bytes, ", ""},
	{'q', rlimitMsgqueue, 1, "POSIX message queues", "bytes, ", "msgqueue(bytes)"},
	{'r', rlimitRtprio, 1, "real-time priority", "", "rtprio"},
	{'s', rlimitStack, 1024, "stack size", "kbytes, ", "stack(kbytes)"},
	{'t', rlimitCPU, 1, "cpu time", "seconds, ", "time(seconds)"},
	{'u', rlimitNproc, 1, "max user processes", "", "process"},
	{'v', rlimitAS, 1024, "virtual memory", "kbytes, ", "vmemory(kbytes)"},
	{'x', rlimitLocks, 1, "file locks", "", "locks"},
}

// ulimitPipe is no resource: ulimit -p of bash shows PIPE_BUF.
const ulimitPipe = -1

// limitInfinity is RLIM_INFINITY.
const limitInfinity = math.MaxUint64

// ulimitByLetter finds a resource. dash spells -u and -x as -p and -w.
func ulimitByLetter(c byte, dash bool) *ulimitResource {
	if dash {
		switch c {
		case 'p':
			c = 'u'
		case 'w':
			c = 'x'
		}
	}
	for i := range ulimitTable {
		if ulimitTable[i].letter == c {
			return &ulimitTable[i]
		}
	}
	return nil
}

// blockUnit is the unit of the limits that POSIX gives in 512 byte blocks.
func (r *ulimitResource) blockUnit(dash bool) uint64 {
	if r.unit == 512 && r.resource != ulimitPipe && !dash {
		return 1024
	}
	return r.unit
}

func formatLimit(v, unit uint64) string {
	if v == limitInfinity {
		return "unlimited"
	}
	return strconv.FormatUint(v/unit, 10)
}

// ulimitRequest is one limit to print or to set.
type ulimitRequest struct {
	res   *ulimitResource
	value string
	set   bool
}

// ulimitFlags are the options of one ulimit command.
type ulimitFlags struct {
	hard, soft, all bool
	requests        []ulimitRequest
}

// parseUlimit reads the arguments after the name. An operand directly behind
// an option letter belongs to it, as in `ulimit -c 0 -n 64`.
func parseUlimit(args []string, dash bool) (*ulimitFlags, error) {
	f := &ulimitFlags{}
	i := 0
	for ; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			i++
			break
		}
		if len(a) < 2 || a[0] != '-' {
			break
		}
		for j := 1; j < len(a); j++ {
			if err := f.option(a[j], dash); err != nil {
				return nil, err
			}
		}
		if n := len(f.requests); n > 0 && i+1 < len(args) && !isOption(args[i+1]) && a != "-H" && a != "-S" {
			i++
			f.requests[n-1].value, f.requests[n-1].set = args[i], true
		}
	}
	if i < len(args) {
		return f, f.operand(args[i:])
	}
	if len(f.requests) == 0 && !f.all {
		f.requests = []ulimitRequest{{res: ulimitByLetter('f', dash)}}
	}
	return f, nil
}

func isOption(s string) bool { return len(s) > 1 && s[0] == '-' }

func (f *ulimitFlags) option(c byte, dash bool) error {
	switch c {
	case 'H':
		f.hard = true
	case 'S':
		f.soft = true
	case 'a':
		f.all = true
	default:
		r := ulimitByLetter(c, dash)
		if r == nil {
			return &optionError{option: "-" + string(rune(c))}
		}
		f.requests = append(f.requests, ulimitRequest{res: r})
	}
	return nil
}

// operand applies a value that followed the options.
func (f *ulimitFlags) operand(rest []string) error {
	if len(rest) > 1 {
		return errors.New("too many arguments")
	}
	if len(f.requests) == 0 {
		f.requests = []ulimitRequest{{res: ulimitByLetter('f', true)}}
	}
	last := &f.requests[len(f.requests)-1]
	last.value, last.set = rest[0], true
	return nil
}

// newLimit computes what a request makes of a limit. ceiling is how high the
// hard limit may become.
func (r *ulimitRequest) newLimit(old Limit, f *ulimitFlags, dash bool, ceiling uint64) (Limit, error) {
	if r.res.resource == ulimitPipe {
		return old, errors.New("cannot modify limit")
	}
	v, err := r.number(old, dash)
	if err != nil {
		return old, err
	}
	both := f.hard == f.soft
	next := old
	if f.hard || both {
		if v > old.Max && v > ceiling {
			return old, syscall.EPERM
		}
		next.Max = v
	}
	if f.soft || both {
		next.Cur = v
	}
	if next.Cur > next.Max {
		return old, syscall.EINVAL
	}
	return next, nil
}

var errBadLimit = errors.New("bad number")

func (r *ulimitRequest) number(old Limit, dash bool) (uint64, error) {
	switch r.value {
	case "unlimited":
		return limitInfinity, nil
	case "hard":
		return old.Max, nil
	case "soft":
		return old.Cur, nil
	}
	unit := r.res.blockUnit(dash)
	v, err := strconv.ParseUint(r.value, 10, 64)
	if err != nil || v > (limitInfinity-1)/unit {
		return 0, errBadLimit
	}
	return v * unit, nil
}

// appendLimits is ulimit -a.
func appendLimits(dst []byte, f *ulimitFlags, dash bool, get func(resource int) Limit) []byte {
	for i := range ulimitTable {
		r := &ulimitTable[i]
		if dash && r.resource == ulimitPipe {
			continue
		}
		l := get(r.resource)
		v := l.Cur
		if f.hard {
			v = l.Max
		}
		text := formatLimit(v, r.blockUnit(dash))
		if dash {
			dst = fmt.Appendf(dst, "%-20s %s\n", r.short, text)
		} else {
			unit := "(" + r.unitName + "-" + string(r.letter) + ")"
			dst = fmt.Appendf(dst, "%-20s%20s %s\n", r.name, unit, text)
		}
	}
	return dst
}
