package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// TrustStore is the file in which the user's agreements are kept. It lies in
// fsh's state directory, which no sandbox shows.
type TrustStore struct{ dir string }

// Agreement is a file that the user agreed to as it was.
type Agreement struct {
	Path   string    `json:"path"`   // canonical
	SHA256 string    `json:"sha256"` // of the whole file
	Since  time.Time `json:"since"`
	// For is the project file or script that was agreed to, when this one is
	// extended by it.
	For string `json:"for,omitempty"`
}

// NewTrustStore is the store of a user: in stateHome, or below home. Without
// both it is nil, which trusts nothing.
func NewTrustStore(home, stateHome string) *TrustStore {
	switch {
	case filepath.IsAbs(stateHome):
		return &TrustStore{filepath.Join(stateHome, "fsh")}
	case filepath.IsAbs(home):
		return &TrustStore{filepath.Join(home, ".local/state/fsh")}
	}
	return nil
}

const (
	trustFile = "trust.json"
	trustLock = "trust.lock"
	maxTrust  = 4 << 20
)

type trustList struct {
	Version    int         `json:"version"`
	Agreements []Agreement `json:"agreements"`
}

// Trusted implements Options.Trusted for the list as it is now. A store that
// somebody else could have written is an error and trusts nothing.
func (s *TrustStore) Trusted() (func(path string, sum []byte) bool, error) {
	list, err := s.List()
	if err != nil {
		return func(string, []byte) bool { return false }, err
	}
	return func(path string, sum []byte) bool {
		canonical, err := CanonicalFile(path)
		if err != nil {
			return false
		}
		text := hex.EncodeToString(sum)
		return slices.ContainsFunc(list, func(a Agreement) bool { return a.Path == canonical && a.SHA256 == text })
	}, nil
}

// CanonicalFile is the path of a file with the links above it followed. Its
// own name stays: a link is not the file that was agreed to.
func CanonicalFile(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, filepath.Base(abs)), nil
}

// FileSum is the sha256 of a regular file.
func FileSum(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// Stamp changes when the list does.
func (s *TrustStore) Stamp() string {
	if s == nil {
		return ""
	}
	info, err := os.Lstat(filepath.Join(s.dir, trustFile))
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.ModTime().UnixNano(), info.Size())
}

// List is all agreements. An absent store has none.
func (s *TrustStore) List() ([]Agreement, error) {
	if s == nil {
		return nil, nil
	}
	if err := s.checkDir(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	return s.read()
}

func (s *TrustStore) bad(name string, cause error, msg, hint string) *Error {
	return &Error{File: filepath.Join(s.dir, name), Msg: msg, Hint: hint, Err: cause}
}

// checkDir refuses a directory in which others could put a store.
func (s *TrustStore) checkDir() error {
	info, err := os.Lstat(s.dir)
	if err != nil {
		return s.bad("", err, "cannot read it: "+cause(err), "")
	}
	if !info.IsDir() {
		return s.bad("", syscall.ENOTDIR, "is not a directory", "remove it")
	}
	return s.checkOwner("", info)
}

func (s *TrustStore) checkOwner(name string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) != os.Geteuid() {
		return s.bad(name, errForeign, fmt.Sprintf("owned by user %d: nothing is trusted", st.Uid), "it must belong to you")
	}
	if info.Mode().Perm()&0o022 != 0 {
		return s.bad(name, errShared, "writable by others: nothing is trusted", "chmod go-w "+shellQuote(filepath.Join(s.dir, name)))
	}
	return nil
}

func (s *TrustStore) read() ([]Agreement, error) {
	f, err := os.OpenFile(filepath.Join(s.dir, trustFile), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, s.bad(trustFile, err, "cannot read it: "+cause(err), "")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, s.bad(trustFile, err, "cannot read it: "+cause(err), "")
	}
	if !info.Mode().IsRegular() || info.Size() > maxTrust {
		return nil, s.bad(trustFile, syscall.EINVAL, "is no list of agreements", "remove it, and trust again")
	}
	if err := s.checkOwner(trustFile, info); err != nil {
		return nil, err
	}
	var list trustList
	if err := json.NewDecoder(io.LimitReader(f, maxTrust)).Decode(&list); err != nil || list.Version != 1 {
		return nil, s.bad(trustFile, err, "is no list of agreements of version 1", "remove it, and trust again")
	}
	return list.Agreements, nil
}

