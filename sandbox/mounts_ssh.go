package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ssh refuses to run when a file that its configuration includes belongs to
// anybody but root and the user, ssh_config(5). In the user namespace of an
// ordinary user, root's files belong to nobody (user_namespaces(7)), so there
// the directory from which systems include files is replaced by a copy.

const (
	sshIncluded  = "/etc/ssh/ssh_config.d"
	depotSSH     = "ssh_config.d"
	maxSSHFiles  = 100
	maxSSHConfig = 64 << 10
)

// keepSSHConfig makes the copy, if one is needed.
func (b *base) keepSSHConfig() error {
	names, err := filepath.Glob(sshIncluded + "/*.conf")
	if err != nil || len(names) == 0 || len(names) > maxSSHFiles {
		return nil
	}
	var st unix.Stat_t
	if unix.Stat(names[0], &st) != nil || st.Uid == 0 || st.Uid == uint32(os.Geteuid()) {
		return nil
	}
	if err := unix.Mkdirat(b.depot, depotSSH, 0o700); err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil || len(text) > maxSSHConfig || len(text) == 0 {
			continue // as unreadable inside
		}
		if err := writeAt(b.depot, depotSSH+"/"+filepath.Base(name), string(text), 0o444); err != nil {
			return err
		}
	}
	return unix.Fchmodat(b.depot, depotSSH, 0o555, 0)
}

// sshConfig puts the copy in its place.
func (v *view) sshConfig() error {
	var st unix.Stat_t
	err := unix.Fstatat(v.base.depot, depotSSH, &st, 0)
	if errors.Is(err, unix.ENOENT) || v.writable(sshIncluded) {
		return nil
	}
	target, err := filepath.EvalSymlinks(sshIncluded)
	if err != nil || !strings.HasPrefix(target, "/etc/") {
		return nil
	}
	return v.fromDepot(depotSSH, target)
}
