package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAttackFileOwnership: what [privileges] file_ownership gives is about
// files that may be written, and nothing else.
func TestAttackFileOwnership(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("about root")
	}
	dir := outside(t)
	for _, f := range []string{"/w/f", "/w/hidden", "/ro/f", "/theirs/f", "/secret/f"} {
		write(t, dir+f, "x")
	}
	for _, f := range []string{"/w", "/w/f", "/theirs", "/theirs/f"} {
		if err := os.Chown(dir+f, otherUser, otherUser); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir+"/theirs", 0o700); err != nil {
		t.Fatal(err)
	}
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir + "/w")
	p.Filesystem.DenyRead = paths(dir+"/secret", dir+"/w/hidden")
	inside(t, p).checkAll( // the twin without
		check{"chown," + dir + "/w/f,1,1", "EPERM"}, check{"create," + dir + "/w/n", "EACCES"}, check{"status,CapEff", "0000000000000000"},
	)
	p.Privileges.FileOwnership = true
	rr := inside(t, p)
	q := *p // where the keeper opens files: a hidden one is none that is missing a server
	q.Filesystem.Protected = paths(".envrc")
	inside(t, &q).checkAll(check{"write," + dir + "/w/hidden", "EACCES"}, check{"write," + dir + "/w/f", "ok"})
	const caps = "00000000000000db" // bits 0, 1, 3, 4, 6, 7 of capabilities(7)
	rr.checkAll(
		check{"status,CapEff", caps}, check{"status,CapPrm", caps}, check{"status,CapBnd", caps},
		check{"status,CapInh", "0000000000000000"}, check{"status,CapAmb", "0000000000000000"}, check{"status,NoNewPrivs", "1"},
		check{"chown," + dir + "/w/f,1,1", "ok"}, check{"create," + dir + "/w/n", "ok"}, check{"chmod," + dir + "/w/n,06755", "ok"},
		check{"chown," + dir + "/ro/f,1,1", "EROFS"}, check{"chmod," + dir + "/ro/f,0777", "EROFS"}, check{"create," + dir + "/ro/n", "EROFS"},
		check{"create,/etc/n", "EROFS"}, check{"write,/etc/passwd", "EROFS"}, check{"write,/proc/sys/kernel/core_pattern", "EROFS"},
		check{"mknod," + dir + "/w/disk,060666", "EPERM"}, check{"mount,none," + dir + "/w,tmpfs", "EPERM"}, check{"chroot," + dir + "/w", "EPERM"},
		check{"all-caps,", "EPERM"}, check{sysProbe(unix.SYS_PRCTL, unix.PR_SET_SECUREBITS, 0), "EPERM"},
		check{sysProbe(unix.SYS_PTRACE, unix.PTRACE_ATTACH, 1), "EPERM"}, check{sysProbe(unix.SYS_INIT_MODULE), "EPERM"},
		check{sysProbe(unix.SYS_UNSHARE, unix.CLONE_NEWUSER), "EPERM"}, check{sysProbe(unix.SYS_SETHOSTNAME, 0, 0), "EPERM"},
		check{sysProbe(unix.SYS_OPEN_BY_HANDLE_AT, 0, 0, 0), "EPERM"}, check{fmt.Sprintf("signal,%d,0", 1), "EPERM"},
		check{fmt.Sprintf("read,/proc/%d/environ", rr.r.pid), "EACCES"},
		check{sysProbe(unix.SYS_SETGID, 1), "ok"}, check{sysProbe(unix.SYS_SETUID, 1), "ok"}, check{"ids,", "1 1"}, check{"status,CapPrm", "0000000000000000"},
	)
	if out, _ := rr.sh("cat " + dir + "/secret/f"); strings.Contains(out, "x\n") || out == "x" {
		t.Errorf("a secret was read: %q", out)
	}
	var st unix.Stat_t
	if err := unix.Stat(dir+"/w/n", &st); err != nil || st.Mode&0o7777 != 0o6755 || st.Uid != 0 {
		t.Errorf("%o %d %v", st.Mode, st.Uid, err)
	}
	installDeb(t, rr, dir+"/w")
}

// installDeb builds a package and installs it into an allowed directory.
func installDeb(t *testing.T, rr *rawRunner, root string) {
	t.Helper()
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		if os.Getenv("FSH_REQUIRE") == "all" {
			t.Fatal(err)
		}
		return
	}
	out, status := rr.sh(`set -e; cd /tmp; mkdir -p p/DEBIAN p/opt/x
printf 'Package: fsh-test\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x.test>\nDescription: x\n' >p/DEBIAN/control
echo data >p/opt/x/data; echo prog >p/opt/x/prog; chown 33:33 p/opt/x/data; chmod 4755 p/opt/x/prog
dpkg-deb -b p x.deb >/dev/null; mkdir -p ` + root + `/db/info ` + root + `/db/updates ` + root + `/root; touch ` + root + `/db/status
dpkg --log=/dev/null --instdir=` + root + `/root --admindir=` + root + `/db -i x.deb >/dev/null
stat -c '%u %a' ` + root + `/root/opt/x/data ` + root + `/root/opt/x/prog`)
	if out != "33 644\n0 4755" || status != 0 {
		t.Errorf("dpkg -i: %q %d", out, status)
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return // of another distribution
	}
	out, status = rr.sh(`set -e; R=` + root + `/apt; cd /tmp
mkdir -p $R/var/lib/dpkg/info $R/var/lib/dpkg/updates $R/var/lib/dpkg/triggers $R/var/lib/apt/lists/partial $R/var/cache/apt/archives/partial $R/var/log
mkdir -p $R/etc/apt/apt.conf.d $R/etc/apt/preferences.d $R/etc/apt/sources.list.d; touch $R/var/lib/dpkg/status
apt-get -qq -y -o Dir=$R -o Dir::State::status=$R/var/lib/dpkg/status -o Dir::Bin::methods=/usr/lib/apt/methods -o Dir::Bin::dpkg=/usr/bin/dpkg \
	-o DPkg::Options::=--root=$R -o DPkg::Options::=--log=/dev/null install ./x.deb >log 2>&1 || cat log
stat -c '%u %a' $R/opt/x/data $R/opt/x/prog`)
	if out != "33 644\n0 4755" || status != 0 {
		t.Errorf("apt-get install: %q %d", out, status)
	}
}