// Change replaces the list by what edit makes of it. Two fsh that do so at
// once do it one after the other, and a reader sees the old or the new list.
func (s *TrustStore) Change(edit func([]Agreement) []Agreement) error {
	if s == nil {
		return &Error{Msg: "no place to remember trust", Hint: "set HOME"}
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return s.bad("", err, "cannot make it: "+cause(err), "")
	}
	if err := s.checkDir(); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(s.dir, trustLock), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return s.bad(trustLock, err, "cannot lock it: "+cause(err), "")
	}
	defer lock.Close() // and unlock
	for {
		if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		return s.bad(trustLock, err, "cannot lock it: "+err.Error(), "")
	}
	list, err := s.read()
	if err != nil {
		return err
	}
	return s.replace(trustList{1, edit(list)})
}

func (s *TrustStore) replace(list trustList) error {
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, trustFile+".*") // mode 0600
	if err != nil {
		return s.bad(trustFile, err, "cannot write it: "+cause(err), "")
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.dir, trustFile))
	}
	if err != nil {
		os.Remove(f.Name())
		return s.bad(trustFile, err, "cannot write it: "+cause(err), "")
	}
	return nil
}

// cause is an error without the path, which is said apart.
func cause(err error) string {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

// Request is what a file would get if the user agreed to it.
type Request struct {
	File          string // canonical
	Files         []Agreement
	Before, After *Policy
}

// Ask finds out what trusting a project file or a script means: which files
// must be agreed to, and the policies without and with that. The options are
// those of a run, with the script in Script or without one.
func Ask(o Options, file string) (*Request, error) {
	canonical, err := CanonicalFile(file)
	if err != nil {
		return nil, &Error{File: file, Msg: "cannot read it: " + cause(err), Err: err}
	}
	r := &Request{File: canonical}
	known := o.Trusted
	if known == nil {
		known = func(string, []byte) bool { return false }
	}
	o.Trusted = func(path string, sum []byte) bool {
		p, err := CanonicalFile(path)
		return err == nil && p != canonical && known(path, sum)
	}
	if r.Before, _, err = Load(o); err != nil {
		return nil, err
	}
	o.Trusted = func(path string, sum []byte) bool {
		p, err := CanonicalFile(path)
		if err != nil {
			return false
		}
		if p != canonical && (known(path, sum) || filepath.Base(p) == ProjectFile) {
			return known(path, sum) // of a directory above, for example
		}
		a := Agreement{Path: p, SHA256: hex.EncodeToString(sum), Since: time.Now().UTC().Truncate(time.Second)}
		if p != canonical {
			a.For = canonical
		}
		r.Files = append(r.Files, a)
		return true
	}
	if r.After, _, err = Load(o); err != nil {
		return nil, err
	}
	return r, nil
}

// Changes are the rights that agreeing gives and takes.
func (r *Request) Changes() []Change {
	var list []Change
	for _, c := range Difference(r.Before, r.After) {
		if !strings.HasPrefix(c.Text, "not write "+r.File) {
			list = append(list, c)
		}
	}
	return list
}

// Agree remembers the request's files, in place of what was agreed to before.
func (s *TrustStore) Agree(r *Request) error {
	return s.Change(func(list []Agreement) []Agreement {
		list = slices.DeleteFunc(list, func(a Agreement) bool {
			return a.For == r.File || slices.ContainsFunc(r.Files, func(n Agreement) bool { return n.Path == a.Path })
		})
		return append(list, r.Files...)
	})
}

// Forget removes a file, and those that were agreed to with it. It tells
// whether there was one.
func (s *TrustStore) Forget(path string) (found bool, err error) {
	err = s.Change(func(list []Agreement) []Agreement {
		return slices.DeleteFunc(list, func(a Agreement) bool {
			gone := a.Path == path || a.For == path
			found = found || gone
			return gone
		})
	})
	return found, err
}
