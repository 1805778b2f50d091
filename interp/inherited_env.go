package interp

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// adoptEnv makes the variables that a shell starts with, of which some come
// from the environment.
func (sh *shell) adoptEnv(env []string) {
	for _, entry := range env {
		sh.adoptEntry(entry)
	}
	sh.setOwn("IFS", " \t\n")
	sh.setOwn("OPTIND", "1")
	sh.setOwn("PPID", strconv.Itoa(sh.rt.sys.Ppid()))
	for name, h := range variableHooks {
		if h == hookDynamic && (sh.rt.bash || name == "LINENO") {
			sh.vars.set(name, &variable{hook: h, attrs: attrSet | dynamicArrays[name]})
		}
	}
	if _, ok := sh.getVar("PATH"); !ok {
		sh.setOwn("PATH", defaultPath)
	}
	if v, ok := sh.getVar("PS4"); !ok || v == "" {
		sh.setOwn("PS4", "+ ")
	}
	if !sh.rt.bash {
		sh.setOwn("PS2", sh.getOr("PS2", "> "))
	}
	if sh.interactive() {
		sh.setOwn("PS1", sh.getOr("PS1", "$ "))
		sh.setOwn("PS2", sh.getOr("PS2", "> "))
	}
	sh.initPWD()
	if sh.rt.bash {
		sh.initBash()
	}
}

func (sh *shell) adoptEntry(entry string) {
	name, value, ok := strings.Cut(entry, "=")
	if !ok {
		return
	}
	if fn, is := functionEntry(name); is && sh.rt.bash {
		sh.importFunction(fn, value)
		return
	}
	if !validName(name) {
		if name != "" {
			sh.rt.oddEnv = append(sh.rt.oddEnv, entry)
		}
		return
	}
	if name == "IFS" || variableHooks[name] == hookDynamic {
		return // XCU 2.5.3: IFS is not taken from the environment
	}
	sh.setOwn(name, value)
	sh.setAttrs(name, attrExport, 0)
}

// initBash makes the variables that bash(1) lists as set by the shell.
func (sh *shell) initBash() {
	if _, ok := sh.vars.get("SHELL"); !ok {
		sh.vars.set("SHELL", &variable{hook: hookDynamic, attrs: attrSet})
	}
	var uts unix.Utsname
	_ = unix.Uname(&uts) // EFAULT only
	machine := unix.ByteSliceToString(uts.Machine[:])
	level, _ := strconv.Atoi(sh.getOr("SHLVL", "0"))
	for _, v := range []struct {
		name, value string
		attrs       attr
	}{
		{"BASH", sh.rt.inside, 0},
		{"BASH_ARGV0", sh.name, 0},
		{"BASH_VERSION", bashVersion, 0},
		{"EUID", strconv.Itoa(syscall.Geteuid()), attrReadonly | attrInteger},
		{"HOSTNAME", unix.ByteSliceToString(uts.Nodename[:]), 0},
		{"HOSTTYPE", machine, 0},
		{"MACHTYPE", machine + "-pc-linux-gnu", 0},
		{"OPTERR", "1", 0},
		{"OSTYPE", "linux-gnu", 0},
		{"SHLVL", strconv.Itoa(max(level, 0) + 1), attrExport},
		{"UID", strconv.Itoa(syscall.Getuid()), attrReadonly | attrInteger},
	} {
		sh.setOwn(v.name, v.value)
		sh.setAttrs(v.name, v.attrs, 0)
	}
	sh.setAttrs("PPID", attrReadonly|attrInteger, 0)
	sh.setArray("BASH_VERSINFO", []string{"5", "2", "0", "1", "release", "fsh"})
	sh.setArray("GROUPS", groupNumbers())
	for _, name := range []string{"BASHOPTS", "SHELLOPTS", "BASH_VERSINFO"} {
		sh.setAttrs(name, attrReadonly, 0)
	}
}

// groupNumbers are the groups of the process, its own first.
func groupNumbers() []string {
	own := syscall.Getgid()
	groups := []string{strconv.Itoa(own)}
	others, _ := syscall.Getgroups()
	for _, g := range others {
		if g != own {
			groups = append(groups, strconv.Itoa(g))
		}
	}
	return groups
}

// bashVersion is what scripts test to know what they may use.
const bashVersion = "5.2.0(1)-fsh"
