package interp_test

import (
	"bytes"
	"github.com/fsh-sh/fsh/interp/internal/difftest"
	"os/exec"
	"strings"
	"testing"
)

// leftover counts open files and children before and after a body of
// commands: what the garbage collector has not closed yet may come on top.
const leftover = `
count() { set -- /proc/$$/fd/*; files=$#; kids=$(cat /proc/$$/task/*/children | wc -w); }
repeat() { n=$1; shift; while [ "$n" -gt 0 ]; do "$@"; n=$((n-1)); done; }
work() {
BODY
}
repeat 5 work; wait; count; was=$files
repeat TIMES work; wait; count
[ "$files" -le "$((was+SLACK))" ] || echo "files: $was, then $files"
[ "$kids" -le 2 ] || echo "children: $kids" # cat and wc
`

func TestNothingIsLeft(t *testing.T) {
	fsh := difftest.Fsh(t)
	for _, row := range []struct{ name, body, times, options, slack string }{
		{"commands", "/bin/true", "10000", "", "4"},
		{"builtins", ": >/dev/null; read x </dev/null; echo x | read y", "10000", "", "4"},
		{"children of subshells", "(sh -c ': PPID'; :)", "200", "", "4"},
		{"subshells", "(exit 3); x=$(echo y); (umask 0; /bin/true)", "1000", "", "4"},
		{"directories", "(cd /)", "5000", "", "450"}, // closed when the collector sees them
		{"background jobs", "/bin/true & { :; } & (exit 3) &", "200", "", "4"},
		{"waited for", "/bin/true & wait $!", "200", "", "4"},
		{"jobs with groups", "(exit 3); /bin/true | cat; { :; } &", "200", "-m", "4"},
		{"killed jobs", "{ while :; do :; done; } & kill $!; wait $!", "100", "-m", "4"},
		{"here-documents", "cat <<E\nx\nE\n", "200", "", "4"},
		{"traps", "trap : USR1; kill -USR1 $$; (trap : USR1 EXIT)", "1000", "", "4"},
		{"process substitutions", "read x < <(echo y)", "200", "-B", "4"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			script := strings.NewReplacer("BODY", strings.ReplaceAll(row.body, `\n`, "\n"), "TIMES", row.times, "SLACK", row.slack).Replace(leftover)
			args := []string{"-c", script}
			if row.options != "" {
				args = append([]string{row.options}, args...)
			}
			cmd := exec.CommandContext(t.Context(), fsh, args...)
			cmd.Env = []string{"PATH=/usr/bin:/bin", "FSH_TEST_LEFT=1"}
			if row.options == "-B" {
				cmd.Env = append(cmd.Env, "FSH_TEST_DIALECT=bash")
			}
			var out, messages bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &messages
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s", err, messages.String())
			}
			text := strings.ReplaceAll(out.String(), "x\n", "")
			if text != "" {
				t.Error(text)
			}
			// The main one, the dispatcher and that of package signal.
			if !strings.Contains(messages.String(), "goroutines: 2\n") && !strings.Contains(messages.String(), "goroutines: 3\n") {
				t.Error(messages.String())
			}
		})
	}
}
