package interp_test

import (
	"github.com/fsh-sh/fsh/interp/internal/difftest"

	"bufio"
	"context"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterrupt sends SIGINT to the process group of a shell, as a terminal
// does, once the script has said that it is ready. The commands use exec:
// dash may miss an interrupt that comes while it forks.
func TestInterrupt(t *testing.T) {
	fsh := difftest.Fsh(t)
	for _, row := range []struct {
		script  string
		dialect string
		want    string // output after "ready"
		signal  syscall.Signal
	}{
		{`sh -c 'echo ready; exec sleep 60'; echo no`, "", "", syscall.SIGINT},
		{`trap 'echo trapped' INT; sh -c 'echo ready; exec sleep 60'; echo yes`, "", "trapped\nyes\n", 0},
		{`sh -c 'trap "exit 0" INT; echo ready; while :; do :; done'; echo yes`, "", "", syscall.SIGINT},
		{`sh -c 'trap "exit 0" INT; echo ready; while :; do :; done'; echo yes`, "bash", "yes\n", 0},
		{`trap '' INT; (echo ready; sh -c 'kill -INT $$'; echo survived)`, "", "survived\n", 0},
		{`echo ready; while :; do :; done`, "", "", syscall.SIGINT},
		{`(sh -c 'echo ready; exec sleep 60'; echo no); echo no`, "", "", syscall.SIGINT},
		{`x=$(sh -c 'echo ready >&2; exec sleep 60' 2>&1 >/dev/null | sed -u 1q >&3; echo no); echo no`, "", "", syscall.SIGINT},
		{`echo ready; read x; echo no`, "", "", syscall.SIGINT},
		{`trap 'echo bye' EXIT; sh -c 'echo ready; exec sleep 60'`, "", "", syscall.SIGINT},
		{`trap 'echo bye' EXIT; sh -c 'echo ready; exec sleep 60'`, "bash", "bye\n", syscall.SIGINT},
		{`mkfifo "$TMPDIR/f"; echo ready; read x <"$TMPDIR/f"; echo no`, "", "", syscall.SIGINT},
		{`trap 'echo t; exit 4' INT; mkfifo "$TMPDIR/f"; echo ready; cat <"$TMPDIR/f"; echo no`, "", "t\n", 0},
		{`sleep 60 & echo ready; wait; echo no`, "", "", syscall.SIGINT},
	} {
		if strings.Contains(row.script, ">&3") {
			row.script = "exec 3>&1; " + row.script
		}
		t.Run(row.dialect+row.script, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, fsh, "-c", row.script)
			cmd.Env = []string{"PATH=/usr/bin:/bin", "FSH_TEST_DIALECT=" + row.dialect, "TMPDIR=" + t.TempDir()}
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			keep, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer keep.Close()
			pipe, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			out := bufio.NewReader(pipe)
			if line, err := out.ReadString('\n'); line != "ready\n" {
				t.Fatalf("got %q, %v instead of ready", line, err)
			}
			syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
			rest := make(chan string, 1)
			go func() {
				text, _ := io.ReadAll(out)
				rest <- string(text)
			}()
			state, err := cmd.Process.Wait()
			if err != nil {
				t.Fatal(err)
			}
			if ws := state.Sys().(syscall.WaitStatus); row.signal != 0 && (!ws.Signaled() || ws.Signal() != row.signal) {
				t.Errorf("ended with %v, want %v", state, row.signal)
			}
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what ignored SIGINT
			if got := <-rest; got != row.want {
				t.Errorf("output %q, want %q", got, row.want)
			}
		})
	}
}
