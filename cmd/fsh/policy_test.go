package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/policy"
)

func TestPolicyShow(t *testing.T) {
	dir := home(t)
	put(t, filepath.Join(dir, ".config/fsh/policy.toml"), "version = 1\n[filesystem]\nallow_write = ['w']\n[limits]\nmemory = '1GiB'\n[program.curl]\nnetwork.allowed_domains = ['a.example']\n", 0o644)
	put(t, filepath.Join(dir, ".fsh.toml"), "network.expose_ports = [1]\nlimits.memory = '2GiB'\nlimits.processes = 7\nfilesystem.deny_read = ['.env']\n", 0o644)
	got := fsh(t, dir, "policy", "show", "--deny-net=b.example")
	for _, want := range []string{
		"policy of HOME\n", "  from HOME/.config/fsh/policy.toml (user)\n", "  from HOME/.fsh.toml (project, not trusted: only what it denies is used)\n",
		"HOME/w ", " HOME/.config/fsh/policy.toml:3\n", " HOME/.fsh.toml:4\n", "b.example                                  --deny-net\n",
		"memory = 1073741824                        HOME/.config/fsh/policy.toml:5\n", "processes = 7                              HOME/.fsh.toml:3\n",
		"[program \"curl\"] has the above, but:\n", "+ connect to a.example   (HOME/.config/fsh/policy.toml:7)\n", "more built in",
	} {
		if want = strings.ReplaceAll(want, "HOME", dir); !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in\n%s", want, got.stdout)
		}
	}
	if got.status != 0 || strings.Contains(got.stdout, "expose_ports") || !strings.Contains(got.stderr, "is not trusted") {
		t.Errorf("%d %s\n%s", got.status, got.stderr, got.stdout)
	}
	if all := fsh(t, dir, "policy", "show", "--all"); strings.Contains(all.stdout, "built in") || strings.Count(all.stdout, "\n") < 100 {
		t.Errorf("--all: %s", all.stdout)
	}
	// What is printed is the policy.
	var p policy.Policy
	got = fsh(t, dir, "policy", "show", "--json")
	if err := json.Unmarshal([]byte(got.stdout), &p); err != nil || p.Dir != dir || p.Limits.Processes != 7 || len(p.Programs) != 1 {
		t.Errorf("%v %+v", err, p)
	}
	if got := fsh(t, dir, "policy", "show", "src/nowhere"); got.status != 125 || !strings.Contains(got.stderr, "cannot read it") {
		t.Errorf("nowhere: %+v", got)
	}
}

