package sandbox

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What is left of a session is removed, whatever its commands did to it.
func TestRemoveTree(t *testing.T) {
	dir := outside(t)
	write(t, dir+"/tree/closed/in/f", "x")
	write(t, dir+"/tree/1", "a name that is taken")
	write(t, dir+"/tree/2/1/x", "x")
	write(t, dir+"/kept/f", "x")
	must(t, os.Symlink("../../kept", dir+"/tree/closed/in/link"))
	must(t, unix.Mkfifo(dir+"/tree/fifo", 0))
	must(t, os.Mkdir(dir+"/tree/deep", 0o755))
	deep, err := unix.Open(dir+"/tree/deep", unix.O_PATH, 0)
	must(t, err)
	for range 100 { // longer than a path
		name := strings.Repeat("d", 200)
		must(t, unix.Mkdirat(deep, name, 0o755))
		next, err := unix.Openat(deep, name, unix.O_PATH, 0)
		must(t, err)
		unix.Close(deep)
		deep = next
	}
	must(t, unix.Mkdirat(deep, "closed", 0o755))
	must(t, unix.Mkdirat(deep, "closed/in", 0o755))
	must(t, unix.Fchmodat(deep, "closed", 0, 0))
	unix.Close(deep)
	must(t, os.Chmod(dir+"/tree/closed/in", 0o500))
	must(t, os.Chmod(dir+"/tree/closed", 0))
	must(t, os.Chmod(dir+"/tree", 0))
	must(t, removeTree(dir+"/tree"))
	if _, err := os.Lstat(dir + "/tree"); !os.IsNotExist(err) {
		t.Error("left:", err)
	}
	if _, err := os.Stat(dir + "/kept/f"); err != nil {
		t.Error("followed a link:", err)
	}
	must(t, removeTree(dir+"/tree"))
	must(t, os.Symlink("kept", dir+"/link"))
	if err := removeTree(dir + "/link"); err == nil {
		t.Error("removed by a link")
	}
}
