package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Quarantined is something that was taken out of the user's tree.
type Quarantined struct {
	ID     string    `json:"-"`
	Path   string    `json:"path"` // where it was
	Time   time.Time `json:"time"`
	Reason string    `json:"reason"`
}

// Names in an entry of the store.
const (
	quarantineInfo = "info.json"
	quarantineItem = "item"
)

// QuarantineDir is the store of a user; "" without a home.
func QuarantineDir(home string) string {
	if state := stateDir(home); state != "" {
		return filepath.Join(state, "quarantine")
	}
	return ""
}

// moveAway puts a path into a new entry of the store and gives its number.
func moveAway(store, path, reason string) (id string, err error) {
	if err := os.MkdirAll(store, 0o700); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(store, time.Now().UTC().Format("20060102-150405-"))
	if err != nil {
		return "", err
	}
	info, err := json.Marshal(Quarantined{Path: path, Time: time.Now(), Reason: reason})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, quarantineInfo), info, 0o600)
	}
	if err == nil {
		err = moveFile(path, filepath.Join(dir, quarantineItem))
	}
	if err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return filepath.Base(dir), nil
}

// moveFile renames, or copies and removes where that is another file system.
// It never replaces.
func moveFile(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if !errors.Is(err, unix.EXDEV) && !errors.Is(err, unix.EINVAL) {
		return err
	}
	st, err := os.Lstat(from)
	switch {
	case err != nil:
		return err
	case st.Mode().IsRegular():
		err = copyFile(from, to, st.Mode().Perm())
	case st.IsDir():
		err = os.CopyFS(to, os.DirFS(from))
	case st.Mode()&fs.ModeSymlink != 0:
		var text string
		if text, err = os.Readlink(from); err == nil {
			err = os.Symlink(text, to)
		}
	default:
		return &os.PathError{Op: "move", Path: from, Err: unix.EXDEV}
	}
	if err != nil {
		os.RemoveAll(to)
		return err
	}
	return os.RemoveAll(from)
}

func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// ListQuarantine gives what is in a store, oldest first.
func ListQuarantine(store string) ([]Quarantined, error) {
	entries, err := os.ReadDir(store)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Quarantined
	for _, e := range entries {
		if q, err := readQuarantine(store, e.Name()); err == nil {
			list = append(list, q)
		}
	}
	slices.SortStableFunc(list, func(a, b Quarantined) int { return a.Time.Compare(b.Time) })
	return list, nil
}

func readQuarantine(store, id string) (Quarantined, error) {
	q := Quarantined{ID: id}
	if id == "" || id == "." || id == ".." || strings.Contains(id, "/") {
		return q, fmt.Errorf("%q is no entry of the quarantine", id)
	}
	text, err := os.ReadFile(filepath.Join(store, id, quarantineInfo))
	if errors.Is(err, fs.ErrNotExist) {
		return q, fmt.Errorf("%q is no entry of the quarantine", id)
	}
	if err == nil {
		err = json.Unmarshal(text, &q)
	}
	return q, err
}

// QuarantinedItem is an entry and where its content is.
func QuarantinedItem(store, id string) (Quarantined, string, error) {
	q, err := readQuarantine(store, id)
	return q, filepath.Join(store, id, quarantineItem), err
}

// RestoreQuarantine puts an entry back, to where it was or another place, and
// never over something.
func RestoreQuarantine(store, id, to string) (string, error) {
	q, err := readQuarantine(store, id)
	if err != nil {
		return "", err
	}
	if to == "" {
		if to, err = whereItWas(q.Path); err != nil {
			return "", fmt.Errorf("restore %s: %w; --to=PATH puts it elsewhere", q.Path, err)
		}
	}
	if err := moveFile(filepath.Join(store, id, quarantineItem), to); err != nil {
		return "", fmt.Errorf("restore %s: %w", to, err)
	}
	return to, os.RemoveAll(filepath.Join(store, id))
}

// whereItWas is the path that something was taken from. It had no links then; one
// that the directory has become may have been made inside, to lead elsewhere.
func whereItWas(path string) (string, error) {
	dir, err := unix.Openat2(unix.AT_FDCWD, filepath.Dir(path), &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		return "", err
	}
	return path, unix.Close(dir)
}
