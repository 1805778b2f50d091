package sandbox

import (
	"io/fs"
	"os"
	"testing"
)

// TestSetIDBits: no call makes one, and a directory may keep its group's when its
// mode changes.
func TestSetIDBits(t *testing.T) {
	dir := t.TempDir()
	const group = fs.ModeSetgid | 0o755
	for name, mode := range map[string]fs.FileMode{"group": group, "sealed": group, "plain": 0o755} {
		if err := os.Mkdir(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir+"/"+name, mode); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir+"/group/file", "x")
	write(t, dir+"/set", "x")
	for name, mode := range map[string]fs.FileMode{"group/file": 0o644, "set": group} {
		if err := os.Chmod(dir+"/"+name, mode); err != nil {
			t.Fatal(err)
		}
	}
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir)
	p.Filesystem.DenyWrite = paths(dir + "/sealed")
	inside(t, p).check(
		check{"mkdir," + dir + "/made,06755", "ok"}, // without them, as always
		check{"chmod," + dir + "/made,02755", "EPERM"},
		check{"chmod," + dir + "/made,04755", "EPERM"},
		check{"chmod," + dir + "/plain,02755", "EPERM"},
		check{"fchmodat2," + dir + "/plain,02700", "EPERM"},
		check{"chmod," + dir + "/group/file,02755", "EPERM"},
		check{"chmod," + dir + "/set,02775", "EPERM"},
		check{"chmod," + dir + "/group,06775", "EPERM"},
		check{"chmod," + dir + "/sealed,02775", "EROFS"},
		check{"chmod,/proc/nothing,02775", "ENOENT"},
		check{"chmod,/proc/not-self,02775", "ENOENT"},
		check{"chmod,/proc/self,02775", "EPERM"},
		check{"chmod," + dir + "/group,02775", "ok"},
		check{"mkdir," + dir + "/group/in,0755", "ok"},
		check{"fchmodat2," + dir + "/group/in,02700", "ok"},
	)
	for name, want := range map[string]fs.FileMode{"made": 0o755, "plain": 0o755, "group/file": 0o644, "set": group,
		"sealed": group, "group": fs.ModeSetgid | 0o775, "group/in": fs.ModeSetgid | 0o700} {
		st, err := os.Stat(dir + "/" + name)
		if err != nil {
			t.Error(err)
		} else if got := st.Mode() & (fs.ModeSetuid | fs.ModeSetgid | 0o777); got != want {
			t.Errorf("the mode of %s is %v, want %v", name, got, want)
		}
	}
}
