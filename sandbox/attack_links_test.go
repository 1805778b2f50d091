package sandbox

import (
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/policy"
)

// A link where a directory would be leads to a place that no rule is about, and
// the name that must not come to be is there already.
func TestAttackLinksOnTheWay(t *testing.T) {
	dir := attackTree(t)
	p := attackPolicy(dir)
	p.Filesystem.DenyRead = append(p.Filesystem.DenyRead, paths(dir+"/w/*/deep/x", dir+"/w/**/far/x")...)
	p.Filesystem.Protected = append(p.Filesystem.Protected, paths("dev/hooks")...)
	inside(t, p).attacks(dir, []attack{
		{"to the tree", "chdir,@/w", "ok", ""},
		{"the name elsewhere", "mkdir,evil,0755", "ok", "touch,evil/yet"},
		{"its directory elsewhere", "mkdir,evil/there,0755", "ok", "touch,evil/there/yet"},
		{"link", "symlink,evil,not", "EACCES", "symlink,evil,not2"},
		{"absolute", "symlink,@/w/evil,@/w/not", "EACCES", "symlink,@/w/evil,@/w/not3"},
		{"to nothing yet", "symlink,nothing,not", "EACCES", "symlink,nothing,not4"},
		{"to a file", "symlink,f,not", "EACCES", "symlink,f,not5"},
		{"by descriptor", "symlinkat,evil,@/w,not", "EACCES", "symlinkat,evil,@/w,not6"},
		{"renamed", "rename,not2,not", "EACCES", "rename,not2,not7"},
		{"a second name", "link,not3,not", "EACCES", "link,not3,not8"},
		{"exchanged", "mkdir,not,0755", "ok", ""},
		{"exchanged ", "swap,not3,not", "EACCES", "swap,not3,not4"},
		{"exchanged the other way", "swap,not,not3", "EACCES", ""},
		{"further in", "symlink,../evil/there,not/there", "EACCES", "symlink,../evil/there,not/here"},
		{"renamed further in", "rename,not/here,not/there", "EACCES", "rename,not/here,not/here2"},
		{"the directory of the session's goes", "rmdir,not", "ENOTEMPTY", "rename,not,gone"},
		{"prepared", "mkdir,new,0755", "ok", "symlink,../evil,new/there"},
		{"moved into place with a link in it", "rename,new,not", "EACCES", "rename,new,new2"},
		{"exchanged with one", "mkdir,not,0755", "ok", "rmdir,not"},
		{"on the way of a pattern", "symlink,../evil,sub/deep", "EACCES", "symlink,../evil,sub/deeper"},
		{"of one with two stars", "symlink,../evil,sub/far", "EACCES", "symlink,../evil,sub/farther"},
		{"a link matches a star", "symlink,evil,anything", "ok", ""},
		{"prepared for a pattern", "mkdir,p,0755", "ok", "mkdir,p/q,0755"},
		{"one component early", "symlink,../evil,p/q/deep", "ok", "symlink,../evil,p/q/de"},
		{"moved to match it", "rename,p/q,q", "EACCES", "rename,p/q/de,p/de"},
		{"on the way of a protected name", "symlink,evil,dev", "EACCES", "symlink,evil,device"},
		{"in a directory", "symlink,evil,sub/dev", "EACCES", "mkdir,sub/dev,0755"},
	})
}

// A pattern of a policy that is to be confined itself does not keep the keeper busy.
func TestAttackByPatternWithManyWays(t *testing.T) {
	p := policy.Path{Pattern: "/w/" + strings.Repeat("**/a/", 20) + "b", Glob: true}
	deep := "/w" + strings.Repeat("/a", 60)
	for path, want := range map[string]bool{deep: true, deep + "/c": false, "/w": true, "/v": false, "/w/x/a": true, deep + "/c/a": true} {
		if got := onTheWay(&p, path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
