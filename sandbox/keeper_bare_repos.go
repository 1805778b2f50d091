package sandbox

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A repository without a working tree has any name, so that no rule about names
// is about it. Those that are near are masked (mounts_git.go); others are known by
// what only they have when somebody is about to write what git takes orders from.
// That must not be taken away for a moment either: it is what the repository
// keeps, and to remove it for good is to make another repository, which is told
// at the end.

// bareOrder tells whether parts[i] is what git takes orders from in a repository of
// the user's without a working tree, or in a working tree's place there.
func (r *nameRules) bareOrder(path string, parts []string, i int) bool {
	if i < 2 || !slices.Contains(gitOrders, foldName(parts[i])) || !r.protectsGit(path) {
		return false
	}
	if r.isBare(parts[:i]) {
		return true
	}
	const worktree = 2 // worktrees/NAME
	at := i - worktree
	return at > 1 && foldName(parts[at]) == "worktrees" && !r.free(parts[:i]) && r.isBare(parts[:at])
}

// protectsGit tells whether the rules about git's files are about a path.
func (r *nameRules) protectsGit(path string) bool {
	names := r.first[".git"]
	return len(names) > 0 && !slices.ContainsFunc(names, func(n *protectedName) bool { return n.excepts(path) })
}

// isBare tells whether a directory has objects of git's that the session has not
// made. That of a repository with a working tree is known by its name.
func (r *nameRules) isBare(dir []string) bool {
	if foldName(dir[len(dir)-1]) == ".git" {
		return false
	}
	objects := append(slices.Clone(dir), "objects")
	return hasObjects(strings.Join(objects, "/")) && !r.free(objects)
}

// objectDirs are those of gitrepository-layout(5), the likeliest first.
var objectDirs = func() []string {
	names := []string{"pack", "info"}
	for i := range 256 {
		names = append(names, fmt.Sprintf("%02x", i))
	}
	return names
}()

// hasObjects asks for each name: a list of the directory could be made long. One
// that may not be asked for is taken to be there.
func hasObjects(dir string) bool {
	var st unix.Stat_t
	isDir := func(path string) bool {
		err := unix.Lstat(path, &st)
		return err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR || err != nil && !absent(err)
	}
	return isDir(dir) && slices.ContainsFunc(objectDirs, func(name string) bool { return isDir(dir + "/" + name) })
}

// holdsBare tells whether a directory of the user's is one by which such a
// repository is known.
func (r *nameRules) holdsBare(path string) bool {
	if !r.inOpen(path) || !r.protectsGit(path) {
		return false
	}
	if slices.Contains(objectDirs, filepath.Base(path)) {
		path = filepath.Dir(path)
	}
	return filepath.Base(path) == "objects" && foldName(filepath.Base(filepath.Dir(path))) != ".git" &&
		hasObjects(path) && !r.made.has(path)
}

// gitParts are the names that complete a directory of the user's, which may have
// had objects of another kind, to one that git takes orders from.
var gitParts = []string{"HEAD", "refs", "commondir"}

// isGitDir is what git itself asks about a directory (gitrepository-layout(5)).
func isGitDir(dir int) bool {
	has := func(name string) bool {
		return !absent(unix.Fstatat(dir, name, &unix.Stat_t{}, unix.AT_SYMLINK_NOFOLLOW))
	}
	return has("HEAD") && (has("objects") && has("refs") || has("commondir"))
}
