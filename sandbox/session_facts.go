package sandbox

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// facts looks at user and machine for a plan.
func (s *Session) facts(p *policy.Policy) (Facts, error) {
	f := Facts{
		UID: os.Geteuid(), Script: absolute(s.cfg.Script, s.cfg.Dir), Dir: s.cfg.Dir,
		TTY: controllingTTY(), Monitor: s.cfg.Monitor, Lent: !s.cfg.NoFiles, Appended: !s.cfg.NoAppended, NoCores: s.noCores || leavesCores(corePattern),
		OwnConfig: ownConfig(p.Home), Quarantine: QuarantineDir(p.Home), GitHooks: hooksOf(p.Home),
	}
	if f.UID == 0 {
		f.Homes = homes("/etc/passwd")
	}
	f.Sockets = boundSockets(unix.AT_FDCWD, "/proc/thread-self/net/unix")
	if p.Privileges.FileOwnership && f.UID != 0 { // seen once: the writer drops repetitions
		s.emit(events.Event{Kind: events.Warning, Message: "privileges.file_ownership changes nothing: only root has such privileges"})
	}
	if p.Limits.Processes > 0 {
		f.Group = reapedGroup("pids")
	}
	if p.Limits.Memory > 0 {
		f.MemoryGroup = reapedGroup("memory")
	}
	var err error
	if s.cfg.Reach != nil {
		if f.Reach, err = s.cfg.Reach(s.nets.effective(&p.Network)); err != nil {
			return f, setupError("network", err, "")
		}
	}
	if state := stateDir(p.Home); state != "" {
		f.OwnState = []string{state}
		f.Private = s.privateDirs(p)
	}
	return f, nil
}

// reapedGroup is groupDir without what killed sessions left there.
func reapedGroup(controller string) string {
	dir := groupDir(controller)
	if dir == "" {
		return ""
	}
	if proc, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err == nil {
		reapGroups(proc, dir)
		unix.Close(proc)
	}
	return dir
}

func absolute(path, dir string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// stateDir is where fsh keeps what outlives a session (XDG base directories);
// "" without a home.
func stateDir(home string) string {
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "fsh")
	}
	if !filepath.IsAbs(home) {
		return ""
	}
	return filepath.Join(home, ".local", "state", "fsh")
}

func ownConfig(home string) []string {
	dirs := []string{"/etc/fsh"}
	if filepath.IsAbs(home) {
		dirs = append(dirs, filepath.Join(home, ".config", "fsh"))
	}
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
	return terminalByNumber("/proc/self/stat")
}

// terminalByNumber is for a shell whose own descriptors are no terminal, but
// which has one.
func terminalByNumber(stat string) string {
	text, err := os.ReadFile(stat)
	if err != nil {
		return ""
	}
	number, err := strconv.ParseUint(statField(string(text), statTerminal), 10, 32)
	if major := unix.Major(number); err != nil || major < majorPTYs || major > majorPTYEnd {
		return ""
	}
	var st unix.Stat_t
	path := "/dev/pts/" + strconv.Itoa(int(unix.Minor(number)))
	if unix.Stat(path, &st) != nil || st.Rdev != number {
		return ""
	}
	return path
}

// firstUser is the lowest number of a person's account (login.defs(5)).
const firstUser = 1000

// homes lists the existing home directories of people in passwd(5). Those in
// /home are every policy's business already.
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
		uid, err := strconv.Atoi(fields[2])
		if err != nil || uid != 0 && uid < firstUser || home == "/" {
			continue
		}
		if st, err := os.Stat(home); err == nil && st.IsDir() && !below(home, "/home") {
			list = append(list, home)
		}
	}
	return list
}

// boundSockets lists the paths in /proc/net/unix (proc(5)) of the thread (the
// main one may have gone elsewhere). The kernel gives
// the table piece by piece, and what ends meanwhile moves others past the
// reader, so it is read again until nothing is new.
func boundSockets(at int, table string) []string {
	var list []string
	seen := map[string]bool{}
	for before := -1; before < len(list); {
		before = len(list)
		for _, path := range readSockets(at, table) {
			if !seen[path] {
				seen[path] = true
				list = append(list, path)
			}
		}
	}
	return list
}

func readSockets(at int, table string) []string {
	fd, err := unix.Openat(at, table, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	f := os.NewFile(uintptr(fd), table)
	defer f.Close()
	var list []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		_, path, ok := strings.Cut(sc.Text(), " /")
		if path = "/" + path; ok && filepath.Clean(path) == path {
			list = append(list, path)
		}
	}
	return list
}
