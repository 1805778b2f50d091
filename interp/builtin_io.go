package interp

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"
)

// ioBuiltins are the builtins that produce and examine text.
var ioBuiltins = []builtin{
	{name: "echo", run: runEcho, usage: "echo [-neE] [arg ...]"},
	{name: "printf", run: runPrintf, usage: "printf [-v var] format [arguments]"},
	{name: "test", run: runTest, usage: "test [expr]"},
	{name: "[", run: runTest},
	{name: "read", run: runRead, usage: "read [-ers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]"},
	{name: "mapfile", run: runMapfile, usage: "mapfile [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] [-c quantum] [array]"},
	{name: "readarray", run: runMapfile, usage: "readarray [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] [-c quantum] [array]"},
	{name: "getopts", run: runGetopts, usage: "getopts optstring name [arg ...]"},
}

// maxScratch is the largest output buffer that a shell keeps for the next
// builtin.
const maxScratch = 64 << 10

// emit writes the output of a builtin, collected in sh.scratch, in one write.
func (sh *shell) emit(name string, b []byte) int {
	status := 0
	if len(b) > 0 {
		status = sh.output(name, b)
	}
	if cap(b) <= maxScratch {
		sh.scratch = b[:0]
	}
	return status
}

// output writes to standard output and reports a failure, but not a broken
// pipe: that is SIGPIPE's to tell.
func (sh *shell) output(name string, b []byte) int {
	err := sh.write(1, b)
	if err == nil {
		return 0
	}
	if !errors.Is(err, syscall.EPIPE) {
		sh.errorf("%s: write error: %s", name, errText(err))
	}
	return 1
}

func runEcho(sh *shell, args []string) int {
	style := echoDash
	switch xpg := sh.shopts.on(shoptXpgEcho); {
	case sh.rt.bash && xpg && sh.opts.on(optPosix):
		style = echoXSI
	case sh.rt.bash && xpg:
		style = echoXPG
	case sh.rt.bash:
		style = echoBash
	}
	return sh.emit(args[0], appendEcho(sh.scratch[:0], args[1:], style))
}

func runPrintf(sh *shell, args []string) int {
	name, target := args[0], ""
	rest := args[1:]
	for len(rest) > 0 && isOption(rest[0]) {
		if rest[0] == "--" {
			rest = rest[1:]
			break
		}
		if rest[0][1] != 'v' {
			return sh.badOption(name, rest[0][:2])
		}
		if target, rest = rest[0][2:], rest[1:]; target == "" {
			if len(rest) == 0 {
				return sh.badCall(name, &optionError{"-v", true})
			}
			target, rest = rest[0], rest[1:]
		}
	}
	if len(rest) == 0 {
		return sh.usageError(name)
	}
	p := printer{
		out: sh.scratch[:0], args: rest[1:], name: name, world: sh,
		bash: sh.bash(), keep: target != "",
	}
	p.run(rest[0])
	if target != "" {
		if err := sh.assignTo(target, string(p.out)); err != nil {
			sh.assignFailed(name, err)
			if !sh.validTarget(target) {
				return 2
			}
			return sh.badNumber()
		}
		return p.status
	}
	return max(p.status, sh.emit(name, p.out))
}

func (sh *shell) printComplain(name, format string, args ...any) {
	sh.errorf("%s: %s", name, fmt.Sprintf(format, args...))
}

func (sh *shell) printFlush(name string, b []byte) bool { return sh.output(name, b) == 0 }

func (sh *shell) printTime(dst []byte, format string, when int64) []byte {
	return strftimeText(dst, format, sh.timeFor(when))
}

func (sh *shell) printAssign(name string, n int) error {
	return sh.assignTo(name, strconv.Itoa(n))
}

// timeFor is the time that %(fmt)T shows: -1 is now, -2 the start of the
// shell, in the zone that $TZ names.
func (sh *shell) timeFor(when int64) time.Time {
	t := time.Unix(when, 0)
	switch when {
	case -1:
		t = time.Now()
	case -2:
		t = sh.rt.start
	}
	return t.In(sh.zone())
}

// zone is the time zone of $TZ. Zone files are read through the System: their
// names come from the script.
func (sh *shell) zone() *time.Location {
	tz, ok := sh.getVar("TZ")
	if !ok {
		return sh.zoneFile("/etc/localtime", "")
	}
	if len(tz) > 0 && tz[0] == ':' {
		tz = tz[1:]
	}
	if tz == "" {
		return time.UTC
	}
	if loc, ok := parseZone(tz); ok {
		return loc
	}
	if tz[0] == '/' {
		return sh.zoneFile(tz, tz)
	}
	return sh.zoneFile("/usr/share/zoneinfo/"+tz, tz)
}

// zoneFile reads a compiled zone, tzfile(5). Whatever is none is UTC.
func (sh *shell) zoneFile(path, name string) *time.Location {
	const maxZone = 256 << 10
	data, err := sh.readWhole(path, "printf", maxZone)
	if err != nil {
		return time.UTC
	}
	loc, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return time.UTC
	}
	return loc
}

func runTest(sh *shell, args []string) int {
	operands := args[1:]
	if args[0] == "[" {
		if n := len(operands); n == 0 || operands[n-1] != "]" {
			sh.errorf("%s: %s", args[0], sh.worded("missing ]", "missing `]'"))
			return 2
		}
		operands = operands[:len(operands)-1]
	}
	ok, err := evalTest(sh, operands)
	if err != nil {
		text := err.Error()
		if bad, ok := err.(*condError); ok && bad.bash != "" {
			text = sh.worded(text, bad.bash)
		}
		sh.errorf("%s: %s", args[0], text)
		return 2
	}
	if ok {
		return 0
	}
	return 1
}
