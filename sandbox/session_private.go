package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// privateStore is the directory that holds this project's private_write
// trees, locked for the life of the session.
type privateStore struct {
	dir  string
	lock *os.File
	// throwAway says that another session of the project has the directory,
	// or that there is none to be had: the private trees are in memory.
	throwAway bool
}

func (p *privateStore) close() {
	if p != nil && p.lock != nil {
		p.lock.Close()
	}
}

// Names in a project's directory.
const (
	privateLock    = "lock"    // locked while in use; its time is that of the last use
	privateProject = "project" // the path of the project
)

// privateDirs gives a directory for each private_write entry. The zero value,
// for a session that may not use the project's, means memory.
func (s *Session) privateDirs(p *policy.Policy) map[string]string {
	if len(p.Filesystem.PrivateWrite) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.private == nil {
		s.private = s.openStore(p.Home)
	}
	dirs := map[string]string{}
	if s.private.throwAway {
		return dirs
	}
	for _, r := range p.Filesystem.PrivateWrite {
		dir := filepath.Join(s.private.dir, privateName(r.Pattern))
		if os.MkdirAll(dir, 0o700) == nil {
			dirs[r.Pattern] = dir
		}
	}
	return dirs
}

// openStore opens the project's directory. Caches are a convenience: where
// they cannot be kept (a read-only home, a full disk, another user's
// directory) the session has them in memory and says so.
func (s *Session) openStore(home string) *privateStore {
	state := stateDir(home)
	var store *privateStore
	st, err := os.Stat(home)
	switch {
	case err == nil && st.IsDir(), !below(state, filepath.Clean(home)):
		store, err = openPrivateStore(state, s.cfg.Dir)
	case err == nil: // fsh makes its own directory, not somebody's home
		err = &os.PathError{Op: "use", Path: home, Err: unix.ENOTDIR}
	}
	if err != nil {
		s.emit(events.Event{Kind: events.Warning, Message: "caches are not kept: " + err.Error()})
		return &privateStore{throwAway: true}
	}
	if !store.throwAway {
		go expirePrivate(filepath.Join(state, "private"), time.Now())
	}
	return store
}

// privateName is a readable file name for a path, different for different
// paths.
func privateName(path string) string {
	sum := sha256.Sum256([]byte(path))
	base := strings.Trim(strings.ReplaceAll(path, "/", "-"), "-")
	if len(base) > 60 {
		base = base[len(base)-60:]
	}
	return base + "-" + hex.EncodeToString(sum[:4])
}

func openPrivateStore(state, project string) (*privateStore, error) {
	dir := filepath.Join(state, "private", privateName(project))
	for {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		if err := ownDirectory(dir); err != nil {
			return nil, err
		}
		lock, gone, err := lockStore(dir)
		switch {
		case gone:
			continue // expired just now
		case errors.Is(err, unix.EWOULDBLOCK):
			return &privateStore{throwAway: true}, nil
		case err != nil:
			return nil, err
		}
		if err := markStore(dir, project, lock); err != nil {
			lock.Close()
			return nil, err
		}
		return &privateStore{dir: dir, lock: lock}, nil
	}
}

// markEvery is how exactly the last use of a store is known.
const markEvery = time.Hour

// markStore notes what project a store is for, and when it was used. It writes only
// what is not there yet: on a busy disk a session would wait for it, 10 ms were seen.
func markStore(dir, project string, lock *os.File) error {
	if st, err := lock.Stat(); err != nil || time.Since(st.ModTime()).Abs() > markEvery {
		now := time.Now()
		_ = os.Chtimes(lock.Name(), now, now)
	}
	path := filepath.Join(dir, privateProject)
	if text, err := os.ReadFile(path); err == nil && string(text) == project {
		return nil
	}
	return os.WriteFile(path, []byte(project), 0o600)
}

// lockStore takes a project's lock. gone says that the directory was removed
// before the lock was had.
func lockStore(dir string) (lock *os.File, gone bool, err error) {
	path := filepath.Join(dir, privateLock)
	lock, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		return nil, false, err
	}
	ours, err1 := lock.Stat()
	there, err2 := os.Lstat(path)
	if err1 != nil || err2 != nil || !os.SameFile(ours, there) {
		lock.Close()
		return nil, true, nil
	}
	return lock, false, nil
}

// ownDirectory refuses a directory that another user made or may write.
func ownDirectory(dir string) error {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return &os.PathError{Op: "use", Path: dir, Err: unix.EPERM}
	}
	return nil
}
