package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/policy"
)

// privateStore is the directory that holds this project's private_write
// trees, locked for the life of the session.
type privateStore struct {
	dir  string
	lock *os.File
	// throwAway says that another session of the project has the directory:
	// this one's private trees are in memory.
	throwAway bool
}

func (p *privateStore) close() {
	if p != nil && p.lock != nil {
		p.lock.Close()
	}
}

// privateDirs gives a directory for each private_write entry. The zero value,
// for a session that may not use the project's, means memory.
func (s *Session) privateDirs(p *policy.Policy) (map[string]string, error) {
	if len(p.Filesystem.PrivateWrite) == 0 {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.private == nil {
		store, err := openPrivateStore(stateDir(p.Home), s.cfg.Dir)
		if err != nil {
			return nil, &SetupError{Layer: "private directories", Err: err, Hint: "make the state directory writable"}
		}
		s.private = store
	}
	dirs := map[string]string{}
	if s.private.throwAway {
		return dirs, nil
	}
	for _, r := range p.Filesystem.PrivateWrite {
		dir := filepath.Join(s.private.dir, privateName(r.Pattern))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		dirs[r.Pattern] = dir
	}
	return dirs, nil
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
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := ownDirectory(dir); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		return &privateStore{throwAway: true}, nil
	}
	return &privateStore{dir: dir, lock: lock}, nil
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
