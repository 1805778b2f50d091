package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// deviceNames are the nodes of the minimal /dev. tty is the process's own
// controlling terminal, whichever that is.
var deviceNames = []string{"null", "zero", "full", "random", "urandom", "tty"}

// deviceLinks are the usual names that are links.
var deviceLinks = [][2]string{
	{"/proc/self/fd", "fd"},
	{"/proc/self/fd/0", "stdin"},
	{"/proc/self/fd/1", "stdout"},
	{"/proc/self/fd/2", "stderr"},
}

// deviceAttr: the nodes are the machine's own, and root's or the user's to change.
// A read-only mount keeps mode, owner and times as they are; a device can be
// written all the same.
const deviceAttr = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_RDONLY

// device is a copy of one node, made before anything covers /dev.
type device struct {
	name string
	fd   int
}

// deviceNodes copies the nodes in the base namespace, where they still work:
// in the view they are already marked as without effect.
func (v *view) deviceNodes() ([]device, error) {
	var devices []device
	err := v.onBase(func() error {
		for _, name := range deviceNames {
			fd, err := copyTree("/dev/"+name, deviceAttr)
			if err != nil {
				return fmt.Errorf("/dev/%s: %w", name, err)
			}
			devices = append(devices, device{name, fd})
		}
		for _, s := range v.plan.Steps {
			if s.Op == OpDevices && s.From != "" {
				// Best effort: /dev/tty is the same terminal.
				if fd, err := copyTree(s.From, deviceAttr); err == nil {
					devices = append(devices, device{"console", fd})
				}
			}
		}
		return nil
	})
	return devices, err
}

// makeDevices covers /dev. The terminal that the session has is at
// /dev/console, as containers have it: a new devpts cannot hold a node of
// another one, and showing the host's would show all the user's terminals.
func makeDevices(s Step, devices []device) error {
	tree, err := newFS("tmpfs", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC,
		[][2]string{{"source", "fsh"}, {"mode", "755"}, {"size", "64k"}})
	if err != nil {
		return err
	}
	if err := place(tree, s.Path); err != nil {
		return err
	}
	for _, d := range devices {
		target := filepath.Join(s.Path, d.name)
		if err := makeTarget(target, false); err != nil {
			return err
		}
		if err := place(d.fd, target); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	for _, l := range deviceLinks {
		if err := os.Symlink(l[0], filepath.Join(s.Path, l[1])); err != nil {
			return err
		}
	}
	pts, err := newTerminals()
	if err != nil {
		return fmt.Errorf("devpts: %w", err)
	}
	for _, dir := range []string{"pts", "shm"} {
		if err := os.Mkdir(filepath.Join(s.Path, dir), 0o755); err != nil {
			return err
		}
	}
	if err := place(pts, filepath.Join(s.Path, "pts")); err != nil {
		return err
	}
	if err := makeQueues(filepath.Join(s.Path, queuesDir)); err != nil {
		return err
	}
	return makePtmx(filepath.Join(s.Path, "ptmx"), filepath.Join(s.Path, "pts", "ptmx"))
}

// terminalGroup is "tty", which terminals belong to on all distributions.
const terminalGroup = "5"

// newTerminals is a file system for terminals of the session's own. Their group is
// the usual one where there is such a group: screen gives it to the terminals
// that it makes for root, and ends if it may not.
func newTerminals() (fd int, err error) {
	options := [][2]string{{"ptmxmode", "666"}, {"mode", "620"}}
	const flags = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
	if fd, err = newFS("devpts", flags, append(options, [2]string{"gid", terminalGroup})); err == nil {
		return fd, nil
	}
	return newFS("devpts", flags, options)
}

// queuesDir, below /dev, has the message queues of mq_open(3). The call itself
// needs no mount, but Landlock a path to have a rule about.
const queuesDir = "mqueue"

// makeQueues shows the queues of the session's ipc namespace, unless the kernel
// has none.
func makeQueues(dir string) error {
	tree, err := newFS("mqueue", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC|unix.MOUNT_ATTR_NODEV, nil)
	if err == unix.ENODEV {
		return nil
	}
	if err != nil {
		return fmt.Errorf("mqueue: %w", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return place(tree, dir)
}

// makePtmx shows the node by its usual name, as a node: programs open it with
// O_NOFOLLOW. The kernel knows that it is still the one of the devpts that it
// was bound from (devpts_mntget).
func makePtmx(name, node string) error {
	if err := makeTarget(name, false); err != nil {
		return err
	}
	fd, err := copyTree(node, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return fmt.Errorf("ptmx: %w", err)
	}
	return place(fd, name)
}

// Marker is the directory that tells a process it is inside a session. It is
// on a read-only mount of its own, which nothing inside can make.
const Marker = "/run/fsh"

// makeRun covers /run: sockets of the host's services live there.
func makeRun(exe int) error {
	if _, err := os.Stat("/run"); err != nil {
		unix.Close(exe)
		return fmt.Errorf("this machine has no /run: %w", err)
	}
	tree, err := memoryFS("755", 1<<20)
	if err != nil {
		return err
	}
	if err := place(tree, "/run"); err != nil {
		return err
	}
	if err := os.Mkdir("/run/lock", 0o755); err != nil {
		return err
	}
	binary := filepath.Join(Marker, "fsh")
	if err := makeTarget(binary, false); err != nil {
		return err
	}
	if err := place(exe, binary); err != nil {
		return err
	}
	return cover(Marker, guarded|unix.MOUNT_ATTR_RDONLY)
}

// Inside tells whether this process already runs in a session. A program that
// can fool it could only have made itself weaker.
func Inside() bool {
	return insideMounts() || insideBare()
}

// insideBare asks the filter of a bare session.
func insideBare() bool {
	_, _, errno := unix.Syscall(markerCall, 0, 0, 0)
	return errno == markerAnswer
}

func insideMounts() bool {
	on, err := isMount(Marker)
	if err != nil || !on {
		return false
	}
	var st unix.Statfs_t
	return unix.Statfs(Marker, &st) == nil && st.Flags&unix.ST_RDONLY != 0
}
