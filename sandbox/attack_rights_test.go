package sandbox

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/policy"
)

// Attacks on files by who asks: as another user, in a domain of one's own, and
// where a rule makes an exception.

// With file_ownership what a process does as another user is done as that
// one, and not by itself.
func TestAttackAsAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("about root")
	}
	public, err := os.MkdirTemp("/var/lib", "fsh-test")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(public) })
	t.Setenv("HOME", public)
	dir := attackTree(t)
	must(t, os.Chmod(public, 0o755))
	must(t, os.Chmod(dir, 0o755))
	must(t, os.Chmod(dir+"/w", 0o777))
	must(t, os.Chown(dir+"/w/f", otherUser, otherUser))
	must(t, os.Chmod(dir+"/w/sub", 0o700))
	p := attackPolicy(dir)
	p.Privileges.FileOwnership = true
	inside(t, p).attacks(dir, []attack{
		{"as root", "touch,@/w/sub/mine", "ok", "touch,@/w/mine"},
		{"groups", sysProbe(unix.SYS_SETGROUPS, 0, 0), "ok", sysProbe(unix.SYS_SETGID, otherUser)},
		{"another user", sysProbe(unix.SYS_SETUID, otherUser), "ok", "touch,@/w/theirs"},
		{"root's directory", "touch,@/w/sub/n", "EACCES", "append,@/w/f"},
		{"root's file", "append,@/w/mine", "EACCES", "mkdir,@/w/theirdir,0755"},
		{"give away", "chown,@/w/theirs,0,0", "EPERM", "rename,@/w/theirs,@/w/theirs2"},
		{"race", "chdir,@/w", "ok", "touch,@/w/theirdir/.envrc"},
		{"memory", "race-memory,aaaaaa,.envrc", "EACCES", ""},
		{"link", "race-link,@/w/flip,@/w/new,@/w/.envrc", "EACCES", ""},
	})
	for _, f := range []string{"theirs2", "theirdir"} {
		var st unix.Stat_t
		if err := unix.Stat(dir+"/w/"+f, &st); err != nil || st.Uid != otherUser || st.Gid != otherUser {
			t.Errorf("%s: %d:%d %v", f, st.Uid, st.Gid, err)
		}
	}
}

// What a trusted rule names below a hidden directory is all that is seen of it.
func TestAttackExceptionInHiddenDirectory(t *testing.T) {
	dir := outside(t)
	for _, f := range []string{"h/.ssh/id", "h/.ssh/known_hosts", "h/.ssh/d/x", "h/.ssh/d/y", "h/.rc/lock", "h/.rc/open/f", "h/w"} {
		write(t, dir+"/"+f, "x")
	}
	p := testPolicy(dir + "/h")
	p.Filesystem.AllowWrite = paths(dir+"/h", dir+"/h/.rc/open")
	p.Filesystem.DenyRead = paths(dir + "/h/.ssh")
	p.Filesystem.DenyRead[0].Except = []string{dir + "/h/.ssh/known_hosts", dir + "/h/.ssh/d/x", dir + "/h/.ssh/absent"}
	p.Filesystem.DenyWrite = paths(dir + "/h/.rc")
	p.Filesystem.DenyWrite[0].Except = []string{dir + "/h/.rc/open"}
	inside(t, p).attacks(dir, []attack{
		{"neighbour", "read,@/h/.ssh/id", "ENOENT", "read,@/h/.ssh/known_hosts"},
		{"deeper neighbour", "read,@/h/.ssh/d/y", "ENOENT", "read,@/h/.ssh/d/x"},
		{"list", "list,@/h/.ssh", "EACCES", "chdir,@/h/.ssh"},
		{"list deeper", "list,@/h/.ssh/d", "EACCES", ""},
		{"create", "touch,@/h/.ssh/new", "EROFS", ""},
		{"rename", "rename,@/h/.ssh,@/h/s", "EBUSY", ""},
		{"rename the exception", "rename,@/h/.ssh/known_hosts,@/h/s", "EXDEV", ""},
		{"chmod", "chmod,@/h/.ssh,0777", "EROFS", ""},
		{"sealed", "touch,@/h/.rc/lock", "EROFS", "touch,@/h/.rc/open/f"},
	})
}

