package interp

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fsh-sh/fsh/interp/parse"
	"mvdan.cc/sh/v3/syntax"
)

// trace writes one line of -x, after the expansion of PS4.
func (sh *shell) trace(line string) {
	if sh.xtraceBusy {
		return
	}
	sh.xtraceBusy = true
	ps4 := sh.getOr("PS4", "+ ")
	prompt := sh.expandPrompt(ps4)
	sh.xtraceBusy = false
	if sh.bash() && prompt != "" {
		// bash repeats the first character once per level of indirection.
		prompt = strings.Repeat(prompt[:1], min(sh.indirect, 100)) + prompt
	}
	to := 2
	if sh.traceFD > 0 {
		to = sh.traceFD
	}
	sh.write(to, []byte(prompt+line+"\n"))
}

// traceTo follows $BASH_XTRACEFD: -x writes to that descriptor, which is
// closed when the variable changes.
func (sh *shell) traceTo(name string) {
	if !sh.rt.bash {
		return
	}
	s, _ := sh.getVar(name)
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || sh.fdFile(n) == nil {
		if s != "" && (err == nil || !isNumber(s)) {
			sh.errorf("%s: %s: invalid value for trace file descriptor", name, s)
		}
		n = 0
	}
	if old := sh.traceFD; old > 2 && old != n {
		sh.setFile(old, nil).drop()
	}
	sh.traceFD = n
}

// expandPrompt expands parameters, commands and arithmetic in a prompt; text
// that cannot be expanded stands for itself.
func (sh *shell) expandPrompt(text string) string {
	if !strings.ContainsAny(text, "$`\\") {
		return text
	}
	w, err := parseText(text)
	if err != nil || !sh.deeper("prompt") { // ${x@P} may be in x
		return text
	}
	defer func() { sh.evalDepth-- }()
	status, ran, last := sh.status, sh.substRan, sh.substStatus
	c := &compiler{file: sh.file}
	s, err := compileHeredoc(c, w, false).str(sh)
	sh.status, sh.substRan, sh.substStatus = status, ran, last
	if err != nil {
		return text
	}
	return s
}

// parseText parses text with expansions as in a here-document.
func parseText(text string) (*syntax.Word, error) {
	end := "_"
	for strings.Contains(text, end) {
		end += "_"
	}
	p := parse.New(parse.String(":<<"+end+"\n"+text+"\n"+end+"\n"), parse.Options{Bash: true})
	stmts, err := p.Next()
	if err != nil {
		return nil, err
	}
	w := stmts[0].Redirs[0].Hdoc
	if w == nil || len(w.Parts) == 0 {
		return &syntax.Word{}, nil
	}
	if lit, ok := w.Parts[len(w.Parts)-1].(*syntax.Lit); ok {
		lit.Value = strings.TrimSuffix(lit.Value, "\n")
	}
	return w, nil
}

// stmtText is a command for a list of jobs: as bash writes it, or on one line.
func (sh *shell) stmtText(s *syntax.Stmt) string {
	if sh.rt.bash {
		plain := *s
		plain.Negated, plain.Background = false, false
		return strings.TrimRight(inlineText(&plain), "\n")
	}
	text, _, _ := strings.Cut(printNode(s, syntax.SingleLine(true)), "\n") // without here-documents
	return strings.TrimSuffix(text, " &")
}

// commandText is a simple command for a list of jobs.
func (sh *shell) commandText(n syntax.Node) string {
	switch n := n.(type) {
	case *syntax.Stmt:
		return sh.stmtText(n)
	case syntax.Command:
		return sh.stmtText(&syntax.Stmt{Cmd: n})
	}
	return printNode(n)
}

func printNode(n syntax.Node, options ...syntax.PrinterOption) (text string) {
	defer func() {
		// The printer expects arithmetic in upstream's form in places.
		if recover() != nil {
			text = "…"
		}
	}()
	var b strings.Builder
	if err := syntax.NewPrinter(append(options, syntax.Indent(4))...).Print(&b, n); err != nil {
		return "…"
	}
	return strings.TrimRight(b.String(), "\n")
}

// times is a reading of the clocks for the reserved word time.
type times struct {
	real         time.Time
	user, system time.Duration
}

func (sh *shell) clock() times {
	t := times{real: time.Now()}
	var self syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &self)
	user, system := sh.rt.sys.ChildTimes()
	t.user = time.Duration(self.Utime.Nano() + user.Nano())
	t.system = time.Duration(self.Stime.Nano() + system.Nano())
	return t
}

func (sh *shell) reportTimes(start times, posix bool) {
	end := sh.clock()
	real, user, system := end.real.Sub(start.real), end.user-start.user, end.system-start.system
	if posix {
		sh.write(2, fmt.Appendf(nil, "real %.2f\nuser %.2f\nsys %.2f\n",
			real.Seconds(), user.Seconds(), system.Seconds()))
		return
	}
	format, ok := sh.getVar("TIMEFORMAT")
	if !ok || !sh.rt.bash {
		format = "\nreal\t%3lR\nuser\t%3lU\nsys\t%3lS"
	}
	if format != "" {
		sh.write(2, append(timesText(format, real, user, system), '\n'))
	}
}

// timesText expands TIMEFORMAT: %[p][l]R, U, S, and P for the processor's
// share; p is the number of digits, l asks for minutes.
func timesText(format string, real, user, system time.Duration) []byte {
	var b []byte
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b = append(b, format[i])
			continue
		}
		i++
		digits, long := 3, false
		if c := format[i]; c >= '0' && c <= '9' && i+1 < len(format) {
			digits = min(int(c-'0'), 6)
			i++
		}
		if format[i] == 'l' && i+1 < len(format) {
			long = true
			i++
		}
		switch format[i] {
		case 'R':
			b = append(b, seconds(real, digits, long)...)
		case 'U':
			b = append(b, seconds(user, digits, long)...)
		case 'S':
			b = append(b, seconds(system, digits, long)...)
		case 'P':
			b = fmt.Appendf(b, "%.2f", 100*(user+system).Seconds()/max(real.Seconds(), 1e-9))
		case '%':
			b = append(b, '%')
		default:
			b = append(b, '%', format[i])
		}
	}
	return b
}

func seconds(d time.Duration, digits int, long bool) string {
	if !long {
		return fmt.Sprintf("%.*f", digits, d.Seconds())
	}
	return fmt.Sprintf("%dm%.*fs", int(d.Minutes()), digits, d.Seconds()-60*float64(int(d.Minutes())))
}
