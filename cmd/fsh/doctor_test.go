package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestDoctor: every layer works where the tests of the sandbox do, and each
// that does not is told with a remedy.
func TestDoctor(t *testing.T) {
	dir := home(t)
	run := func(cmd *exec.Cmd) (outcome, map[string]map[string]any) {
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
		got := outcomeOf(t, cmd)
		var all struct{ Layers []map[string]any }
		if err := json.Unmarshal([]byte(got.stdout), &all); err != nil {
			t.Fatalf("%v: %+v", err, got)
		}
		layers := map[string]map[string]any{}
		for _, l := range all.Layers {
			layers[l["layer"].(string)] = l
		}
		return got, layers
	}
	before := tree(t, dir)
	got, layers := run(exec.Command(fshBinary(t), "doctor", "--json"))
	for _, name := range []string{"user namespace", "proc", "mounts", "network", "Landlock", "seccomp"} {
		if l := layers[name]; l == nil || l["works"] != true {
			t.Errorf("%s: %v", name, l)
		}
	}
	// Of memory it depends on the machine; no policy needs it.
	group := layers["memory group"]
	if group == nil || group["optional"] != true || group["works"] == (group["why"] != nil) || group["works"] == (group["remedy"] != nil) {
		t.Errorf("memory group: %v", group)
	}
	if got.status != 0 && (got.status != 1 || layers["limits"]["works"] == true) {
		t.Errorf("status %d", got.status)
	}
	got, layers = run(withoutNamespaces(t, "doctor", "--json"))
	user := layers["user namespace"]
	if got.status != 1 || user["works"] != false || !strings.Contains(strings.Join(texts(user["remedy"]), "\n"), "sysctl -w user.max_user_namespaces=") {
		t.Errorf("without namespaces: %d %v", got.status, user)
	}
	if layers["mounts"]["unknown"] != true || layers["Landlock"]["works"] != true || layers["seccomp"]["works"] != true {
		t.Errorf("without namespaces: %v", layers)
	}
	if after := tree(t, dir); after != before {
		t.Errorf("something was changed:\n%s", after)
	}
}

func texts(list any) (out []string) {
	for _, v := range list.([]any) {
		out = append(out, v.(string))
	}
	return out
}

func TestDoctorText(t *testing.T) {
	dir := home(t)
	if got := fsh(t, dir, "doctor"); !strings.Contains(got.stdout, "user namespace  works") || strings.Contains(got.stdout, "MISSING  the") {
		t.Errorf("%+v", got)
	}
	got := fsh(t, dir, "doctor", "--apparmor")
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil || !strings.Contains(got.stdout, "userns,") || !strings.Contains(got.stdout, "flags=(unconfined)") || strings.Contains(got.stdout, exe) {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(got.stdout, `profile fsh "`+fshBinary(t)+`"`) {
		t.Errorf("not for this program: %s", got.stdout)
	}
	if got := fsh(t, dir, "doctor", "x"); got.status != 2 {
		t.Errorf("%+v", got)
	}
}
