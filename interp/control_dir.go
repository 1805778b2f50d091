package interp

import (
	"path"
	goruntime "runtime"
	"strings"
	"syscall"
)

var directoryBuiltins = []builtin{
	{name: "cd", run: runCd, usage: "cd [-L|[-P [-e]] [-@]] [dir]"},
	{name: "pwd", run: runPwd, usage: "pwd [-LP]"},
}

// dirOptions parses -L and -P; the last one counts.
func (sh *shell) dirOptions(args []string) (physical bool, rest []string, bad string) {
	physical = sh.opts.on(optPhysical)
	rest = args[1:]
	for len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' {
		a := rest[0]
		if a == "--" {
			return physical, rest[1:], ""
		}
		for _, c := range a[1:] {
			switch c {
			case 'L':
				physical = false
			case 'P':
				physical = true
			case 'e':
				if !sh.bash() {
					return false, nil, "-" + string(c)
				}
			default:
				return false, nil, "-" + string(c)
			}
		}
		rest = rest[1:]
	}
	return physical, rest, ""
}

func runCd(sh *shell, args []string) int {
	if sh.mayNot(args[0]) {
		return 1
	}
	physical, rest, bad := sh.dirOptions(args)
	if bad != "" {
		return sh.badOption(args[0], bad)
	}
	if len(rest) > 1 && sh.bash() {
		sh.errorf("%s: too many arguments", args[0])
		return 1
	}
	target, show := "", false
	switch {
	case len(rest) == 0:
		home, ok := sh.getVar("HOME")
		if !ok {
			sh.errorf("%s: HOME not set", args[0])
			return 1
		}
		target = home
	case rest[0] == "-":
		old, ok := sh.getVar("OLDPWD")
		if !ok || old == "" && !sh.bash() {
			sh.errorf("%s: OLDPWD not set", args[0])
			return 1
		}
		target, show = old, true
	default:
		target = rest[0]
	}
	if target == "" {
		if pwd, ok := sh.getVar("PWD"); ok && sh.bash() {
			sh.setVar("OLDPWD", pwd)
		}
		return 0
	}
	shown, err := sh.searchCdpath(target, physical)
	if value, ok := sh.getVar(target); err != nil && ok && value != "" && sh.acceptedShopt("cdable_vars") {
		show, err = true, sh.chdir(value, physical)
	}
	if err != nil {
		if sh.bash() {
			sh.errorf("%s: %s: %s", args[0], target, errText(err))
			return 1
		}
		sh.errorf("%s: can't cd to %s: %s", args[0], target, errText(err))
		return 2
	}
	if show || shown {
		pwd, _ := sh.getVar("PWD")
		return sh.output(args[0], []byte(pwd+"\n"))
	}
	return 0
}

// searchCdpath changes to a directory, below one of CDPATH where that
// applies; shown tells that the place is to be printed.
func (sh *shell) searchCdpath(target string, physical bool) (shown bool, err error) {
	cdpath, _ := sh.getVar("CDPATH")
	if cdpath == "" || target[0] == '/' || target == "." || target == ".." ||
		strings.HasPrefix(target, "./") || strings.HasPrefix(target, "../") {
		return false, sh.chdir(target, physical)
	}
	for _, base := range strings.Split(cdpath, ":") {
		if base == "" {
			if sh.chdir(target, physical) == nil {
				return false, nil
			}
			continue
		}
		if sh.chdir(strings.TrimSuffix(base, "/")+"/"+target, physical) == nil {
			return true, nil
		}
	}
	return false, sh.chdir(target, physical)
}

// chdir changes the working directory. Without physical, `..` goes back the
// way that $PWD says.
func (sh *shell) chdir(target string, physical bool) error {
	old := sh.cwd
	logical, open := "", target
	if !physical {
		logical = target
		if err := sh.checkDotDot(target); err != nil {
			return err
		}
		if target[0] != '/' && strings.HasPrefix(old, "/") {
			logical = strings.TrimSuffix(old, "/") + "/" + target
		}
		if logical[0] == '/' {
			logical = cleanPath(logical)
			open = logical
		}
	}
	sh.rt.sweepDirs()
	dir, err := sh.rt.sys.OpenDir(sh.dir, open)
	if err != nil && open != target && len(open) >= syscall.PathMax-1 {
		dir, err = sh.rt.sys.OpenDir(sh.dir, target)
	}
	if err != nil {
		return err
	}
	sh.dir = dir
	if logical == "" || logical[0] != '/' {
		if logical, err = dir.Getcwd(); err != nil {
			logical = target
		}
	}
	sh.cwd = logical
	if old != "" {
		if err := sh.setVar("OLDPWD", old); err != nil {
			return err
		}
	}
	return sh.setVar("PWD", logical)
}

// cleanPath keeps two slashes at the start, which POSIX leaves to the system
// (XBD 4.16), as every shell does.
func cleanPath(p string) string {
	clean := path.Clean(p)
	if strings.HasPrefix(p, "//") && !strings.HasPrefix(p, "///") {
		return "/" + clean
	}
	return clean
}

// checkDotDot makes sure that what stands before each `..` is a directory
// (XCU cd, step 8b).
func (sh *shell) checkDotDot(p string) error {
	parts := strings.Split(p, "/")
	for i, part := range parts {
		before := strings.Join(parts[:i], "/")
		if part != ".." || path.Clean(before) == "." || before == "" || parts[i-1] == ".." {
			continue
		}
		var st syscall.Stat_t
		if err := sh.rt.sys.Stat(sh.dir, before, false, &st); err != nil {
			return err
		}
		if st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
			return syscall.ENOTDIR
		}
	}
	return nil
}

func runPwd(sh *shell, args []string) int {
	physical, _, bad := sh.dirOptions(args)
	if bad != "" {
		return sh.badOption(args[0], bad)
	}
	pwd, err := sh.workingDir(physical)
	if err != nil {
		sh.errorf("pwd: %s", errText(err))
		return 1
	}
	return sh.output("pwd", []byte(pwd+"\n"))
}

// workingDir is the path the shell came by, or what the system says.
func (sh *shell) workingDir(physical bool) (string, error) {
	if !physical && strings.HasPrefix(sh.cwd, "/") {
		return sh.cwd, nil
	}
	return sh.dir.Getcwd()
}

// initPWD sets PWD at start: the inherited value if it names the working
// directory and has no dots, else the physical one.
func (sh *shell) initPWD() {
	pwd, ok := sh.getVar("PWD")
	if !ok || !strings.HasPrefix(pwd, "/") || path.Clean(pwd) != pwd {
		pwd = ""
	}
	if cwd, err := sh.rt.sys.StartPath(pwd); err == nil {
		sh.setOwn("PWD", cwd)
		sh.cwd = cwd
	}
	sh.setAttrs("PWD", attrExport, 0)
}

// dirsPerSweep is how many directories are opened until those that nobody
// uses any more are looked for: they are descriptors, of which a process may
// have few, and the collector knows only of memory.
const dirsPerSweep = 200

func (rt *runtime) sweepDirs() {
	if rt.dirs.Add(1)%dirsPerSweep == 0 {
		goruntime.GC()
	}
}
