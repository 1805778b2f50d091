// Fshplain is the interpreter on the plain System, for tests that need a
// process: fshplain [-b] [-o option]… [-c command | file] [argument…].
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/interp/plain"
)

func main() {
	plain.Hidden()
	result := run(os.Args)
	if os.Getenv("FSH_TEST_LEFT") != "" {
		showLeft()
	}
	if result.Signal != 0 {
		interp.DieOf(result.Signal)
	}
	os.Exit(result.Status)
}

func run(args []string) interp.Result {
	self, err := os.Executable()
	if err != nil {
		return fail(err)
	}
	cfg := interp.Config{System: plain.New(self), Env: os.Environ(), Name: args[0], SelfInside: self}
	cfg.Terminal, cfg.Ignored = openTerminal, ignoredOnEntry()
	cfg.Bash = os.Getenv("FSH_TEST_DIALECT") == "bash" || strings.HasSuffix(args[0], "bash")
	rest := args[1:]
	command := false
	for len(rest) > 0 && len(rest[0]) > 1 && (rest[0][0] == '-' || rest[0][0] == '+') && !command {
		opt := rest[0]
		rest = rest[1:]
		switch {
		case opt == "--":
		case opt == "-c":
			command = true
		case opt == "-s":
		case opt == "-i":
			cfg.Interactive = true
			cfg.Options = append(cfg.Options, "-m")
		case opt == "-o" && len(rest) > 0:
			cfg.Options = append(cfg.Options, "-o "+rest[0])
			rest = rest[1:]
		case opt[0] == '-' && opt[1] != '-' && strings.Contains(opt, "c"):
			cfg.Options = append(cfg.Options, strings.Replace(opt, "c", "", 1))
			command = true
		default:
			cfg.Options = append(cfg.Options, opt)
		}
		if opt == "-s" || opt == "--" {
			break
		}
	}
	return start(cfg, rest, command)
}

func start(cfg interp.Config, rest []string, command bool) interp.Result {
	text := ""
	if command && len(rest) > 0 {
		text, rest = rest[0], rest[1:]
	}
	file := ""
	if len(rest) > 0 {
		cfg.Name, rest = rest[0], rest[1:]
		file = cfg.Name
	}
	cfg.Args = rest
	sh, err := interp.New(cfg)
	switch {
	case err != nil:
		return fail(err)
	case command:
		return sh.RunString(text)
	case file != "":
		return sh.RunFile(file)
	case cfg.Interactive:
		return sh.RunInteractive()
	}
	return sh.RunStdin()
}

// showLeft tells how many goroutines there are once those that are about to end
// have done so.
func showLeft() {
	n := runtime.NumGoroutine()
	for range 100 {
		time.Sleep(10 * time.Millisecond)
		if n = runtime.NumGoroutine(); n <= 3 {
			break
		}
	}
	fmt.Fprintf(os.Stderr, "goroutines: %d\n", n)
}

func openTerminal() int {
	tty, err := syscall.Open("/dev/tty", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return tty
}

func fail(err error) interp.Result {
	os.Stderr.WriteString("fshplain: " + err.Error() + "\n")
	return interp.Result{Status: 2}
}
