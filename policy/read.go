package policy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// Causes of the Error for a file that somebody else may have written.
var (
	errForeign = errors.New("owned by another user")
	errShared  = errors.New("writable by everybody")
)

// readFile reads a policy file. It never blocks on a fifo and follows a
// symbolic link only where the user chose the path. The owner must be root or
// the user, because who can write a policy can widen it.
func readFile(path string, follow bool) (string, *Error) {
	bad := func(err error, msg, hint string) (string, *Error) {
		return "", &Error{File: path, Msg: msg, Hint: hint, Err: err}
	}
	flags := os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_NOCTTY | syscall.O_CLOEXEC
	if !follow {
		flags |= syscall.O_NOFOLLOW
	}
	f, err := os.OpenFile(path, flags, 0)
	if errors.Is(err, syscall.ELOOP) && !follow {
		return bad(err, "is a symbolic link", "put the policy itself there")
	}
	if _, there := os.Lstat(path); there == nil && errors.Is(err, fs.ErrNotExist) {
		return bad(syscall.ELOOP, "is a link to nothing", "remove it, or make the file")
	}
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return bad(err, "cannot read it: "+err.Error(), readHint(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return bad(err, "cannot read it: "+err.Error(), "")
	}
	switch {
	case info.IsDir():
		return bad(syscall.EISDIR, "is a directory", "name a file")
	case !info.Mode().IsRegular():
		return bad(syscall.EINVAL, "is not a regular file", "name a file")
	case info.Size() > maxFile:
		return bad(syscall.EFBIG, "larger than 1 MiB", "is this a policy?")
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid != 0 && int(st.Uid) != os.Geteuid() && !unknownRoot(st.Uid) {
		return bad(errForeign, fmt.Sprintf("owned by user %d", st.Uid), "a policy must belong to you or to root")
	}
	switch {
	case info.Mode().Perm()&0o002 != 0:
		return bad(errShared, "writable by everybody", "chmod o-w "+shellQuote(path))
	case follow && info.Mode().Perm()&0o020 != 0 && !ownGroup(st):
		// What comes with a project is believed by its sum alone.
		return bad(errShared, fmt.Sprintf("writable by group %d", st.Gid), "chmod g-w "+shellQuote(path))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return bad(err, "cannot read it: "+err.Error(), "")
	}
	return string(data), nil
}

// ownGroup tells whether a file's group is its owner's alone, as far as numbers
// tell: that of root, or the one that many systems make for each user.
func ownGroup(st *syscall.Stat_t) bool { return st.Gid == 0 || st.Gid == st.Uid }

// unknownRoot tells whether an owner may be root, which this user namespace
// has no number for: inside of a session, whose rules hold anyway.
func unknownRoot(uid uint32) bool {
	const overflow = 65534 // /proc/sys/kernel/overflowuid, as good as never changed
	if uid != overflow {
		return false
	}
	ids, err := os.ReadFile("/proc/self/uid_map") // inside, outside, count
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(ids)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "0" {
			return false
		}
	}
	return true
}

// readHint is what to do about a file that cannot be opened.
func readHint(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return "check the spelling; relative names start from the file that has them, or the working directory"
	case errors.Is(err, fs.ErrPermission):
		return "it must be yours to read"
	case errors.Is(err, syscall.ELOOP):
		return "its links lead in a circle: put the file itself there"
	}
	return "it must be a file that you can read"
}

func absent(err *Error) bool {
	return err != nil && (errors.Is(err.Err, fs.ErrNotExist) || errors.Is(err.Err, syscall.ENOTDIR))
}