// A process with a Landlock domain of its own is not helped past it by the
// keeper, which has none.
func TestAttackOwnDomainByTheKeeper(t *testing.T) {
	dir := attackTree(t)
	inside(t, attackPolicy(dir)).attacks(dir, []attack{
		{"before", "touch,@/w/before", "ok", "mkdir,@/w/made,0755"},
		{"another domain", "stack", "ok", ""},
		{"create", "touch,@/w/n", "EACCES", "read,@/w/f"},
		{"write", "write,@/w/f", "EACCES", ""},
		{"mkdir", "mkdir,@/w/d,0755", "EACCES", ""},
		{"link", "link,@/w/f,@/w/l", "EACCES", ""},
		{"rename", "rename,@/w/f,@/w/l", "EACCES", ""},
		{"symlink", "symlink,f,@/w/l", "EACCES", ""},
		{"protected", "touch,@/w/.envrc", "EACCES", ""},
	})
}

// However many there were, and each is one as long as a process is in it: xz(1), for
// example, enters one each time.
func TestManyOwnDomains(t *testing.T) {
	dir := attackTree(t)
	inside(t, attackPolicy(dir)).attacks(dir, []attack{
		{"more than there may be at a time", "stack-many,@/w/n,300", "ok", "touch,@/w/before"},
		{"one that stays", "stack", "ok", ""},
		{"more beside, and below", "stack-many,@/w/n,300", "ok", ""},
		{"create in that which stayed", "touch,@/w/n", "EACCES", "read,@/w/f"},
	})
}

// Nor past one whose rules it adds to when it is in.
func TestAttackOwnDomainMadeWiderLater(t *testing.T) {
	dir := attackTree(t)
	inside(t, attackPolicy(dir)).attacks(dir, []attack{
		{"a domain, and a rule for what was entered", "stack-later", "EPERM", "read,@/w/f"},
		{"one in it, with rules of its own", "stack-wide", "ok", ""},
		{"by which the keeper enters the first again", "touch,@/w/n", "EACCES", "read,@/w/f"},
	})
}

// The nice value of an autogroup is that of everybody in the terminal's session.
func TestAttackAutogroup(t *testing.T) {
	before := autogroupNice()
	if before == "" {
		t.Skip("a kernel without autogroups")
	}
	for _, p := range []*policy.Policy{attackPolicy(attackTree(t)), testPolicy(t.TempDir())} {
		s := newTestSession(t, p)
		rr := newRawRunner(t, s, p)
		got := rr.probes("nice-autogroup,5", "own-append,/proc/self/comm")
		if names := len(p.Filesystem.AllowWrite) > 0; names && got[0] != "EACCES" || got[1] != "ok" {
			t.Errorf("%v", got)
		}
		must(t, s.Close())
		if after := autogroupNice(); after != before {
			t.Errorf("left at %s, was %s", after, before)
		}
	}
}

func init() {
	probes["nice-autogroup"] = func(a []string) error {
		return onFile(autogroupFile, unix.O_WRONLY, func(fd int) error {
			_, err := unix.Write(fd, []byte(a[0]))
			return err
		})
	}
}

// The nodes in /dev are the machine's: what root did to their modes would be so
// for everybody. They can be used all the same.
func TestAttackDeviceNodes(t *testing.T) {
	var before, after unix.Stat_t
	must(t, unix.Stat("/dev/null", &before))
	mode := fmt.Sprintf("%#o", before.Mode&0o7777) // harmless where it works
	for _, p := range []*policy.Policy{testPolicy(t.TempDir()), attackPolicy(attackTree(t))} {
		rr := inside(t, p)
		for _, name := range deviceNames {
			node := "/dev/" + name
			if name != "tty" { // ENXIO without one
				rr.check(check{"write," + node, "ok"}, check{"touch," + node, "ok"}, check{"rdwr," + node, "ok"},
					check{"trunc," + node, "ok"})
			}
			rr.check(check{"chmod," + node + "," + mode, "EROFS"}, check{"own," + node, "EROFS"}, check{"utimens," + node, "EROFS"})
		}
	}
	must(t, unix.Stat("/dev/null", &after))
	if before.Mode != after.Mode || before.Mtim != after.Mtim {
		t.Errorf("%+v became %+v", before, after)
	}
}

