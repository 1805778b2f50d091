package sandbox

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/policy"
)

// A mask goes when somebody outside replaces the file below it (an editor
// that saves by renaming, another session): the kernel then detaches the
// mount. The directories of all masks are watched, so that it comes back at
// once and commands pay nothing for the check. So are the directories where
// protected names are looked for, because somebody outside may make one.

const watchFor = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO |
	unix.IN_ATTRIB | unix.IN_ONLYDIR | unix.IN_EXCL_UNLINK

// maxWatches bounds what one session takes of the user's inotify watches.
const maxWatches = 4096

// watcher is what guard works with.
type watcher struct {
	t    *viewThread
	fd   int
	dirs map[int32]string
	// composites are watched where they come from.
	composites map[int32]*composite
}

// guard watches until the process ends.
func (t *viewThread) guard() {
	fd, err := newInotify()
	if err != nil {
		t.k.tell(opMasked, t.id, maskedNote{View: t.id, Paths: nil}, nil)
		return
	}
	defer unix.Close(fd)
	_, _, _ = leaveToCollector(fd)
	w := &watcher{t: t, fd: fd, dirs: map[int32]string{}, composites: map[int32]*composite{}}
	w.addMasks()
	for _, c := range t.v.composites {
		w.addComposite(c)
	}
	for _, dir := range t.v.protected {
		w.add(dir)
		w.add(dir + "/.git")
	}
	w.remask(nil) // what happened before
	buf := make([]byte, 64<<10)
	for {
		n, err := readRetry(fd, buf)
		if err != nil || n == 0 {
			return
		}
		w.handle(buf[:n])
	}
}

// inotifyPatience is how long a session waits, at least, for an inotify
// descriptor that the kernel has not taken back yet from one that has ended. All
// the time the masks are looked at before each request.
const inotifyPatience = time.Second

func newInotify() (fd int, err error) {
	for wait := time.Millisecond; ; wait *= 2 {
		fd, err = unix.InotifyInit1(unix.IN_CLOEXEC)
		if err != unix.EMFILE || wait > inotifyPatience {
			return fd, err
		}
		time.Sleep(wait)
	}
}

// leaveToCollector has the kernel's collector of sockets in flight (unix(7),
// SCM_RIGHTS) close fd after this process has ended. To close an inotify
// descriptor waits for a grace period, 5 to 20 ms, and the user would wait for
// that at every end of a session. The message with fd lies in the first socket,
// which is in the same message: nothing but the collector can free it once its
// number here is closed, and the last, the higher number and so closed after it,
// is what starts the collector. If they cannot be had the end takes longer.
func leaveToCollector(fd int) (first, last int, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, -1, err
	}
	first, last = min(pair[0], pair[1]), max(pair[0], pair[1])
	return first, last, unix.Sendmsg(last, []byte{0}, unix.UnixRights(fd, first), nil, 0)
}

func (w *watcher) add(dir string) {
	if below(dir, "/proc") || below(dir, "/sys") || len(w.dirs) >= maxWatches {
		return
	}
	// What cannot be watched belongs to nobody who could replace anything.
	if wd, err := unix.InotifyAddWatch(w.fd, dir, watchFor); err == nil {
		w.dirs[int32(wd)] = dir
	}
}

// addComposite watches what a composite shows.
func (w *watcher) addComposite(c *composite) {
	if unix.Fchdir(c.under) != nil {
		return
	}
	wd, err := unix.InotifyAddWatch(w.fd, ".", watchFor)
	_ = unix.Chdir("/")
	if err == nil {
		w.composites[int32(wd)] = c
		w.t.v.followAll(c)
	}
}

