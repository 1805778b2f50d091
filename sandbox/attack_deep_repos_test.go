package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// deepTree has repositories where nothing is looked for, and what only looks like
// them.
func deepTree(t *testing.T) (dir, deep string) {
	t.Helper()
	dir = attackTree(t)
	deep = dir + "/w/1/2/3/4/5/6"
	for _, f := range []string{
		"b/HEAD", "b/config", "b/refs/r", "b/objects/pack/p", "b/worktrees/x/HEAD", "b/worktrees/x/gitdir",
		"loose/HEAD", "loose/refs/r", "loose/objects/ab/c", "away/HEAD", "away/refs/r", "away/objects/info/x",
		"p/objects/thing", "p/src/f", "empty/f", ".git/modules/m/objects/pack/p", ".git/modules/m/config", ".git/worktrees/x/gitdir", "sub/.git",
	} {
		write(t, deep+"/"+f, "x")
	}
	return dir, deep
}

// TestAttackDeepRepositories: what git takes orders from is protected at any depth,
// in repositories that have no name to be known by as well.
func TestAttackDeepRepositories(t *testing.T) {
	dir, deep := deepTree(t)
	rr := inside(t, attackPolicy(dir))
	rr.attacks(deep, []attack{
		{"configuration", "write,@/b/config", "EACCES", "write,@/b/HEAD"},
		{"cut it", "truncate,@/b/config", "EACCES", "read,@/b/config"},
		{"hooks", "mkdir,@/b/hooks,0755", "EACCES", "mkdir,@/b/refs/hooks,0755"},
		{"commondir", "touch,@/b/commondir", "EACCES", "touch,@/b/packed-refs"},
		{"in other case", "touch,@/b/COMMONDIR", "EACCES", ""},
		{"by a link", "symlink,b,@/tob", "ok", "symlink,p,@/top"},
		{"by a link ", "touch,@/tob/commondir", "EACCES", "touch,@/top/commondir"},
		{"hard link", "link,@/b/HEAD,@/b/commondir", "EACCES", "link,@/b/HEAD,@/b/HEAD.2"},
		{"over it", "rename,@/b/HEAD.2,@/b/config", "EACCES", "rename,@/b/HEAD.2,@/b/HEAD"},
		{"away", "rename,@/b/config,@/c", "EACCES", "rename,@/b/packed-refs,@/c"},
		{"a directory", "mkdir,@/h,0755", "ok", "touch,@/h/post-receive"},
		{"for hooks", "rename,@/h,@/b/hooks", "EACCES", "rename,@/h,@/h2"},
		{"a worktree's", "touch,@/b/worktrees/x/gitdir", "EACCES", "touch,@/b/worktrees/x/index"},
		{"a new worktree", "mkdir,@/b/worktrees/n,0755", "ok", "touch,@/b/worktrees/n/commondir"},
		{"without HEAD", "unlink,@/loose/HEAD", "ok", ""},
		{"then hooks", "mkdir,@/loose/hooks,0755", "EACCES", "mkdir,@/loose/hooks2,0755"},
		{"then configuration", "touch,@/loose/config", "EACCES", "touch,@/loose/HEAD"},
		{"without objects", "rename,@/away/objects,@/o", "EACCES", "rename,@/away/refs/r,@/away/refs/s"},
		{"without those of a kind", "rename,@/away/objects/info,@/o", "EACCES", "rename,@/away/objects/info/x,@/away/objects/info/y"},
		{"exchanged", "mkdir,@/o,0755", "ok", "touch,@/o/f"},
		{"for an own directory", "swap,@/o,@/away/objects", "EACCES", "swap,@/o,@/h2"},
		{"a name between", "rename,@/away,@/away2", "ok", "rename,@/away2,@/away3"},
		{"is the same", "touch,@/away3/config", "EACCES", "touch,@/away3/description"},
		{"a submodule's", "touch,@/.git/modules/m/config", "EACCES", "touch,@/.git/modules/m/index"},
		{"a worktree's ", "touch,@/.git/worktrees/x/commondir", "EACCES", "touch,@/.git/worktrees/x/index"},
		{"a link to a repository", "write,@/sub/.git", "EACCES", "touch,@/sub/git"},
		// What is no repository, or the session's own, is free.
		{"own", "mkdir,@/own,0755", "ok", "mkdir,@/own/objects,0755"},
		{"own ", "mkdir,@/own/objects/pack,0755", "ok", "touch,@/own/config"},
		{"own  ", "mkdir,@/own/hooks,0755", "ok", "rename,@/own/objects,@/own/o"},
		{"objects of another kind", "mkdir,@/p/hooks,0755", "ok", "touch,@/p/config"},
		{"a source file", "touch,@/p/src/config", "ok", "rename,@/p/objects,@/p/o"},
	})
	if _, err := exec.LookPath("git"); err != nil {
		return
	}
	if out, status := rr.sh("cd " + deep + "/empty && rm f && git init -q --bare . && git config core.x y && cd .. && mkdir n && cd n && git init -q && " +
		"git -c user.name=a -c user.email=b commit -q --allow-empty -m x && git push -q ../empty HEAD:refs/heads/m && git clone -q --bare ../empty ../copy && git -C ../copy log --format=%s m"); out != "x" || status != 0 {
		t.Errorf("git: %d %s", status, out)
	}
}

// TestLargeTrees: the look for repositories is bounded, so that a session in a
// large tree starts, and what is behind the bound is protected by its name.
func TestLargeTrees(t *testing.T) {
	dir := attackTree(t)
	dirs := 2 * repoDirs
	if os.Getenv("FSH_TEST_DIRS") != "" {
		_, err := fmt.Sscan(os.Getenv("FSH_TEST_DIRS"), &dirs)
		must(t, err)
	}
	last := ""
	for i := range dirs {
		last = fmt.Sprintf("%s/w/many/%02d/%03d", dir, i%50, i/50)
		must(t, os.MkdirAll(last, 0o755))
	}
	write(t, last+"/.git/config", "x")
	write(t, last+"/b/objects/pack/p", "x")
	p := attackPolicy(dir)
	p.Filesystem.DenyRead = p.Filesystem.DenyRead[:3] // a pattern is looked for everywhere
	began := time.Now()
	rr := inside(t, p)
	rr.check(check{"read,/etc/passwd", "ok"})
	t.Logf("%d directories: a session's first command after %v", dirs, time.Since(began))
	rr.attacks(last, []attack{
		{"configuration", "write,@/.git/config", "EACCES", "touch,@/.git/index"},
		{"hooks", "mkdir,@/.git/hooks,0755", "EACCES", "mkdir,@/hooks,0755"},
		{"of a bare one", "touch,@/b/config", "EACCES", "touch,@/b/HEAD"},
		{"its place", "rename,@/.git,@/git", "EACCES", "rename,@/hooks,@/h"},
	})
	began = time.Now()
	rr.check(check{"touch-many," + last + ",2000", "ok"}, check{"touch-many," + last + "/b/refs,2000", "ok"})
	t.Logf("a file is made in %v", time.Since(began)/4000)
}

func init() {
	probes["touch-many"] = func(a []string) error {
		_ = os.Mkdir(a[0], 0o755)
		for i := range number(a[1]) {
			f, err := os.OpenFile(fmt.Sprintf("%s/f%d", a[0], i), os.O_CREATE|os.O_WRONLY, 0o644)
			if err != nil {
				return err
			}
			f.Close()
		}
		return nil
	}
}
