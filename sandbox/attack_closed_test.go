package sandbox

import (
	"strconv"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// What a process closes to everybody (chmod 0) the keeper, which looks as the same
// user, cannot look at: it may hold what is forbidden. So may what is exchanged
// between look and deed.

func TestAttackClosedDirectories(t *testing.T) {
	dir := attackTree(t)
	deep := "/w/1/2/3/4/5/6/bare"
	write(t, dir+deep+"/objects/pack/p", "x")
	write(t, dir+deep+"/HEAD", "x")
	p := attackPolicy(dir)
	p.Filesystem.DenyWrite = append(p.Filesystem.DenyWrite, paths(dir+"/w/locked*/x")...)
	inside(t, p).attacks(dir, []attack{
		{"filled", "mkdir,@/w/g,0755", "ok", "touch,@/w/g/config"},
		{"as a protected name", "rename,@/w/g,@/w/sub/.git", "EACCES", "rename,@/w/g,@/w/h"},
		{"closed", "chmod,@/w/h,0", "ok", "rename,@/w/h,@/w/g"},
		{"closed, as a protected name", "rename,@/w/g,@/w/sub/.git", "EACCES", "rename,@/w/g,@/w/h"},
		{"for another", "mkdir,@/w/sub/.git,0755", "ok", "mkdir,@/w/other,0755"},
		{"exchanged", "swap,@/w/h,@/w/sub/.git", "EACCES", "swap,@/w/h,@/w/other"},
		{"on the way to a rule", "mkdir,@/w/not,0755", "ok", "mkdir,@/w/not/here,0755"},
		{"filled for it", "touch,@/w/not/here/yet", "ok", "chmod,@/w/not/here,0"},
		{"closed for it", "rename,@/w/not/here,@/w/not/there", "EACCES", "rename,@/w/not/here,@/w/not/anywhere"},
		{"filled for a pattern", "mkdir,@/w/l,0755", "ok", "touch,@/w/l/x"},
		{"as it says", "rename,@/w/l,@/w/locked1", "EACCES", "rename,@/w/l,@/w/l2"},
		{"closed for a pattern", "chmod,@/w/l2,0", "ok", "rename,@/w/l2,@/w/l"},
		{"closed, as it says", "rename,@/w/l,@/w/locked1", "EACCES", "chmod,@/w/l,0755"},
		{"further in", "mkdir,@/w/l/locked2,0755", "ok", ""},
		{"objects", "touch,@" + deep + "/config", "EACCES", "chmod,@" + deep + "/objects,0"},
		{"closed objects", "touch,@" + deep + "/config", "EACCES", "touch,@" + deep + "/description"},
		{"closed objects, hooks", "mkdir,@" + deep + "/hooks,0755", "EACCES", "chmod,@" + deep + "/objects,0755"},
		{"one that is too deep to be looked through", "mkdir,@/w/d,0755", "ok", "deep,@/w/d," + strconv.Itoa(maxMovedDepth+1)},
		{"as a pattern says", "rename,@/w/d,@/w/locked3", "EACCES", "rename,@/w/d,@/w/d2"},
	})
}

func TestAttackExchangedDescriptor(t *testing.T) {
	dir := attackTree(t)
	inside(t, attackPolicy(dir)).attacks(dir, []attack{
		{"a name for a protected file", "race-descriptor,@/w/f,@/w/1/2/3/4/5/6/.envrc,@/w/name", "EACCES", "race-descriptor,@/w/f,@/w/sub/f,@/w/name"},
	})
}

func init() {
	probes["deep"] = func(a []string) error {
		dir, err := unix.Open(a[0], unix.O_PATH, 0)
		for range number(a[1]) {
			if err == nil {
				err = unix.Mkdirat(dir, "d", 0o755)
			}
			next := -1
			if err == nil {
				next, err = unix.Openat(dir, "d", unix.O_PATH, 0)
			}
			unix.Close(dir)
			dir = next
		}
		unix.Close(dir)
		return err
	}
	probes["race-descriptor"] = func(a []string) error { return raceDescriptor(a[0], a[1], a[2]) }
}

// raceDescriptor gives a name to a number that is now one file's and now another's,
// until it is that of wanted.
func raceDescriptor(harmless, wanted, name string) error {
	var fds [3]int
	for i, path := range []string{harmless, wanted, harmless} {
		fd, err := unix.Open(path, unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		fds[i] = fd
	}
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; !stop.Load(); i++ {
			_ = unix.Dup3(fds[i%2], fds[2], 0)
		}
	}()
	defer func() { stop.Store(true); <-done }()
	for range raceRounds {
		_ = unix.Unlink(name)
		_ = unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fds[2]), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
		var got, want unix.Stat_t
		if unix.Stat(name, &got) == nil && unix.Fstat(fds[1], &want) == nil && got.Ino == want.Ino {
			return nil
		}
	}
	return unix.EACCES
}