// addMasks adds the directories of all masks; one that is watched already is
// not watched twice.
func (w *watcher) addMasks() {
	for _, m := range w.t.v.masks {
		w.add(filepath.Dir(m.path))
	}
	for _, s := range w.t.v.plan.Steps {
		// What a pattern hides may come to be; of others the directory is not known.
		if dir := filepath.Dir(s.Path); s.Glob && s.Op == OpHide && !strings.ContainsAny(dir, `*?[\`) {
			w.add(dir)
		}
	}
}

// handle takes a buffer of struct inotify_event (inotify(7)).
func (w *watcher) handle(buf []byte) {
	touched := map[string]bool{}
	for len(buf) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(buf))
		mask := binary.NativeEndian.Uint32(buf[4:])
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[12:]))
		name := string(bytes.TrimRight(buf[unix.SizeofInotifyEvent:size], "\x00"))
		buf = buf[size:]
		dir, known := w.dirs[wd]
		switch {
		case mask&unix.IN_Q_OVERFLOW != 0:
			for _, c := range w.composites {
				w.t.v.followAll(c)
			}
			w.remask(nil)
		case mask&unix.IN_IGNORED != 0:
			delete(w.dirs, wd)
			delete(w.composites, wd)
		case w.composites[wd] != nil && name != "":
			if c := w.composites[wd]; mask&^unix.IN_ISDIR != unix.IN_ATTRIB {
				w.appeared(filepath.Join(c.dir, name), mask&unix.IN_ISDIR != 0)
				w.t.v.follow(c, name)
				touched[filepath.Join(c.dir, name)] = true
			}
		case known && name != "":
			path := filepath.Join(dir, name)
			touched[path] = true
			if mask&(unix.IN_CREATE|unix.IN_MOVED_TO) != 0 {
				w.appeared(path, mask&unix.IN_ISDIR != 0)
			}
		}
	}
	w.remask(touched)
}

// remask puts back the masks of the touched paths, or all.
func (w *watcher) remask(touched map[string]bool) {
	restored, _ := w.t.v.remask(func(path string) bool {
		if touched == nil {
			return true
		}
		for ; path != "/"; path = filepath.Dir(path) { // or a directory above
			if touched[path] {
				return true
			}
		}
		return false
	})
	if len(restored) > 0 {
		w.addMasks() // a new directory may lie above them
		w.t.k.tell(opMasked, w.t.id, maskedNote{View: w.t.id, Paths: restored}, nil)
	}
}

// appeared looks at a new name in a watched directory.
func (w *watcher) appeared(path string, dir bool) {
	v := w.t.v
	writable := v.writable(path)
	for _, s := range v.plan.Steps {
		if s.Glob && (s.Op == OpHide || s.Op == OpSeal && writable) &&
			(policy.Path{Pattern: s.Path, Glob: true, Except: s.Except}).Matches(path) {
			v.addMask(mask{path: path, hide: s.Op == OpHide, absent: true, rule: s.Rule})
		}
	}
	if !writable {
		return
	}
	own := dir && w.t.k.made.has(path)
	for _, found := range v.protectedAt(path) {
		if w.t.k.made.has(filepath.Dir(found.path)) {
			continue
		}
		if slices.ContainsFunc(v.masks, func(m mask) bool { return m.path == found.path }) {
			continue
		}
		v.addMask(found)
		if apply := v.apply(&v.masks[len(v.masks)-1]); apply == nil {
			_ = v.pin()
		}
		w.t.k.found(w.t, found.path, found.rule)
	}
	if dir && !own && (filepath.Base(path) == ".git" || len(w.dirs) < maxWatches/4) {
		w.add(path)
		if filepath.Base(path) != ".git" {
			w.add(path + "/.git")
		}
	}
}

// protectedAt gives the protected names that exist now that something is at
// path: itself, or below it.
func (v *view) protectedAt(path string) []mask {
	var found []mask
	parts := strings.Split(path, "/")
	for _, s := range v.plan.Steps {
		if s.Op != OpProtect || slices.ContainsFunc(s.Except, func(e string) bool { return below(path, e) }) {
			continue
		}
		want := strings.Split(s.Path, "/")
		for n := 0; n <= len(want); n++ {
			// n components of the name are at the end of path already; with
			// none, path may be a directory that has all of it.
			if n > len(parts) || !slices.Equal(parts[len(parts)-n:], want[:n]) {
				continue
			}
			at := filepath.Join(append([]string{path}, want[n:]...)...)
			if unix.Lstat(at, &unix.Stat_t{}) == nil {
				found = append(found, mask{path: at, rule: s.Rule})
			}
		}
	}
	return found
}
