package sandbox

import (
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Each line of the doctor is about the layer that failed: what was reached before
// it works, what comes after it is not known.
func TestLayersAreToldApart(t *testing.T) {
	fails := func(layer string) error { return &SetupError{Layer: layer, Err: errors.New("refused")} }
	for _, c := range []struct {
		name       string
		full, bare error
		want       string // +: works, -: missing, ?: not known
	}{
		{"everything", nil, nil, "++++++"},
		{"no namespaces", fails("user namespace"), nil, "-???++"},
		{"a masked /proc", fails("proc"), nil, "+-??++"},
		{"no mounts", fails("mounts"), nil, "++-?++"},
		{"no nftables", fails("network"), nil, "+++-++"},
		{"no Landlock", fails("Landlock"), fails("Landlock"), "+???-?"},
		{"no seccomp", fails("seccomp"), fails("seccomp"), "+???+-"},
		{"no namespaces, no Landlock", fails("user namespace"), fails("Landlock"), "-???-?"},
		{"something else", errors.New("x"), errors.New("x"), "-???-?"},
	} {
		reports := slices.Clone(layerOrder)
		settleAll(reports, c.full, c.bare)
		var got strings.Builder
		for _, r := range reports {
			switch {
			case r.Works && !r.Unknown && r.Why == "":
				got.WriteByte('+')
			case r.Unknown && !r.Works:
				got.WriteByte('?')
			case !r.Works && r.Why != "":
				got.WriteByte('-')
			}
		}
		if got.String() != c.want {
			t.Errorf("%s: %s, want %s", c.name, got.String(), c.want)
		}
	}
}

// The label of a process names the profile that may refuse namespaces; that of
// fsh's own refuses nothing.
func TestConfiningLabel(t *testing.T) {
	for label, want := range map[string]string{
		"unconfined\n":            "",
		"fsh (unconfined)\n":      "",
		"tried (complain)\n":      "",
		"/usr/bin/x (enforce)\n":  "/usr/bin/x",
		"x//&y (mixed)":           "x//&y",
		"/opt/a b/c (kill)\n\x00": "/opt/a b/c",
		"":                        "",
	} {
		if got := confiningLabel(label); got != want {
			t.Errorf("%q: %q, want %q", label, got, want)
		}
	}
	if list := strings.Join(apparmorRemedies("x"), "\n"); !strings.Contains(list, `profile "x"`) || !strings.Contains(list, "apparmor_parser -r") {
		t.Errorf("%s", list)
	}
}

// What is set to refuse everybody a look into other processes is told as that.
func TestYamaRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ptrace_scope")
	if err := yamaRefuses(file); err != nil {
		t.Errorf("without Yama: %v", err)
	}
	for _, scope := range []string{"0\n", "1\n", "2\n", "3\n"} {
		write(t, file, scope)
		err := yamaRefuses(file)
		if (err != nil) != (scope == "3\n") || refusedNamespaces(err) {
			t.Errorf("%q: %v", scope, err)
		}
		if err != nil && (failedLayer(layerOrder, err) < 0 || !strings.Contains(strings.Join(remedies("seccomp", err), "\n"), "kernel.yama.ptrace_scope to 2")) {
			t.Errorf("%v, %q", err, remedies("seccomp", err))
		}
	}
}

// A parent that cannot take over from its child says why, and leaves none behind.
func TestChildThatIsNotTaken(t *testing.T) {
	filter, err := assemble([]bpf.Instruction{bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}})
	must(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for ever: the child is this thread's
		var child int
		why := errors.New("not to be had")
		p := &childProgram{}
		p.add("no_new_privs", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
		p.notifier(filter, 0, func(pid, _ int) error { child = pid; return why })
		_, err := p.start(0)
		if !errors.Is(err, why) || child == 0 {
			t.Errorf("of %d: %v", child, err)
		}
		if err := unix.Kill(child, 0); err != unix.ESRCH {
			t.Errorf("the child is left: %v", err)
		}
	}()
	<-done
}
