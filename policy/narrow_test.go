package policy

import (
	"os"
	"path/filepath"
	"testing"
)

func TestNarrowedIn(t *testing.T) {
	top := t.TempDir()
	inner := filepath.Join(top, "inner")
	if err := os.Mkdir(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: top, Home: top, SystemFile: filepath.Join(top, "none"), Flags: []Flag{{Kind: "allow-write", Value: top}}}
	outer, _, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := outer.NarrowedIn(inner, o); err != nil || same != outer {
		t.Fatalf("without a project file: %v, %v", same == outer, err)
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(inner, ".fsh.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("version = 1\n[filesystem]\nallow_write = [\"/etc\"]\ndeny_write = [\"./kept\"]\n[network]\nallowed_domains = [\"x.test\"]\n")
	narrow, err := outer.NarrowedIn(inner, o)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		filepath.Join(inner, "kept/x"): false, filepath.Join(inner, "other"): true, "/etc/passwd": false,
	} {
		if got, rule := narrow.Why("write", path); got != want {
			t.Errorf("write %s: %v by %v", path, got, rule)
		}
	}
	if len(narrow.Network.AllowedDomains) != 0 {
		t.Error("an untrusted file widened the network")
	}
	if got, _ := outer.Why("write", filepath.Join(inner, "kept/x")); !got {
		t.Error("the outer policy was changed")
	}
	if back, err := outer.NarrowedIn(top, o); err != nil || back != outer {
		t.Error("going back is not the policy of the start")
	}
	write("version = 1\nnonsense = 1\n")
	if _, err := outer.NarrowedIn(inner, o); err == nil {
		t.Error("a broken file means nothing")
	}
}