// A file that is mounted at two places has two paths, and a rule about one of
// them is about it.
func TestAttackByAnotherMount(t *testing.T) {
	top := inOwnMounts(t)
	if top == "" {
		return
	}
	dir := top + "/h"
	for _, f := range []string{"h/w/f", "h/w/secret", "h/w/keys/k", "h/w/vendor/f", "all/x", "a b/x", "h/w/again/x", "h/w/keys/sub/k", "h/w/vendor/sub/f", "part/x", "h/w/piece/x", "one"} {
		write(t, top+"/"+f, "x")
	}
	for from, to := range map[string]string{dir: "/all", dir + "/w/keys": "/a b", dir + "/w/vendor": "/h/w/again",
		dir + "/w/keys/sub": "/part", dir + "/w/vendor/sub": "/h/w/piece", dir + "/w/keys/k": "/one"} {
		must(t, unix.Mount(from, top+to, "", unix.MS_BIND, ""))
	}
	p := testPolicy(dir + "/w")
	p.Filesystem.AllowWrite = paths(dir + "/w")
	p.Filesystem.DenyRead = paths(dir+"/w/secret", dir+"/w/keys")
	p.Filesystem.DenyWrite = paths(dir + "/w/vendor")
	inside(t, p).attacks(top, []attack{
		{"where it is", "read,@/h/w/secret", "EACCES", "read,@/h/w/f"},
		{"where all is again", "read,@/all/w/secret", "EACCES", "read,@/all/w/f"},
		{"a directory", "list,@/all/w/keys", "EACCES", "list,@/all/w"},
		{"it alone", "read,@/a b/k", "EACCES", "touch,@/h/w/n"},
		{"a part of it", "read,@/part/k", "EACCES", "list,@/h"},
		{"a file of it", "read,@/one", "EACCES", ""},
		{"a part of what must not be written", "touch,@/h/w/piece/n", "EROFS", "read,@/h/w/piece/f"},
		{"what must not be written", "touch,@/h/w/again/n", "EROFS", "read,@/h/w/again/f"},
	})
}

// What is fresh in a session is not seen by another path of the host's.
func TestAttackByAnotherTmp(t *testing.T) {
	dir := inOwnMounts(t)
	if dir == "" {
		return
	}
	for _, d := range []string{"/run", "/tmp", "/w"} {
		must(t, os.Mkdir(dir+d, 0o755))
	}
	must(t, unix.Mount("none", "/run", "tmpfs", 0, ""))
	must(t, unix.Mount("/run", dir+"/run", "", unix.MS_BIND, ""))
	must(t, unix.Mount("/tmp", "/var/tmp", "", unix.MS_BIND|unix.MS_REC, ""))
	write(t, dir+"/data/secret", "x")
	must(t, os.Mkdir("/run/data", 0o755))
	must(t, unix.Mount(dir+"/data", "/run/data", "", unix.MS_BIND, ""))
	write(t, "/run/user/secret", "x")
	p := testPolicy(dir + "/w")
	p.Filesystem.AllowWrite = paths(dir+"/w", "/run/data")
	p.Filesystem.DenyRead = paths(dir + "/data/secret")
	inside(t, p).attacks(dir, []attack{
		{"hidden, in what is shown of a fresh place", "read,/run/data/secret", "EACCES", "touch,/run/data/n"},
		{"list", "list,@/run", "EACCES", "list,/run"},
		{"read", "read,@/run/user/secret", "EACCES", "list,@/tmp"},
		{"one that is the other", "read,/run/user/secret", "ENOENT", "touch,/var/tmp/n"},
	})
}

// A second /proc shows no more than the session's own.
func TestAttackByAnotherProc(t *testing.T) {
	dir := inOwnMounts(t)
	if dir == "" {
		return
	}
	must(t, os.Mkdir(dir+"/proc", 0o755))
	must(t, os.Mkdir(dir+"/w", 0o755))
	must(t, unix.Mount("/proc", dir+"/proc", "", unix.MS_BIND|unix.MS_REC, ""))
	inside(t, testPolicy(dir)).attacks(dir, []attack{
		{"list", "list,@/proc", "EACCES", "list,/proc"},
		{"init of the host", "read,@/proc/1/cmdline", "EACCES", "read,/proc/1/cmdline"},
		{"write", "own-append,@/proc/self/comm", "EACCES", "own-append,/proc/self/comm"},
	})
}
