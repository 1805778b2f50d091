package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Limits of what private_write keeps on disk for all projects of a user.
// They are looked at by the first session of a day, besides its work.
const (
	privateExpiry = 60 * 24 * time.Hour
	privateMax    = 20 << 30
	privateEvery  = 24 * time.Hour
	privateStamp  = "expired" // its time says when it was last done
	privateTrash  = ".trash-"
)

// Cache is what a project has in its private places.
type Cache struct {
	Dir     string    `json:"dir"`
	Project string    `json:"project"`
	Size    int64     `json:"size"`
	Used    time.Time `json:"used"`
	InUse   bool      `json:"in_use"`
}

// CacheDir is where the private places of a user's projects are; "" without
// a home.
func CacheDir(home string) string {
	if state := stateDir(home); state != "" {
		return filepath.Join(state, "private")
	}
	return ""
}

// ListCaches gives the projects' private places, those used last first.
func ListCaches(store string) ([]Cache, error) {
	entries, err := os.ReadDir(store)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Cache
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), privateTrash) {
			continue
		}
		c := Cache{Dir: filepath.Join(store, e.Name())}
		if text, err := os.ReadFile(filepath.Join(c.Dir, privateProject)); err == nil {
			c.Project = string(text)
		}
		if st, err := os.Lstat(filepath.Join(c.Dir, privateLock)); err == nil {
			c.Used = st.ModTime()
		}
		lock, gone, err := lockStore(c.Dir)
		c.InUse = errors.Is(err, unix.EWOULDBLOCK)
		if lock != nil {
			lock.Close()
		}
		if c.Size = treeSize(c.Dir); !gone {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b Cache) int { return b.Used.Compare(a.Used) })
	return list, nil
}

// treeSize is the space that a tree takes on disk.
func treeSize(dir string) int64 {
	var size int64
	_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		var st unix.Stat_t
		if err == nil && unix.Lstat(path, &st) == nil {
			size += st.Blocks * 512
		}
		return nil
	})
	return size
}

// ErrInUse says that a session uses a private place.
var ErrInUse = errors.New("a session uses it")

// ClearCache removes a project's private places, unless a session uses them.
func ClearCache(dir string) error {
	lock, gone, err := lockStore(dir)
	switch {
	case gone:
		return nil
	case errors.Is(err, unix.EWOULDBLOCK):
		return ErrInUse
	case err != nil:
		return err
	}
	defer lock.Close()
	// Out of the way first: nobody must find half of it.
	trash, err := os.MkdirTemp(filepath.Dir(dir), privateTrash)
	if err != nil {
		return err
	}
	if err := os.Rename(dir, filepath.Join(trash, "x")); err != nil {
		os.Remove(trash)
		return err
	}
	return removeTree(trash)
}

// expirePrivate removes what was not used for long, then what was used
// longest ago until the rest is small enough.
func expirePrivate(store string, now time.Time) {
	stamp := filepath.Join(store, privateStamp)
	if st, err := os.Lstat(stamp); err == nil && now.Sub(st.ModTime()) < privateEvery {
		return
	}
	if os.WriteFile(stamp, nil, 0o600) != nil || os.Chtimes(stamp, now, now) != nil {
		return
	}
	if trash, err := filepath.Glob(filepath.Join(store, privateTrash+"*")); err == nil {
		for _, dir := range trash {
			_ = removeTree(dir)
		}
	}
	list, err := ListCaches(store)
	if err != nil {
		return
	}
	var total int64
	for _, c := range list { // the last used first
		total += c.Size
		if now.Sub(c.Used) > privateExpiry || total > privateMax {
			if ClearCache(c.Dir) == nil {
				total -= c.Size
			}
		}
	}
}
