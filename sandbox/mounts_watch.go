package sandbox

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A mask goes when somebody outside replaces the file below it (an editor
// that saves by renaming, another session): the kernel then detaches the
// mount. The directories of all masks are watched, so that it comes back at
// once and commands pay nothing for the check.

const watchFor = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO |
	unix.IN_ATTRIB | unix.IN_ONLYDIR | unix.IN_EXCL_UNLINK

// guard watches until the process ends.
func (t *viewThread) guard() {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		t.k.tell(opMasked, t.id, maskedNote{View: t.id, Paths: nil}, nil)
		return
	}
	defer unix.Close(fd)
	t.watch(fd)
	buf := make([]byte, 16<<10)
	for {
		if n, err := readRetry(fd, buf); err != nil || n == 0 {
			return
		}
		restored, _ := t.v.remask()
		if len(restored) > 0 {
			t.watch(fd) // a new directory may lie above them
			t.k.tell(opMasked, t.id, maskedNote{View: t.id, Paths: restored}, nil)
		}
	}
}

// watch adds the directories of all masks. One that is watched already is
// not watched twice. Paths that cannot be watched belong to nobody who could
// replace them, or are the kernel's.
func (t *viewThread) watch(fd int) {
	for _, m := range t.v.masks {
		dir := filepath.Dir(m.path)
		if below(dir, "/proc") || below(dir, "/sys") {
			continue
		}
		_, _ = unix.InotifyAddWatch(fd, dir, watchFor)
	}
}
