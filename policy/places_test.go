package policy

import (
	"os"
	"testing"
)

// TestProgramPlaces: a directory of programs that has two names is one, in
// tables and in rules about commands, allowed and denied; what only has the
// program's name, or leads to it under another, is not the program.
func TestProgramPlaces(t *testing.T) {
	w := newWorld(t, nil)
	for _, dir := range []string{"/usr/bin", "/opt"} {
		if err := os.MkdirAll(w.root+dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	link := func(text, at string) {
		if err := os.Symlink(text, w.root+at); err != nil {
			t.Fatal(err)
		}
	}
	link("usr/bin", "/bin") // relative, as systems have it
	link(w.root+"/bin", "/sbin")
	link("../usr/bin/x", "/opt/x")
	link("x", "/usr/bin/y")
	w.env["PATH"] = "relative:" + w.root + "/sbin:" + w.root + "/bin:" + w.root + "/opt"
	names := []string{"/bin/x", "/usr/bin/x", "/sbin/x"}
	others := []string{"/opt/x", "/bin/y", "/usr/bin/y", "/bin/xx", "/x", "/usr/x"}
	for _, name := range names {
		w.write("user", "[program.'"+w.root+name+"']\nfilesystem.allow_write = ['.']\nfilesystem.deny_read = ['~/d']\n"+
			"[command]\ndeny = ['"+w.root+name+" a', 'x b']\nallow = ['"+w.root+name+" b c']\n")
		p, _ := w.load()
		for _, same := range names {
			own := p.ForProgram(w.root + same)
			w.check(own, "+write DIR/f", "-read HOME/d/f")
			w.check(p, "-exec "+w.root+same+" a", "-exec "+w.root+same+" b", "+exec "+w.root+same+" b c", "+exec "+w.root+same)
		}
		for _, other := range others {
			if p.ForProgram(w.root+other) != p {
				t.Errorf("%s has the table of %s", other, name)
			}
			w.check(p, "+exec "+w.root+other+" a")
		}
		w.check(p, "-write DIR/f", "+read HOME/d/f")
		roundTrip(t, p)
		narrow, err := p.NarrowedIn(w.proj, w.opts)
		if err != nil || narrow.ForProgram(w.root+"/usr/bin/x") == narrow {
			t.Errorf("narrowed: %v", err)
		}
	}
	// Two tables of one program are one, whatever they call it.
	w.write("user", "[program.'"+w.root+"/bin/x']\nfilesystem.allow_write = ['.']\n[program.'"+w.root+"/usr/bin/x']\nfilesystem.deny_write = ['kept']\n")
	p, _ := w.load()
	for _, name := range names[:2] {
		w.check(p.ForProgram(w.root+name), "+write DIR/f", "-write DIR/kept")
	}
	// A directory that is not there has the name it is given.
	w.write("user", "[program.'/absent/x']\nfilesystem.allow_write = ['.']\n")
	p, _ = w.load()
	if p.ForProgram("/absent/x") == p || p.ForProgram("/bin/x") != p {
		t.Error("an absent directory")
	}
}