func TestPolicyCheckAndDiff(t *testing.T) {
	dir := home(t)
	put(t, filepath.Join(dir, "good.toml"), "version = 1\nfilesystem.allow_write = ['.']\nnetwork.allowed_domains = ['*.github.io']\n", 0o644)
	put(t, filepath.Join(dir, "bad.toml"), "version = 1\n[fliesystem]\n", 0o644)
	got := fsh(t, dir, "policy", "check", "good.toml", "bad.toml")
	if got.status != 1 || !strings.HasPrefix(got.stdout, "good.toml: ok\n") || !strings.Contains(got.stdout, "WARNING: anybody can have a name below github.io") ||
		got.stderr != strings.ReplaceAll("fsh: HOME/bad.toml:2:2: unknown key \"fliesystem\"\nfsh: hint: did you mean \"filesystem\"?\n", "HOME", dir) {
		t.Errorf("%+v", got)
	}
	var results []struct {
		File  string
		OK    bool
		Error string
	}
	got = fsh(t, dir, "policy", "check", "--json", "good.toml", "bad.toml")
	if err := json.Unmarshal([]byte(got.stdout), &results); err != nil || got.status != 1 || len(results) != 2 || !results[0].OK || results[1].OK || results[1].Error == "" {
		t.Errorf("%v %+v", err, got)
	}
	if got := fsh(t, dir, "policy", "check"); got.status != 0 || !strings.HasSuffix(got.stdout, ": ok\n") {
		t.Errorf("all: %+v", got)
	}
	put(t, filepath.Join(dir, "p/.fsh.toml"), "network.allowed_domains = ['*']\n", 0o644)
	got = fsh(t, dir, "policy", "diff", "p")
	want := "HOME/p/.fsh.toml asks for:\n  hosts:\n    + connect to *   (HOME/p/.fsh.toml:1)\n      WARNING: it can send what it reads anywhere\n"
	if got.status != 0 || got.stdout != strings.ReplaceAll(want, "HOME", dir) {
		t.Errorf("diff: %+v", got)
	}
	var changes []policy.Change
	got = fsh(t, dir, "policy", "diff", "--json", "p")
	if err := json.Unmarshal([]byte(got.stdout), &changes); err != nil || len(changes) != 1 || !changes[0].Gained || changes[0].Danger == "" {
		t.Errorf("%v %+v", err, got)
	}
	for args, want := range map[string]string{
		"": "fsh: policy: what about it?", "frob": "fsh: policy: no subcommand frob", "shwo": "fsh: hint: did you mean 'fsh policy show'?",
		"explain filesystem.deny_raed": "fsh: hint: did you mean filesystem.deny_read?", "import": "fsh: policy: import takes one file",
	} {
		if got := fsh(t, dir, append([]string{"policy"}, strings.Fields(args)...)...); got.status != 2 || !strings.Contains(got.stderr, want) {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

// TestPolicyInit: the proposal fits what is there, and is a policy as it is and
// with every comment taken off that has a value.
func TestPolicyInit(t *testing.T) {
	for files, want := range map[string]string{
		"": `["base"]`, "package.json": `["node"]`, "go.mod Makefile": `["go"]`, "Cargo.toml": `["rust"]`, "pyproject.toml": `["python"]`, "Makefile": `["c"]`,
		"package.json requirements.txt": `["node", "python"]`, "package.json .env": `["node"]`,
	} {
		dir := t.TempDir()
		for _, name := range strings.Fields(files) {
			put(t, filepath.Join(dir, name), "", 0o644)
		}
		if got := fsh(t, dir, "policy", "init"); got.status != 0 {
			t.Fatalf("%s: %+v", files, got)
		}
		text, err := os.ReadFile(filepath.Join(dir, ".fsh.toml"))
		if err != nil || !strings.Contains(string(text), "extends = "+want) {
			t.Errorf("%s: %v\n%s", files, err, text)
		}
		if denies := strings.Contains(string(text), "\n[filesystem]\ndeny_read = [\"./.env\"]\n"); denies != strings.Contains(files, ".env") {
			t.Errorf("%s:\n%s", files, text)
		}
		uncommented := strings.ReplaceAll(strings.ReplaceAll(string(text), "\n# [", "\n["), "../shared", ".")
		for _, key := range []string{"deny_", "allow", "private", "expose", "deny", "pass", "memory"} {
			uncommented = strings.ReplaceAll(uncommented, "\n# "+key, "\n"+key)
		}
		put(t, filepath.Join(dir, "all.toml"), uncommented, 0o644)
		if got := fsh(t, dir, "policy", "check", ".fsh.toml", "all.toml"); got.status != 0 {
			t.Errorf("%s: %+v\n%s", files, got, uncommented)
		}
		if got := fsh(t, dir, "policy", "init"); got.status != 1 || !strings.Contains(got.stderr, ".fsh.toml: is there already") {
			t.Errorf("again: %+v", got)
		}
		if again, err := os.ReadFile(filepath.Join(dir, ".fsh.toml")); err != nil || string(again) != string(text) {
			t.Error("it was written over")
		}
	}
}

func TestPolicyExplainImportSchema(t *testing.T) {
	dir := home(t)
	if got := fsh(t, dir, "policy", "explain", "deny_read"); got.stdout != "filesystem.deny_read\n    What may not be read, nor written.\n" {
		t.Errorf("%+v", got)
	}
	if got := fsh(t, dir, "policy", "explain", "read", ".ssh"); got.status != 1 || !strings.HasPrefix(got.stdout, "denied: read ") {
		t.Errorf("%+v", got)
	}
	put(t, filepath.Join(dir, "fence.jsonc"), "{ // x\n \"network\": {\"allowedDomains\": [\"a.example\"],}, \"allowPty\": true }", 0o644)
	got := fsh(t, dir, "policy", "import", "fence.jsonc")
	if got.status != 0 || !strings.Contains(got.stdout, "\"a.example:*\"") || got.stderr != "fsh: note: allowPty is left out: needs no setting: terminals and job control work\n" {
		t.Errorf("%+v", got)
	}
	put(t, filepath.Join(dir, "p.toml"), got.stdout, 0o644)
	if got := fsh(t, dir, "why", "--policy=p.toml", "net", "a.example:22"); got.status != 0 {
		t.Errorf("imported: %+v", got)
	}
	if got := fsh(t, dir, "policy", "schema"); got.stdout != policy.Schema() || !json.Valid([]byte(got.stdout)) {
		t.Error("schema")
	}
}
