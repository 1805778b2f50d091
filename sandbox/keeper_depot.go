package sandbox

import (
	"os"

	"golang.org/x/sys/unix"
)

// makeDepot mounts the depot where the session's own /proc will cover it, so
// that it has no path for anybody.
func (b *base) makeDepot() error {
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer exe.Close()
	fd, err := memoryFS("700", 64<<20)
	if err != nil {
		return err
	}
	if err := place(mustDup(fd), "/proc"); err != nil {
		return err
	}
	b.depot = fd
	if err := unix.Mkdirat(fd, depotNoDir, 0); err != nil {
		return err
	}
	if err := unix.Mknodat(fd, depotNoFile, unix.S_IFSOCK, 0); err != nil {
		return err
	}
	if err := writeAt(fd, depotResolv, "# the sandbox's own name server\nnameserver 127.0.0.1\noptions timeout:3\n", 0o444); err != nil {
		return err
	}
	if err := b.keepSSHConfig(); err != nil {
		return err
	}
	return b.keepBinary(exe)
}

// mustDup is another descriptor of a tree: place closes the one it is given.
func mustDup(fd int) int {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return n
}

func writeAt(dir int, name, text string, mode uint32) error {
	fd, err := unix.Openat(dir, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		return err
	}
	return unix.Fchmod(fd, mode)
}

// keepBinary checks that the program's path still leads to it; when it was
// replaced or removed a copy is made.
func (b *base) keepBinary(exe *os.File) error {
	own, err := exe.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Stat(b.exe); err == nil && os.SameFile(own, there) {
		return nil
	}
	b.exe = ""
	fd, err := unix.Openat(b.depot, depotBinary, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o500)
	if err != nil {
		return err
	}
	out := os.NewFile(uintptr(fd), depotBinary)
	defer out.Close()
	_, err = out.ReadFrom(exe)
	return err
}

// binary is a tree of the program, to be placed in a view.
func (b *base) binary() (fd int, err error) {
	if b.exe == "" {
		return copyTreeAt(b.depot, depotBinary, guarded|unix.MOUNT_ATTR_RDONLY)
	}
	return copyTree(b.exe, guarded|unix.MOUNT_ATTR_RDONLY)
}
