package sandbox

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A descriptor from outside leads past the mounts of the view: to the file on
// the machine's own. It gives what it was opened for, and no more.
func TestAttackDescriptorsFromOutside(t *testing.T) {
	dir := attackTree(t)
	for file, named := range map[string]string{"ro/f": "EXDEV", "w/f": "EXDEV", "w/vendor/f": "EACCES", "w/.git/config": "EACCES"} {
		t.Run(file, func(t *testing.T) {
			in, err := os.Open(dir + "/" + file)
			must(t, err)
			defer in.Close()
			rr := inside(t, attackPolicy(dir))
			rr.stdin = in
			rr.attacks(dir, []attack{
				{"append", "append,/proc/self/fd/0", "EACCES", "append,/proc/self/fd/1"},
				{"read and write", "rdwr,/proc/self/fd/0", "EACCES", "read,/proc/self/fd/0"},
				{"empty it", "trunc,/proc/self/fd/0", "EACCES", "rdwr,/proc/self/fd/2"},
				{"create", "touch,/dev/stdin", "EACCES", "touch,/dev/stdout"},
				{"truncate", "truncate,/proc/self/fd/0", "EACCES", ""},
				{"of the thread", "rdwr,/proc/thread-self/fd/0", "EACCES", "rdwr,/proc/thread-self/fd/1"},
				{"a name for it", "link-fd,0,@/w/named", named, "link,@/w/aaaaaa,@/w/named2"},
				{"another one for it", "link-open,0,@/w/named", named, "name-tmp,@/w,@/w/named3"},
			})
			if b, err := os.ReadFile(dir + "/" + file); err != nil || len(b) == 0 {
				t.Errorf("%q %v", b, err)
			}
		})
		must(t, os.RemoveAll(dir+"/w/named2"))
		must(t, os.RemoveAll(dir+"/w/named3"))
	}
}

