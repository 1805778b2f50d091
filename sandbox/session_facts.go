package sandbox

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/policy"
)

// facts looks at user and machine for a plan.
func (s *Session) facts(p *policy.Policy) (Facts, error) {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return Facts{}, &SetupError{Layer: "proc", Err: err, Hint: "mount /proc"}
	}
	f := Facts{
		UID: os.Geteuid(), Script: absolute(s.cfg.Script, s.cfg.Dir), Dir: s.cfg.Dir, Binary: exe,
		TTY: controllingTTY(), Monitor: s.cfg.Monitor,
		OwnConfig: ownConfig(p.Home), OwnState: []string{stateDir(p.Home)},
	}
	if f.UID == 0 {
		f.Homes = homes("/etc/passwd")
	}
	f.Sockets = boundSockets("/proc/net/unix")
	f.Private, err = s.privateDirs(p)
	return f, err
}

func absolute(path, dir string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// stateDir is where fsh keeps what outlives a session (XDG base directories).
func stateDir(home string) string {
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "fsh")
	}
	return filepath.Join(home, ".local", "state", "fsh")
}

func ownConfig(home string) []string {
	dirs := []string{"/etc/fsh", filepath.Join(home, ".config", "fsh")}
	if d := os.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(d) {
		dirs = append(dirs, filepath.Join(d, "fsh"))
	}
	return dirs
}

// controllingTTY is the path of the terminal that the shell was started on.
func controllingTTY() string {
	for fd := range 3 {
		if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err != nil {
			continue
		}
		path, err := os.Readlink("/proc/self/fd/" + string(rune('0'+fd)))
		if err == nil && below(path, "/dev") {
			return path
		}
	}
	return ""
}

// homes lists the home directories in passwd(5).
func homes(passwd string) []string {
	f, err := os.Open(passwd)
	if err != nil {
		return nil
	}
	defer f.Close()
	var list []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		fields := strings.Split(sc.Text(), ":")
		if len(fields) != 7 || !filepath.IsAbs(fields[5]) {
			continue
		}
		home := filepath.Clean(fields[5])
		// Only real homes: many service users have /, /usr or /dev there.
		if strings.Count(home, "/") >= 2 || home == "/root" {
			list = append(list, home)
		}
	}
	return list
}

// boundSockets lists the paths in /proc/net/unix (proc(5)).
func boundSockets(table string) []string {
	f, err := os.Open(table)
	if err != nil {
		return nil
	}
	defer f.Close()
	seen := map[string]bool{}
	var list []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		_, path, ok := strings.Cut(sc.Text(), " /")
		if path = "/" + path; ok && !seen[path] && filepath.Clean(path) == path {
			seen[path] = true
			list = append(list, path)
		}
	}
	return list
}
