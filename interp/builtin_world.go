package interp

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// This file is what test and [[ ask of a shell: condWorld.

// descriptorPath recognises the names of the shell's own descriptors, which
// the kernel would resolve for whichever process asks.
func descriptorPath(path string) (fd int, ok bool) {
	switch path {
	case "/dev/stdin":
		return 0, true
	case "/dev/stdout":
		return 1, true
	case "/dev/stderr":
		return 2, true
	}
	number, ok := strings.CutPrefix(path, "/dev/fd/")
	if !ok {
		if number, ok = strings.CutPrefix(path, "/proc/self/fd/"); !ok {
			return 0, false
		}
	}
	v, n := digits(number, 10, 9)
	if n == 0 || n != len(number) {
		return 0, false
	}
	return int(v), true
}

func (sh *shell) condStat(path string, nofollow bool, st *syscall.Stat_t) error {
	if strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/proc/self/") {
		if n, ok := descriptorPath(path); ok {
			return sh.statDescriptor(n, nofollow, st)
		}
	}
	return sh.rt.sys.Stat(sh.dir, path, nofollow, st)
}

func (sh *shell) isDirectory(path string) bool {
	var st syscall.Stat_t
	return sh.condStat(path, false, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFDIR
}

func (sh *shell) statDescriptor(n int, nofollow bool, st *syscall.Stat_t) error {
	f := sh.fdFile(n)
	if f == nil {
		return syscall.ENOENT
	}
	if nofollow { // /dev/fd/N is a symbolic link
		*st = syscall.Stat_t{Mode: syscall.S_IFLNK | 0o777}
		return nil
	}
	fd, err := f.sysFD()
	if err != nil {
		return err
	}
	return syscall.Fstat(fd, st)
}

func (sh *shell) condAccess(path string, mode uint32) error {
	n, ok := descriptorPath(path)
	if !ok {
		return sh.rt.sys.Access(sh.dir, path, mode)
	}
	f := sh.fdFile(n)
	if f == nil {
		return syscall.ENOENT
	}
	fd, err := f.sysFD()
	if err != nil {
		return err
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	access := flags & unix.O_ACCMODE
	if mode == accessExec ||
		mode == accessRead && access == unix.O_WRONLY ||
		mode == accessWrite && access == unix.O_RDONLY {
		return syscall.EACCES
	}
	return nil
}

func (sh *shell) condIsTTY(n int) bool {
	f := sh.fdFile(n)
	if f == nil || f.cap != nil {
		return false
	}
	_, err := unix.IoctlGetTermios(f.fd, unix.TCGETS)
	return err == nil
}

func (sh *shell) condOption(name string) bool {
	for _, o := range optionTable {
		if o.name == name && name != "" || len(name) == 1 && o.letter == name[0] {
			return sh.opts.on(o.bit)
		}
	}
	return false
}

// condIsSet is test's -v: a variable, an array element, or an array with @.
func (sh *shell) condIsSet(name string) bool {
	base, sub, isElement := splitSubscript(name)
	if isElement && sh.lookupVar(base).is(attrAssoc) {
		key, err := sh.argumentKey(sub)
		return err == nil && sh.isSet(base+"["+key+"]")
	}
	return sh.isSet(name)
}

// isSet is -v of [[, which takes a key as it is.
func (sh *shell) isSet(name string) bool {
	base, sub, isElement := splitSubscript(name)
	if !isElement {
		if n, err := strconv.Atoi(name); err == nil && n >= 0 {
			return n == 0 || n <= len(sh.params)
		}
		_, ok := sh.getVar(name)
		return ok
	}
	v := sh.lookupVar(base)
	if v == nil {
		return false
	}
	if (sub == "@" || sub == "*") && !v.is(attrAssoc) {
		if v.is(attrIndexed) {
			return v.array != nil && len(v.array.keys) > 0
		}
		return v.is(attrSet)
	}
	if v.is(attrAssoc) { // where @ is a key
		if v.assoc == nil {
			return false
		}
		_, ok := v.assoc.get(sub)
		return ok
	}
	n, err := sh.arithIndex(sub)
	if err != nil {
		return false
	}
	if !v.is(attrIndexed) {
		_, ok := v.scalar()
		return ok && n == 0
	}
	if v.array == nil {
		return false
	}
	i := int(n)
	if i < 0 {
		i += v.array.next()
	}
	_, ok := v.array.get(i)
	return ok
}

func (sh *shell) condBash() bool { return sh.rt.bash }

func (sh *shell) condIsNameref(name string) bool {
	v, ok := sh.vars.get(name)
	return ok && v.is(attrNameref)
}

func (sh *shell) condOwner() (uid, gid uint32) {
	return uint32(syscall.Geteuid()), uint32(syscall.Getegid())
}

// splitSubscript cuts name[subscript].
func splitSubscript(s string) (name, subscript string, ok bool) {
	i := strings.IndexByte(s, '[')
	if i <= 0 || s[len(s)-1] != ']' || len(s) < i+3 {
		return s, "", false
	}
	return s[:i], s[i+1 : len(s)-1], true
}

// assignTo assigns to name or name[subscript].
func (sh *shell) assignTo(target, value string) error {
	name, sub, ok := splitSubscript(target)
	if !sh.validTarget(target) {
		if sh.rt.bash {
			return &nameError{"`" + target + "'", "not a valid identifier"}
		}
		return &nameError{target, "bad variable name"}
	}
	if !ok {
		return sh.setVar(name, value)
	}
	if sh.lookupVar(name).is(attrAssoc) {
		key, err := sh.argumentKey(sub)
		if err != nil {
			return err
		}
		return sh.setAssoc(name, key, value)
	}
	n, err := sh.arithIndex(sub)
	if err != nil {
		return err
	}
	return sh.setIndexed(name, int(n), value)
}
