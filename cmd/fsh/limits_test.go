package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root gives text for root, whose processes a control group counts. For other
// users the kernel tells only the process that could not fork.
func root(text string) string {
	if os.Geteuid() == 0 {
		return text
	}
	return ""
}

// TestLimits: each limit holds, its twin below it does not notice, and what
// was exceeded is said.
func TestLimits(t *testing.T) {
	const forks = `sh -c 'i=0; while [ $i -lt %N% ]; do sleep 2 & i=$((i+1)); done; kill $(jobs -p)' 2>&1 | grep -ci fork`
	tests := []struct {
		name, limit, script, says string
		check                     func(outcome) bool
	}{
		{"memory", `memory = "64MiB"`, `sh -c 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done' 2>/dev/null; echo $?`, "limits.memory",
			func(o outcome) bool { return o.stdout != "0\n" }},
		{"memory, below", `memory = "64MiB"`, `sh -c 'x=a; i=0; while [ $i -lt 20 ]; do x=$x$x; i=$((i+1)); done; echo ${#x}'`, "",
			func(o outcome) bool { return o.stdout == "1048576\n" }},
		{"cpu_time", `cpu_time = "1s"`, `sh -c 'while :; do :; done'; echo $?`, "limits.cpu_time",
			func(o outcome) bool { return o.stdout == "152\n" }},
		{"cpu_time, ignored", `cpu_time = "1s"`, `sh -c 'trap "" XCPU; while :; do :; done'; echo $?`, "limits.cpu_time",
			func(o outcome) bool { return o.stdout == "137\n" }},
		{"open_files", `open_files = 20`, `sh -c 'ulimit -n; ulimit -Hn; ulimit -n 21 2>/dev/null || echo no'; dd if=/dev/null of=/dev/null 2>/dev/null && echo ok`, "",
			func(o outcome) bool { return o.stdout == "20\n20\nno\nok\n" }},
		{"file_size", `file_size = "1MiB"`, `sh -c 'exec head -c 1048577 /dev/zero >/tmp/f'; echo $?; head -c 1048576 /dev/zero >/tmp/g && echo ok; stat -c %s /tmp/f`,
			"limits.file_size", func(o outcome) bool { return o.stdout == "153\nok\n1048576\n" }},
		{"processes", `processes = 30`, strings.ReplaceAll(forks, "%N%", "100"), root("limits.processes"),
			func(o outcome) bool { return o.stdout == "1\n" }},
		{"processes, below", `processes = 30`, strings.ReplaceAll(forks, "%N%", "15"), "",
			func(o outcome) bool { return o.stdout == "0\n" }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := home(t)
			file := filepath.Join(dir, "policy.toml")
			if err := os.WriteFile(file, []byte("version = 1\n[limits]\n"+test.limit+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			got := fsh(t, dir, "--policy="+file, "-c", test.script)
			if strings.Contains(got.stderr, "cannot be enforced for root without a control group") {
				lacking(t, got.stderr)
			}
			if !test.check(got) {
				t.Errorf("%+v", got)
			}
			if test.says == "" && strings.Contains(got.stderr, "limits.") && !strings.HasPrefix(test.limit, "processes") {
				t.Errorf("claims: %s", got.stderr)
			}
			if !strings.Contains(got.stderr, test.says) || test.says != "" && !strings.Contains(got.stderr, file+":3") {
				t.Errorf("does not say %s with file and line: %s", test.says, got.stderr)
			}
		})
	}
}
