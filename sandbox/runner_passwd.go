package sandbox

import (
	"io"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxPasswd bounds what is read of a user database.
const maxPasswd = 4 << 20

// home looks up a home directory in /etc/passwd as the commands see it.
// Other sources of users (LDAP, NIS) are not asked.
func (r *runner) home(d *decoder) syscall.Errno {
	user := d.str()
	if !d.done() {
		return syscall.EPROTO
	}
	text, err := readSmall("/etc/passwd", maxPasswd)
	if err != nil {
		return errnoOf(err)
	}
	home, ok := passwdHome(text, user)
	if !ok {
		return syscall.ENOENT
	}
	r.reply.b = append(r.reply.b, home...)
	return 0
}

// passwdHome finds the sixth field of the first line for user: passwd(5).
func passwdHome(text, user string) (home string, ok bool) {
	if user == "" || strings.Contains(user, ":") {
		return "", false
	}
	for line := range strings.SplitSeq(text, "\n") {
		rest, found := strings.CutPrefix(line, user+":")
		if !found {
			continue
		}
		fields := strings.Split(rest, ":")
		if len(fields) < 5 || fields[4] == "" {
			return "", false
		}
		return fields[4], true
	}
	return "", false
}

// readSmall reads a regular file of at most limit bytes.
func readSmall(path string, limit int) (string, error) {
	fd, errno, blocks := openNow(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if blocks {
		return "", syscall.EINVAL
	}
	if errno != 0 {
		return "", errno
	}
	defer syscall.Close(fd)
	var b []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := readRetry(fd, buf)
		if err != nil {
			return "", err
		}
		if n == 0 {
			return string(b), nil
		}
		if b = append(b, buf[:n]...); len(b) > limit {
			return "", io.ErrShortBuffer
		}
	}
}
