package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// toolWork is a tool at its usual work in a directory, without a network.
var toolWork = []struct {
	needs  []string
	files  map[string]string
	script string
}{
	{[]string{"go"}, map[string]string{"go.mod": "module example.com/app\n\ngo 1.21\n", "app.go": "package app\n"},
		`GOFLAGS=-p=1 GOTOOLCHAIN=local go build . && [ "$(ls -A "$(go env GOCACHE)")" ]`},
	{[]string{"node", "npm"}, map[string]string{"package.json": `{"name":"app","version":"1.0.0"}`, "lib/package.json": `{"name":"lib","version":"1.0.0"}`},
		"npm install --offline --silent --no-audit --no-fund --no-update-notifier ./lib && [ -e node_modules/lib/package.json ]"},
	{[]string{"cargo", "rustc"}, map[string]string{"Cargo.toml": "[package]\nname = \"app\"\nversion = \"1.0.0\"\n[lib]\npath = \"lib.rs\"\n", "lib.rs": ""},
		"cargo check -q --offline"},
	{[]string{"python3"}, nil, "python3 -m pip cache dir && python3 -c 'import tempfile; tempfile.NamedTemporaryFile()'"},
	{[]string{"make"}, map[string]string{"Makefile": "x:\n\t@echo >x\n"}, "make -s"},
}

// TestCachesWithoutAPlace: build tools work with nothing but the project
// writable, whatever the home is like, and nothing is made in it.
func TestCachesWithoutAPlace(t *testing.T) {
	top := visibleDir(t)
	for _, d := range []string{"empty", "readonly", "partly/.cache", "partly/.local/share"} {
		if err := os.MkdirAll(filepath.Join(top, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(top+"/readonly", 0o555); err != nil {
		t.Fatal(err)
	}
	for name, home := range map[string]string{
		"empty": top + "/empty", "readonly": top + "/readonly", "partly": top + "/partly",
		"absent": top + "/none/home", "absent in the root": "/fsh-test-no-home",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, w := range toolWork {
				workIn(t, home, w.needs, w.files, w.script)
			}
			if left, _ := filepath.Glob(home + "/.[a-km-z]*"); len(left) > 1 || len(left) == 1 && filepath.Base(left[0]) != ".cache" {
				t.Errorf("left in the home: %v", left)
			}
		})
	}
}

func workIn(t *testing.T, home string, needs []string, files map[string]string, script string) {
	t.Helper()
	env, missing := toolEnv(t, needs)
	if missing != "" {
		t.Logf("no %s", missing) // TestPresets insists on them
		return
	}
	dir := visibleDir(t)
	for file, text := range files {
		put(t, filepath.Join(dir, file), text, 0o644)
	}
	cmd := exec.Command(fshBinary(t), "--allow-write=.", "-c", script)
	cmd.Dir, cmd.Env = dir, append(env, "HOME="+home)
	if got := outcomeOf(t, cmd); got.status != 0 {
		t.Errorf("%s: %+v", needs[0], got)
	}
}
