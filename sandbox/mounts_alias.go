package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What is mounted twice has two paths: a home that is bound elsewhere, or the
// whole disk below /sysroot. A rule is about the file, so its masks are on all.

// hostMount is a mount of the base namespace.
type hostMount struct {
	dev  string // the file system
	root string // the directory of it that is mounted
	at   string
	kind string
}

// hostMounts reads proc_pid_mountinfo(5): of the calling thread, which is in
// the base namespace.
func hostMounts(proc int) []hostMount {
	fd, err := unix.Openat(proc, "thread-self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	text, err := readWhole(fd)
	if err != nil {
		return nil
	}
	var mounts []hostMount
	for line := range strings.Lines(text) {
		about, source, _ := strings.Cut(line, " - ") // there is a number of fields in between
		f, kind := strings.Fields(about), strings.Fields(source)
		if len(f) > 4 && len(kind) > 0 {
			mounts = append(mounts, hostMount{f[2], unescapeMount(f[3]), unescapeMount(f[4]), kind[0]})
		}
	}
	return mounts
}

// unescapeMount undoes \040 and its kind.
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// aliases are the other paths of what is at a resolved path.
func aliases(mounts []hostMount, path string) (others []string) {
	again, _ := places(mounts, path)
	for _, other := range again {
		if isSame(path, other) { // it may be covered
			others = append(others, other)
		}
	}
	return others
}

// places are where else the mounts have what is at a resolved path, and parts of
// it with their paths below it, if nothing else covers that.
func places(mounts []hostMount, path string) (again []string, parts map[string]string) {
	var on *hostMount
	for i := range mounts { // the last is on top
		if m := &mounts[i]; below(path, m.at) && (on == nil || len(m.at) >= len(on.at)) {
			on = m
		}
	}
	if on == nil {
		return nil, nil
	}
	parts = map[string]string{}
	inside := filepath.Join(on.root, strings.TrimPrefix(path, on.at))
	for i := range mounts {
		m := &mounts[i]
		switch {
		case m == on || m.dev != on.dev:
		case below(inside, m.root):
			if other := filepath.Join(m.at, strings.TrimPrefix(inside, m.root)); other != path {
				again = append(again, other)
			}
		case below(m.root, inside):
			parts[m.at] = filepath.Join(path, strings.TrimPrefix(m.root, inside))
		}
	}
	return again, parts
}

// hideOtherProcs: a second /proc, in a chroot for example, shows the processes
// of the host.
func (v *view) hideOtherProcs() {
	for _, m := range v.mounts {
		if m.kind == "proc" && !below(m.at, "/proc") {
			v.addMask(mask{path: m.at, hide: true, rule: "processes outside are not shown"})
		}
	}
}

// maskAliases masks the other paths of what is masked, and of the places that
// are the session's own: what the host has there is not shown elsewhere either.
func (v *view) maskAliases() {
	for _, m := range slices.Clone(v.masks) {
		if m.absent {
			continue
		}
		v.maskOthers(m, func(string) bool { return false })
		_, parts := places(v.mounts, m.path)
		for part, own := range parts {
			if !below(part, m.path) && !slices.Contains(v.fresh, part) && isSame(part, own) {
				v.addMask(mask{path: part, hide: m.hide, rule: m.rule})
			}
		}
	}
	for _, place := range v.fresh {
		v.maskOthers(mask{path: place, hide: true, rule: "as " + place}, func(other string) bool {
			return slices.ContainsFunc(v.clones, func(c clone) bool { return below(c.path, other) })
		})
	}
}

// maskOthers leaves alone what the view replaces, and what is needed.
func (v *view) maskOthers(m mask, needed func(string) bool) {
	for _, other := range aliases(v.mounts, m.path) {
		if !slices.Contains(v.fresh, other) && !needed(other) {
			v.addMask(mask{path: other, hide: m.hide, rule: m.rule})
		}
	}
}

func isSame(a, b string) bool {
	x, errX := os.Lstat(a)
	y, errY := os.Lstat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}
