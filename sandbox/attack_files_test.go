package sandbox

import (
	"os"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/policy"
	"golang.org/x/sys/unix"
)

// attack is one way past the policy: a probe, the errno it must get, and an
// honest use of the same call, which must work. "@" is the test's directory.
type attack struct {
	name, probe, errno string
	twin               string // "": the row is a step of the one behind it
}

// attacks runs the rows in one session, all probes in one process,
// and says which got through.
func (rr *rawRunner) attacks(dir string, rows []attack) {
	rr.t.Helper()
	var specs []string
	at := func(probe string) { specs = append(specs, strings.ReplaceAll(probe, "@", dir)) }
	for _, a := range rows {
		if at(a.probe); a.twin != "" {
			at(a.twin)
		}
	}
	got := rr.probes(specs...)
	for _, a := range rows {
		if got[0] != a.errno {
			rr.t.Errorf("attack %q: %.200s = %s, want %s", a.name, a.probe, got[0], a.errno)
		}
		if got = got[1:]; a.twin == "" {
			continue
		}
		if got[0] != "ok" {
			rr.t.Errorf("twin of %q: %.200s = %s", a.name, a.twin, got[0])
		}
		got = got[1:]
	}
}

// attackTree is what the attacks are made on.
func attackTree(t *testing.T) string {
	t.Helper()
	dir := outside(t)
	for _, f := range []string{
		"ro/f", "w/f", "w/sub/f", "w/vendor/f", "w/secret", "w/keys/k", "w/x.key",
		"w/.git/HEAD", "w/.git/config", "w/.git/refs/r", "w/repo/.git/HEAD", "w/repo/.git/config", "w/repo/.git/hooks/h",
		"w/bare/HEAD", "w/bare/config", "w/bare/objects/o", "w/bare/refs/r", "w/bare2/HEAD", "w/bare2/objects/o", "w/bare2/refs/r", "w/bare2/hooks/h",
		"w/1/2/3/4/5/6/.envrc", "w/1/2/3/4/5/6/.git/config", "w/1/2/3/4/5/6/.git/config.lock", "w/repo/.git/config.lock", "w/node_modules/p/.vscode/s", "w/aaaaaa",
	} {
		write(t, dir+"/"+f, "x")
	}
	write(t, dir+"/w/.git/config", "[core]\n\thooksPath = myhooks\n[include]\n\tpath = ../included\n")
	write(t, dir+"/w/.git/config.lock", "[core]\n\thooksPath = myhooks\n[include]\n\tpath = ../include2\n")
	write(t, dir+"/w/myhooks/h", "x")
	write(t, dir+"/w/.git/modules/m/config", "x")
	write(t, dir+"/w/.git/modules/m/hooks/h", "x")
	write(t, dir+"/w/subm/.git", "gitdir: ../.git/modules/m\n")
	for link, to := range map[string]string{
		"w/out": "../ro", "w/abs": "/etc", "w/tovendor": "vendor/f", "w/tosub": "sub", "w/dangling": ".envrc",
		"w/dangling2": "dangling", "w/cwd": "/proc/self/cwd", "w/thread": "/proc/thread-self/cwd", "w/loop": "loop",
		"w/tosecret": "secret", "w/later-link": "later",
	} {
		if err := os.Symlink(to, dir+"/"+link); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func attackPolicy(dir string) *policy.Policy {
	p := testPolicy(dir + "/w")
	p.Filesystem.AllowWrite = paths(dir + "/w")
	p.Filesystem.DenyWrite = paths(dir+"/w/vendor", dir+"/w/later", dir+"/w/not/there/yet")
	p.Filesystem.DenyRead = paths(dir+"/w/secret", dir+"/w/keys", dir+"/w/hidden-later", dir+"/w/**/*.key")
	p.Filesystem.Protected = paths(".git/hooks", ".git/config", ".git/config.worktree", ".git/commondir", ".envrc", ".vscode")
	return p
}

func TestAttackFilesThatAreReadOnly(t *testing.T) {
	dir := attackTree(t)
	rr := inside(t, attackPolicy(dir))
	rr.attacks(dir, []attack{
		{"append", "append,@/ro/f", "EROFS", "append,@/w/f"},
		{"read and write", "rdwr,@/ro/f", "EROFS", "rdwr,@/w/f"},
		{"truncating open", "trunc,@/ro/f", "EROFS", "trunc,@/w/f"},
		{"truncate", "truncate,@/ro/f", "EROFS", "truncate,@/w/f"},
		{"create", "touch,@/ro/n", "EROFS", "touch,@/w/n"},
		{"creat(2)", "raw-creat,@/ro/n", "EROFS", "raw-creat,@/w/n2"},
		{"file without a name", "tmpfile,@/ro", "EROFS", "tmpfile,@/w"},
		{"name for one", "name-tmp,@/w,@/ro/n", "EROFS", "name-tmp,@/w,@/w/named"},
		{"mkdir", "mkdir,@/ro/d,0755", "EROFS", "mkdir,@/w/d,0755"},
		{"mkfifo", "mkfifo,@/ro/p", "EROFS", "mkfifo,@/w/p"},
		{"socket", "bind,@/ro/s", "EROFS", "bind,@/w/s"},
		{"symlink", "symlink,f,@/ro/l", "EROFS", "symlink,f,@/w/l"},
		{"link", "link,@/ro/f,@/ro/l", "EROFS", "link,@/w/f,@/w/hard"},
		{"link into a writable tree", "link,@/ro/f,@/w/fromro", "EXDEV", ""},
		{"rename away", "rename,@/ro/f,@/w/moved", "EXDEV", "rename,@/w/hard,@/w/hard2"},
		{"rename into", "rename,@/w/hard2,@/ro/g", "EXDEV", ""},
		{"exchange", "swap,@/ro/f,@/w/f", "EXDEV", "swap,@/w/f,@/w/n"},
		{"unlink", "unlink,@/ro/f", "EROFS", "unlink,@/w/n2"},
		{"chmod", "chmod,@/ro/f,0777", "EROFS", "chmod,@/w/f,0600"},
		{"chmod of an open file", "fchmod,@/ro/f", "EROFS", "fchmod,@/w/f"},
		{"chown", "own,@/ro/f", "EROFS", "own,@/w/f"},
		{"times", "utimens,@/ro/f", "EROFS", "utimens,@/w/f"},
		{"attribute", "setxattr,@/ro/f", "EROFS", "setxattr,@/w/f"},
		{"inode flags", "inode-flags,@/ro/f", "EROFS", ""},
		{"cut a file open for reading", "ftruncate,@/ro/f", "EINVAL", ""},
		{"allocate", "fallocate,@/ro/f", "EBADF", ""},
		{"copy into", "copy-range,@/w/f,@/ro/f", "EROFS", "copy-range,@/w/f,@/w/aaaaaa"},
		{"reopen for writing", "reopen,@/ro/f,0", "EROFS", "reopen,@/w/f,0"},
		{"reopen a held file", "reopen,@/ro/f,0x200000", "EROFS", "reopen,@/w/f,0x200000"},
		{"dots", "touch,@/w/sub/../../ro/n", "EROFS", "touch,@/w/sub/../n3"},
		{"link to a directory", "touch,@/w/out/n", "EROFS", "touch,@/w/tosub/n"},
		{"absolute link", "touch,@/w/abs/n", "EROFS", ""},
		{"directory by descriptor", "openat,@/ro,n", "EROFS", "openat,@/w,n4"},
		{"dots by descriptor", "openat,@/w,../ro/n", "EROFS", "openat,@/w,sub/n4"},
		{"root of the process", "touch,/proc/self/root@/ro/n", "EROFS", "touch,/proc/self/root@/w/n5"},
		{"root of init", "read,/proc/1/root/etc/passwd", "EACCES", ""},
		{"cwd of init", "list,/proc/1/cwd/", "EACCES", ""},
		{"bind mount", "bind-mount,@/w,@/ro", "EPERM", ""},
		{"openat2", "openat2,@/w/f", "ENOSYS", ""},
		{"device", "mknod,@/w/dev,020666", "EPERM", ""},
		{"block device", "mknod,@/w/dev,060666", "EPERM", ""},
		{"set-id file", "creat-mode,@/w/suid,04755", "EPERM", "creat-mode,@/w/nosuid,0755"},
		{"a loop of links", "touch,@/w/loop", "ELOOP", ""},
		{"a loop on the way", "touch,@/w/loop/x", "ELOOP", ""},
		{"a path too long", "touch,@/w/" + strings.Repeat("a/", 2100), "ENAMETOOLONG", ""},
		{"a name too long", "touch,@/w/" + strings.Repeat("a", 256), "ENAMETOOLONG", "touch,@/w/" + strings.Repeat("a", 255)},
		{"the tree itself", "rename,@/w,@/w2", "EROFS", ""},
		{"longer than the limit", "lengthen,@/w/f,1001", "EFBIG", "lengthen,@/w/f,1000"},
		{"truncate as a directory", "truncate,@/w/f/", "ENOTDIR", ""},
		{"no process", "rdwr,/proc/nothing", "ENOENT", "rdwr,/proc/self/comm"},
		{"lease", "lease,@/ro/f", "EACCES", "leased,@/ro/f"},
		{"lease of what may be written", "lease,@/w/f", "EACCES", "truncate,@/w/f"},
		{"delegation", "delegation,@/ro", "EACCES", ""},
		{"how long it will be kept", "keep-hint,@/ro/f", "EPERM", ""},
		{"kernel settings", "touch,/proc/sys/kernel/core_pattern", sealedErrno(), ""},
		{"another name for them", "touch,/proc/self/root/proc/sys/kernel/core_pattern", sealedErrno(), ""},
	})
	// A lease of somebody outside does not keep the keeper waiting.
	leased, err := unix.Open(dir+"/w/f", unix.O_RDWR|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(leased)
	_, err = unix.FcntlInt(uintptr(leased), unix.F_SETLEASE, unix.F_WRLCK)
	must(t, err)
	rr.attacks(dir, []attack{{"keep the keeper waiting", "truncate,@/w/f", "EAGAIN", "truncate,@/w/aaaaaa"}})
	for _, f := range []string{"ro/n", "ro/d", "ro/g", "ro/l"} {
		if _, err := os.Lstat(dir + "/" + f); err == nil {
			t.Error("came to be:", f)
		}
	}
}

// sealedErrno: an ordinary user is refused before the mount is asked.
func sealedErrno() string {
	if os.Geteuid() == 0 {
		return "EROFS"
	}
	return "EACCES"
}

func TestAttackFilesThatAreDenied(t *testing.T) {
	dir := attackTree(t)
	rr := inside(t, attackPolicy(dir))
	rr.attacks(dir, []attack{
		{"write below", "write,@/w/vendor/f", "EROFS", "read,@/w/vendor/f"},
		{"by a link", "write,@/w/tovendor", "EROFS", "read,@/w/tovendor"},
		{"create below", "touch,@/w/vendor/n", "EROFS", "touch,@/w/n"},
		{"rename the directory", "rename,@/w/vendor,@/w/v", "EBUSY", "rename,@/w/n,@/w/m"},
		{"exchange it", "swap,@/w/vendor,@/w/sub", "EBUSY", "swap,@/w/m,@/w/f"},
		{"remove it", "rmdir,@/w/vendor", "EBUSY", ""},
		{"move over it", "rename,@/w/sub,@/w/vendor", "EBUSY", ""},
		{"link out of it", "link,@/w/vendor/f,@/w/l", "EXDEV", ""},
		{"hidden file", "read,@/w/secret", "EACCES", "read,@/w/f"},
		{"by a link ", "read,@/w/tosecret", "EACCES", ""},
		{"hold and reopen", "reopen,@/w/secret,0x200000", "EACCES", ""},
		{"by /proc", "read,/proc/self/root@/w/secret", "EACCES", "read,/proc/self/root@/w/f"},
		{"hard link to it", "link,@/w/secret,@/w/l", "EXDEV", ""},
		{"rename it", "rename,@/w/secret,@/w/l", "EBUSY", ""},
		{"exchange it ", "swap,@/w/secret,@/w/f", "EBUSY", ""},
		{"truncate it", "truncate,@/w/secret", "EACCES", ""},
		{"chmod it", "chmod,@/w/secret,0644", "EROFS", ""},
		{"list a hidden directory", "list,@/w/keys", "EACCES", "list,@/w/sub"},
		{"go through one", "read,@/w/keys/k", "EACCES", ""},
		{"go into one", "chdir,@/w/keys", "EACCES", ""},
		{"hidden by a pattern", "read,@/w/x.key", "EACCES", ""},

		{"denied, absent", "touch,@/w/later", "EACCES", "touch,@/w/later2"},
		{"as a directory", "mkdir,@/w/later,0755", "EACCES", "mkdir,@/w/later3,0755"},
		{"by a dangling link", "touch,@/w/later-link", "EACCES", ""},
		{"by rename", "rename,@/w/m,@/w/later", "EACCES", ""},
		{"by exchange", "swap,@/w/later,@/w/m", "EACCES", ""},
		{"hidden, absent", "touch,@/w/hidden-later", "EACCES", ""},
		{"matches a pattern", "touch,@/w/sub/y.key", "EACCES", "touch,@/w/sub/y.keys"},
		{"renamed to match it", "rename,@/w/sub/y.keys,@/w/sub/y.key", "EACCES", ""},
		{"linked to match it", "link,@/w/f,@/w/sub/y.key", "EACCES", ""},
		{"first step", "mkdir,@/w/not,0755", "ok", ""},
		{"second step", "mkdir,@/w/not/there,0755", "ok", ""},
		{"third step", "touch,@/w/not/there/yet", "EACCES", "touch,@/w/not/there/yet2"},
		{"prepare elsewhere", "mkdir,@/w/other,0755", "ok", ""},
		{"with the name", "touch,@/w/other/yet", "ok", ""},
		{"clear the way", "rename,@/w/not/there,@/w/not/was", "ok", ""},
		{"move it into place", "rename,@/w/other,@/w/not/there", "EACCES", "rename,@/w/other,@/w/not/elsewhere"},
	})
}

func TestAttackProtectedNames(t *testing.T) {
	dir := attackTree(t)
	rr := inside(t, attackPolicy(dir))
	rr.attacks(dir, []attack{
		{"to the tree", "chdir,@/w", "ok", ""},
		{"open", "touch,.envrc", "EACCES", "touch,.envrc2"},
		{"absolute", "touch,@/w/.envrc", "EACCES", ""},
		{"creat(2)", "raw-creat,.envrc", "EACCES", "raw-creat,ok1"},
		{"below a directory", "touch,sub/.envrc", "EACCES", "touch,sub/ok"},
		{"dots", "touch,sub/../.envrc", "EACCES", ""},
		{"dots and slashes", "touch,.//sub/.././/.envrc", "EACCES", ""},
		{"link to the directory", "touch,tosub/.envrc", "EACCES", ""},
		{"dangling link", "touch,dangling", "EACCES", ""},
		{"link to a dangling link", "touch,dangling2", "EACCES", ""},
		{"not followed", "touch-nf,dangling", "ELOOP", ""},
		{"cwd in /proc", "touch,/proc/self/cwd/.envrc", "EACCES", "touch,/proc/self/cwd/ok2"},
		{"of the thread", "touch,/proc/thread-self/cwd/.envrc", "EACCES", "touch,/proc/thread-self/cwd/ok3"},
		{"by a link to /proc", "touch,cwd/.envrc", "EACCES", "touch,cwd/ok4"},
		{"of the thread, by a link", "touch,thread/.envrc", "EACCES", ""},
		{"root in /proc", "touch,/proc/self/root@/w/.envrc", "EACCES", ""},
		{"root and dots", "touch,/proc/self/root/../..@/w/.envrc", "EACCES", ""},
		{"descriptor", "openat,@/w,.envrc", "EACCES", "openat,@/w,ok5"},
		{"descriptor and dots", "openat,@/w/sub,../.envrc", "EACCES", ""},
		{"number in /proc", "by-number,@/w,/proc/self,.envrc", "EACCES", "by-number,@/w,/proc/self,ok6"},
		{"number of the thread", "by-number,@/w,/proc/thread-self,.envrc", "EACCES", ""},
		{"mkdir", "mkdir,.vscode,0755", "EACCES", "mkdir,ok7,0755"},
		{"mkdir with a slash", "mkdir,.vscode/,0755", "EACCES", "mkdir,ok8/,0755"},
		{"mkdirat", "mkdirat,@/w/.git,hooks", "EACCES", "mkdirat,@/w/.git,objects"},
		{"mknod", "mknod,.envrc,0100644", "EACCES", "mknod,ok9,0100644"},
		{"mkfifo", "mkfifo,.envrc", "EACCES", "mkfifo,ok10"},
		{"symlink", "symlink,f,.envrc", "EACCES", "symlink,f,ok11"},
		{"socket", "bind,.envrc", "EACCES", "bind,ok17"},
		{"socket, absolute", "bind,@/w/sub/.envrc", "EACCES", "bind,@/w/sub/ok18"},
		{"socket that exists", "bind,ok17", "EADDRINUSE", ""},
		{"socket by the cwd in /proc", "bind,/proc/self/cwd/.envrc", "EACCES", "own-name,@/w/sub/name"},
		{"socket by dots", "bind,sub/../.envrc", "EACCES", "own-name,sub/../name"},
		{"socket by a link", "bind,tosub/.envrc", "EACCES", "own-name,tosub/name2"},
		{"socket in no directory", "bind,f/x", "ENOTDIR", ""},
		{"symlinkat", "symlinkat,f,@/w,.envrc", "EACCES", "symlinkat,f,@/w,ok12"},
		{"link", "link,f,.envrc", "EACCES", "link,f,ok13"},
		{"file without a name", "name-tmp,.,.envrc", "EACCES", "name-tmp,.,ok14"},
		{"empty path", "name-empty,.,.envrc", "EACCES", ""},
		{"rename", "rename,f,.envrc", "EACCES", "rename,ok1,ok15"},
		{"no replacement", "noreplace,f,.envrc", "EACCES", "noreplace,ok15,ok16"},
		{"exchange", "swap,f,.envrc", "EACCES", "swap,f,aaaaaa"},
		{"other case", "touch,.ENVRC", "EACCES", ""},
		{"another letter of the same case", "mkdir,.v\u017fcode,0755", "EACCES", "mkdir,.vscode\u017f,0755"},
		{"what cannot be seen", "touch,.env\u200crc", "EACCES", "touch,.env\u00e9rc"},
		{"dot at the end", "touch,.envrc.", "EACCES", "touch,.envrc.d"},
		{"git's file, other case", "mkdir,.git/HOOKS,0755", "EACCES", ""},
		{"worktree configuration", "touch,.git/config.worktree", "EACCES", "touch,.git/index"},
		{"commondir", "touch,.git/commondir", "EACCES", "touch,.git/FETCH_HEAD"},
		{"existing", "write,.git/config", "EROFS", "read,.git/config"},
		{"existing directory", "touch,repo/.git/hooks/n", "EROFS", "read,repo/.git/hooks/h"},
		{"rename the repository", "rename,.git,.git2", "EBUSY", ""},
		{"rename one above it", "rename,repo,repo2", "EBUSY", ""},
		{"exchange it", "swap,.git,sub", "EBUSY", ""},

		{"too deep to be masked", "write,1/2/3/4/5/6/.envrc", "EACCES", "read,1/2/3/4/5/6/.envrc"},
		{"truncate there", "truncate,1/2/3/4/5/6/.envrc", "EACCES", ""},
		{"open and cut there", "trunc,1/2/3/4/5/6/.envrc", "EACCES", ""},
		{"reopen there", "reopen,1/2/3/4/5/6/.envrc,0", "EACCES", ""},
		{"hard link there", "link,1/2/3/4/5/6/.envrc,l", "EACCES", ""},
		{"move away there", "rename,1/2/3/4/5/6/.envrc,l", "EACCES", ""},
		{"move over there", "rename,f,1/2/3/4/5/6/.envrc", "EACCES", ""},
		{"configuration there", "write,1/2/3/4/5/6/.git/config", "EACCES", ""},
		{"the lock of a configuration, with another name", "rename,1/2/3/4/5/6/.git/config.lock,1/2/3/4/5/6/.git/commondir", "EACCES", ""},
		{"the same again", "rename,1/2/3/4/5/6/.git/config.lock,1/2/3/4/5/6/.git/config", "ok", "rename,repo/.git/config.lock,repo/.git/config"},
		{"no longer there", "rename,1/2/3/4/5/6/.git/config.lock,1/2/3/4/5/6/.git/config", "EACCES", ""},
		{"a changed configuration", "rename,.git/config.lock,.git/config", "EBUSY", ""},
		{"of another mode", "rename,repo/.git/HEAD,repo/.git/config", "EBUSY", ""},
		{"rename the repository there", "rename,1/2/3/4/5/6/.git,l", "EACCES", ""},
		{"where nothing is looked for", "write,node_modules/p/.vscode/s", "EACCES", ""},
		{"create there", "touch,node_modules/p/.vscode/t", "EACCES", "touch,node_modules/p/t"},

		{"a file for .git", "touch,sub/.git", "EACCES", "mkdir,node_modules/.git,0755"},
		{"its short name", "touch,sub/GIT~1", "EACCES", "touch,sub/GIT~2"},
		{"what cannot be seen", "touch,sub/.env\u034frc", "EACCES", "touch,sub/.env\u0301rc"},
		{"letters that are one", "touch,.git/con\ufb01g.worktree", "EACCES", "touch,.git/con\ufb02g.worktree"},
		{"a wide dot", "symlink,f,sub/\uff0eenvrc", "EACCES", "symlink,f,sub/\uff0eenv"},
		{"a link for .git", "symlink,/tmp,sub/.git", "EACCES", "symlink,/tmp,sub/git"},
		{"a file moved to .git", "rename,f,sub/.git", "EACCES", "rename,aaaaaa,sub/a"},
		{"a submodule's .git", "write,subm/.git", "EROFS", "read,subm/.git"},
		{"move it", "rename,subm/.git,subm/g", "EBUSY", ""},
		{"a submodule's configuration", "write,.git/modules/m/config", "EROFS", "touch,.git/modules/m/index"},
		{"a submodule's hooks", "touch,.git/modules/m/hooks/n", "EROFS", "read,.git/modules/m/hooks/h"},
		{"a submodule's commondir", "touch,.git/modules/m/commondir", "EACCES", "mkdir,.git/modules/n,0755"},
		{"a new submodule", "mkdir,.git/modules/n/hooks,0755", "ok", "touch,.git/modules/n/config"},
		{"directory of hooks", "touch,myhooks/n", "EROFS", "read,myhooks/h"},
		{"move it ", "rename,myhooks,m2", "EBUSY", ""},
		{"what git includes", "touch,included", "EACCES", "touch,included2"},
		{"hooks of a bare repository", "mkdir,bare/hooks,0755", "EACCES", "mkdir,bare/objects/ab,0755"},
		{"its configuration", "write,bare/config", "EROFS", "touch,bare/packed-refs"},
		{"its commondir", "touch,bare/commondir", "EACCES", "touch,bare/refs/r2"},
		{"move it  ", "rename,bare,bare3", "EBUSY", ""},
		{"a hook in a bare repository", "touch,bare2/hooks/n", "EROFS", "read,bare2/hooks/h"},
		{"configuration of one without", "touch,bare2/config", "EACCES", "touch,bare2/refs/config"},
		{"a new directory", "mkdir,new,0755", "ok", "touch,new/.envrc"},
		{"prepared", "mkdir,g,0755", "ok", ""},
		{"with hooks", "mkdir,g/hooks,0755", "ok", ""},
		{"moved into place", "rename,g,sub/.git", "EACCES", "rename,g,sub/g"},
	})
	// A directory of the session's own may have the names, and keep them.
	rr.attacks(dir, []attack{
		{"out of a new directory", "rename,@/w/new/.envrc,@/w/.envrc", "EACCES", "rename,@/w/new,@/w/new2"},
		{"again", "write,@/w/new2/.envrc", "ok", "mkdir,@/w/new2/.git,0755"},
		{"its hooks", "mkdir,@/w/new2/.git/hooks,0755", "ok", "touch,@/w/new2/.git/config"},
		{"into place", "rename,@/w/new2/.git/hooks,@/w/.git/hooks", "EACCES", ""},
	})
	for _, f := range []string{".envrc", ".ENVRC", ".vscode", ".git/hooks", "sub/.envrc", "sub/.git"} {
		if _, err := os.Lstat(dir + "/w/" + f); err == nil {
			t.Error("came to be:", f)
		}
	}
}

// The user's own configuration may tell git to look for hooks elsewhere, in
// every repository.
func TestAttackHooksOfTheUser(t *testing.T) {
	dir := attackTree(t)
	home := outside(t)
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home+"/xdg")
	write(t, home+"/dotfiles/gitconfig", "[core]\n\thooksPath = dev/hooks\n")
	must(t, os.Symlink("dotfiles/gitconfig", home+"/.gitconfig"))
	write(t, home+"/xdg/git/config", "[core]\n\thooksPath = "+dir+"/w/shared\n")
	write(t, home+"/.config/git/config", "[core]\n\thooksPath = /dev/null\n")
	write(t, dir+"/w/repo/dev/hooks/h", "x")
	p := attackPolicy(dir)
	p.Home = home
	inside(t, p).attacks(dir, []attack{
		{"create", "mkdir,@/w/shared,0755", "EACCES", "mkdir,@/w/share,0755"},
		{"directory", "mkdir,@/w/dev,0755", "ok", "touch,@/w/dev/f"},
		{"of the repository", "mkdir,@/w/dev/hooks,0755", "EACCES", "mkdir,@/w/dev/hook,0755"},
		{"that exist", "touch,@/w/repo/dev/hooks/n", "EROFS", "read,@/w/repo/dev/hooks/h"},
		{"rename", "rename,@/w/repo/dev,@/w/repo/d", "EBUSY", "write,/dev/null"},
	})
}

// Two threads, or two processes, cannot make the wall look at one path and
// the kernel at another.
func TestAttackProtectedNamesByRace(t *testing.T) {
	dir := attackTree(t)
	rr := inside(t, attackPolicy(dir))
	rr.attacks(dir, []attack{
		{"to the tree", "chdir,@/w", "ok", ""},
		{"memory", "race-memory,aaaaaa,.envrc", "EACCES", ""},
		{"memory, outside", "race-memory,/dev/null,@/w/.envrc", "EACCES", ""},
		{"link", "race-link,@/w/flip,@/w/new,@/w/.envrc", "EACCES", ""},
	})
	if _, err := os.Lstat(dir + "/w/.envrc"); err == nil {
		t.Error("came to be")
	}
}

// Nor can processes under two policies, whom two threads of the keeper serve.
func TestAttackDeniedNamesByRaceOfViews(t *testing.T) {
	dir := attackTree(t)
	p, q := attackPolicy(dir), attackPolicy(dir)
	q.Filesystem.DenyWrite = append(q.Filesystem.DenyWrite, paths("/usr")...)
	s := newTestSession(t, p)
	rr, other := newRawRunner(t, s, p), newRawRunner(t, s, q)
	other.attacks(dir, []attack{
		{"directories", "mkdir,@/w/not,0755", "ok", "mkdir,@/w/not/other,0755"},
		{"move one", "rename,@/w/not/other,@/w/not/there", "ok", "rename,@/w/not/there,@/w/not/other"},
		{"denied", "touch,@/w/not/there/yet", "ENOENT", "touch,@/w/not/other/n"},
	})
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	must(t, err)
	defer null.Close()
	other.send([]string{Marker + "/fsh", "flip," + dir + "/w/not/other," + dir + "/w/not/there"}, null)
	rr.checkAll(check{"race-dirs," + dir + "/w/not/other," + dir + "/w/not/there,yet", "EACCES"})
}

// Neither can what waits, or is no file, nor a process that has a Landlock
// domain of its own.
func TestAttackProtectedNamesByRaceOfOthers(t *testing.T) {
	dir := attackTree(t)
	rr := inside(t, attackPolicy(dir))
	rr.attacks(dir, []attack{
		{"to the tree", "chdir,@/w", "ok", "mkfifo,@/w/p"},
		{"fifo", "race-memory,p,.envrc", "EACCES", "rdwr,@/w/p"},
		{"terminal", "race-memory,/dev/ptmx,@/w/.envrc", "EACCES", "rdwr,/dev/ptmx"},
		{"no terminal", "race-memory,/dev/tty,@/w/.envrc", "EACCES", ""},
		{"own domain", "stack-wide", "ok", "touch,@/w/stacked"},
		{"memory", "race-memory,aaaaaa,.envrc", "EACCES", "mkdir,@/w/made,0755"},
		{"fifo in a domain", "race-memory,p,.envrc", "EACCES", "rdwr,@/w/p"},
		{"link", "race-link,@/w/flip,@/w/new,@/w/.envrc", "EACCES", "touch,@/w/made/.envrc"},
		{"a second domain", "stack", "ok", "read,@/w/f"},
		{"in both", "touch,@/w/n", "EACCES", ""},
		{"race in both", "race-memory,aaaaaa,.envrc", "EACCES", ""},
		{"lower the mark", "real-time-limit,1000", "EPERM", "limit-processes,1000"},
	})
	if _, err := os.Lstat(dir + "/w/.envrc"); err == nil {
		t.Error("came to be")
	}
}