// What was opened to append to stays as long as it was.
func TestAttackLogFromOutside(t *testing.T) {
	dir := attackTree(t)
	log, err := os.OpenFile(dir+"/ro/f", os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	defer log.Close()
	rr := inside(t, attackPolicy(dir))
	rr.stdin = log
	rr.attacks(dir, []attack{
		{"truncate", "truncate,/dev/stdin", "EACCES", "append,/dev/stdin"},
		{"read and write", "rdwr,/dev/stdin", "EACCES", "raw-creat,/dev/stdin"},
	})
	if b, err := os.ReadFile(dir + "/ro/f"); err != nil || string(b) != "x" {
		t.Errorf("%q %v", b, err)
	}
}

// Nor is what is in it changed, by its number either, unless it may be written.
func TestAttackAppendedFromOutside(t *testing.T) {
	dir := attackTree(t)
	for file, want := range map[string]string{"ro/f": "EPERM", "w/vendor/f": "EPERM", "w/f": "ok"} {
		must(t, os.WriteFile(dir+"/"+file, []byte("0123456789"), 0o644))
		log, err := os.OpenFile(dir+"/"+file, os.O_WRONLY|os.O_APPEND, 0)
		must(t, err)
		defer log.Close()
		rr := inside(t, attackPolicy(dir))
		rr.stdin = log
		rr.checkAll(
			check{"fd-cut,0,4", want}, check{"fd-punch,0", want}, check{"fd-flags-set,0,0", want},
			check{"fd-flags-set,0,0x400", "ok"}, check{"fd-append,0", "ok"}, // O_APPEND
			check{"fd-no-append,0", "ENOTSUP"}, check{"aio-setup", "ENOSYS"},
			check{"fd-cut,77,0", "EBADF"}, check{"fd-flags-set,1,0x800", "ok"}, check{"fd-cut-held," + dir + "/w/f", "EBADF"},
			check{"lengthen," + dir + "/w/aaaaaa,1001", "EFBIG"}, check{"fd-own-cut,/tmp/f", "ok"}, check{"fd-own-cut," + dir + "/w/own", "ok"},
		)
		text, err := os.ReadFile(dir + "/" + file)
		if whole := string(text) == "0123456789x"; err != nil || whole != (want == "EPERM") {
			t.Errorf("%s: %q %v", file, text, err)
		}
	}
	// What was opened to write is what may be written, as ever.
	out, err := os.OpenFile(dir+"/ro/f", os.O_RDWR, 0)
	must(t, err)
	defer out.Close()
	rr := inside(t, attackPolicy(dir))
	rr.stdin = out
	rr.checkAll(check{"fd-cut,0,4", "ok"}, check{"fd-punch,0", "ok"}, check{"fd-flags-set,0,0x800", "ok"}, check{"fd-flags-set,0,0", "ok"})
	// Where nothing is to be appended to, programs may have their queues.
	p := attackPolicy(dir)
	s, err := New(Config{Policy: p, Dir: p.Dir, Log: os.Stderr, NoAppended: true})
	must(t, err)
	defer s.Close()
	newRawRunner(t, s, p).check(check{"aio-setup", "ok"}, check{"fd-own-cut," + dir + "/w/own", "ok"})
}

// The keeper may look into every process. That helps nobody inside to.
func TestAttackProcOfOthersByTheKeeper(t *testing.T) {
	dir := attackTree(t)
	p, q := attackPolicy(dir), attackPolicy(dir)
	q.Filesystem.DenyWrite = append(q.Filesystem.DenyWrite, paths("/usr")...)
	s := newTestSession(t, p)
	rr, other := newRawRunner(t, s, p), newRawRunner(t, s, q)
	foreign, own := other.sleeper("SECRET=1"), rr.sleeper("")
	for _, pid := range []int{1, rr.r.pid, other.r.pid, foreign} {
		for _, file := range []string{"mem", "clear_refs", "environ", "maps", "oom_score_adj"} {
			name := fmt.Sprintf("/proc/%d/%s", pid, file)
			rr.checkAll(check{"rdwr," + name, "EACCES"}, check{"own-append," + name, "EACCES"}, check{"trunc," + name, "EACCES"},
				check{fmt.Sprintf("rdwr,/proc/%d/task/%d/%s", pid, pid, file), "EACCES"},
				check{"rdwr,/proc/self/root" + name, "EACCES"})
		}
		rr.checkAll(check{fmt.Sprintf("openat,/proc/%d,mem", pid), "EACCES"}, check{fmt.Sprintf("rdwr,/proc/%d/fd/0", pid), "EACCES"},
			check{fmt.Sprintf("rdwr,/proc/%d/root%s/w/f", pid, dir), "EACCES"})
	}
	rr.checkAll(
		check{"rdwr,/proc/self/mem", "ok"}, check{"rdwr,/proc/thread-self/mem", "ok"}, check{"own-append,/proc/self/comm", "ok"},
		check{fmt.Sprintf("own-append,/proc/%d/oom_score_adj", own), "ok"},
		check{fmt.Sprintf("own-append,/proc/%d/mem", own), "EACCES"},
		check{fmt.Sprintf("read,/proc/%d/mem", own), "ok"},
	)
	if err := unix.Kill(s.pid, 0); err != nil {
		t.Error(err)
	}
}

// A pipe has no path, so no rule is about it: tee /dev/stderr is usual.
func TestPipeIsOpenedByItsLink(t *testing.T) {
	dir := attackTree(t)
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	defer w.Close()
	rr := inside(t, attackPolicy(dir))
	rr.stdin = w
	rr.attacks(dir, []attack{
		{"a directory it is not", "list,/dev/stdin/", "ENOTDIR", "append,/dev/stdin"},
		{"create only if absent", "create,/dev/stdin", "EEXIST", "raw-creat,/dev/stdin"},
		{"a closed one", "append,/dev/fd/77", "ENOENT", "rdwr,/proc/thread-self/fd/0"},
	})
}

// Attributes are the owner's to change by any descriptor; one from outside gives
// them only where the file could be written anyway. By number and by link.
func TestAttackAttributesFromOutside(t *testing.T) {
	dir := attackTree(t)
	write(t, dir+"/w/.git/deep", "x")
	calls := []string{"fd-chmod,N", "fd-own,N", "fd-times,N", "fd-xattr,N", "fd-no-xattr,N", "fd-flags,N", "fd-version,N", "fd-empty-chmod,N", "fd-empty-own,N",
		"chmod,L,0600", "fchmodat2,L,0600", "own,L", "utimens,L", "setxattr,L", "chmod,/dev/stdin,0600"}
	for file, want := range map[string]string{
		"ro/f": "EACCES", "w/vendor/f": "EACCES", "w/.git/config": "EACCES", "w/1/2/3/4/5/6/.envrc": "EACCES", "w/f": "ok", "w/.git/deep": "ok",
	} {
		for _, flags := range []int{os.O_RDONLY, os.O_WRONLY | os.O_APPEND} {
			in, err := os.OpenFile(dir+"/"+file, flags, 0)
			must(t, err)
			must(t, unix.Fsetxattr(int(in.Fd()), "user.fsh", nil, 0))
			var before, after unix.Stat_t
			must(t, unix.Fstat(int(in.Fd()), &before))
			rr := inside(t, attackPolicy(dir))
			rr.stdin = in
			for _, c := range calls {
				probe := strings.ReplaceAll(strings.ReplaceAll(c, "N", "0"), "L", "/proc/self/fd/0")
				if c == "fd-no-xattr,N" && want == "ok" {
					rr.check(check{"fd-xattr,0", want})
				}
				expect := want
				// Of ext4 with checksums of metadata nobody can set versions.
				if c == "fd-version,N" && want == "ok" && setInodeFlags(int(in.Fd()), setVersion) == unix.ENOTTY {
					expect = "ENOTTY"
				}
				rr.check(check{probe, expect})
			}
			must(t, unix.Fstat(int(in.Fd()), &after))
			if same := before.Mode == after.Mode && before.Ctim == after.Ctim; same != (want == "EACCES") {
				t.Errorf("%s: %+v became %+v", file, before, after)
			}
			in.Close()
			must(t, os.Chmod(dir+"/"+file, 0o644))
		}
	}
	// Without a writable tree at all.
	in, err := os.Open(dir + "/ro/f")
	must(t, err)
	defer in.Close()
	rr := inside(t, testPolicy(dir))
	rr.stdin = in
	rr.check(check{"fd-chmod,0", "EACCES"}, check{"utimens,/dev/stdin", "EACCES"}, check{"fd-xattr,0", "EACCES"}, check{"fd-flags,0", "EACCES"},
		check{"fd-verity,0", "ENOTSUP"}, check{"utimens,/proc/nothing", "ENOENT"}, check{"own-append,/proc/not-self", "ENOENT"}, check{"utimens,/proc/thread-self/root/tmp", "ok"},
		check{"touch,/tmp/f", "ok"}, check{"chmod,/tmp/f,0600", "ok"}, check{"fchmod,/tmp/f", "ok"}, check{"fd-pipe", "ok"})
}

// Nobody can have the keeper look at one file and change another.
func TestAttackAttributesByRace(t *testing.T) {
	dir := attackTree(t)
	in, err := os.Open(dir + "/ro/f")
	must(t, err)
	defer in.Close()
	rr := inside(t, attackPolicy(dir))
	rr.stdin = in
	rr.check(check{"race-chmod,0," + dir + "/w/f", "EACCES"}, check{"race-chmod-link,0," + dir + "/w/f", "EACCES"})
	if st, err := os.Stat(dir + "/ro/f"); err != nil || st.Mode().Perm() == 0o601 {
		t.Errorf("%v %v", st.Mode(), err)
	}
}

// What programs do to the attributes of files they may write works as ever.
func TestAttributesOfOwnFiles(t *testing.T) {
	dir := attackTree(t)
	rr := inside(t, attackPolicy(dir))
	in := dir + "/w"
	rr.attacks(dir, []attack{
		{"mode", "chmod,@/ro/f,0600", "EROFS", "chmod,@/w/f,0640"},
		{"of a masked file", "chmod,@/w/.git/config,0600", "EROFS", "fchmodat2,@/w/f,0641"},
		{"of a protected one too deep for that", "chmod,@/w/1/2/3/4/5/6/.envrc,0755", "EACCES", "chmod,@/w/1/2/3,0755"},
		{"of a link", "lchmod,@/w/tosub,0600", "ENOTSUP", "lown,@/w/tosub"},
		{"owner", "own,@/ro/f", "EROFS", "own,@/w/tosub"},
		{"times of a link", "lutimens,@/w/out/f", "EROFS", "lutimens,@/w/dangling"},
		{"times of what it leads to", "utimens,@/w/dangling", "ENOENT", "utimens,@/w/tosub"},
		{"a loop", "utimens,@/w/loop", "ELOOP", "lutimens,@/w/loop"},
		{"attribute", "setxattr,@/ro/f", "EROFS", "setxattr,@/w/f"},
		{"held, not open", "held-chmod,@/w/f", "EBADF", "fchmod,@/w/f"},
		{"no descriptor", "fd-chmod,77", "EBADF", "chmod,@/w/sub/,0755"},
		{"no directory", "chmod,@/w/f/,0600", "ENOTDIR", "chmod,@/w/sub/..,0755"},
		{"no path", "bad-chmod", "EFAULT", "utimens,@/w/sub/."},
		{"unknown flags", "bad-flags,@/w/f", "EINVAL", "chmod,/proc/self/root@/w/f,0755"},
	})
	for _, c := range [][2]string{
		{"cd " + in + " && touch -d '2001-02-03 04:05:06 UTC' a && touch -r a b && stat -c %Y a b | uniq", "981173106"},
		{"cd " + in + " && chmod 751 a && cp -p a c && stat -c '%a %Y' c", "751 981173106"},
		{"cd " + in + " && install -m 640 a d && stat -c %a d", "640"},
		{"cd " + in + " && mkdir -p t/u && echo x >t/u/v && chmod 700 t/u && touch -d @5 t/u/v && tar cf t.tar t && rm -r t && tar xpf t.tar && stat -c '%a %Y' t/u t/u/v | cut -d' ' -f1 | tr '\n' ' '; stat -c %Y t/u/v", "700 644 5"},
		{"cd " + in + " && ln -s a l && touch -h -d @7 l && stat -c %Y l a", "7\n981173106"},
		{"cd /tmp && echo x >f && chmod 600 f && cp -a f g && mv g " + in + "/g && stat -c %a " + in + "/g", "600"},
		{"cd " + in + " && umask 077 && (chmod +x c; stat -c %a c; chmod u=rwx,go= . && stat -c %a . && chmod 755 .)", "751\n700"},
	} {
		if out, status := rr.sh("{ " + c[0] + "; } 2>&1"); out != c[1] || status != 0 {
			t.Errorf("%s: %d %q, want %q", c[0], status, out, c[1])
		}
	}
}
