package interp

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// dynamic computes a variable that has no stored value. After an assignment
// or unset some lose what makes them special, as in bash.
func (sh *shell) dynamic(name string, v *variable) *variable {
	scalar := func(s string) *variable {
		return &variable{value: s, attrs: v.attrs | attrSet, hook: v.hook}
	}
	switch name {
	case "LINENO":
		return scalar(strconv.Itoa(sh.line))
	case "RANDOM":
		return scalar(strconv.Itoa(int(sh.nextRandom())))
	case "SRANDOM":
		var b [4]byte
		rand.Read(b[:])
		return scalar(strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b[:])), 10))
	case "SECONDS":
		return scalar(strconv.Itoa(int(time.Since(sh.started).Seconds())))
	case "EPOCHSECONDS":
		return scalar(strconv.FormatInt(time.Now().Unix(), 10))
	case "EPOCHREALTIME":
		now := time.Now()
		return scalar(fmt.Sprintf("%d.%06d", now.Unix(), now.Nanosecond()/1000))
	case "_":
		return scalar(sh.lastArg)
	case "BASHPID":
		return scalar(strconv.Itoa(sh.pid()))
	case "BASH_COMMAND":
		if sh.current == nil {
			return nil
		}
		return scalar(headText(sh.current))
	case "SHELLOPTS":
		return scalar(sh.optionNames())
	case "BASHOPTS":
		return scalar(sh.shoptNames())
	case "BASH_SUBSHELL":
		return scalar(strconv.Itoa(sh.subLevel))
	case "SHELL": // only if the environment has none
		if v.value != "" {
			return scalar(v.value)
		}
		return scalar(sh.loginShell())
	}
	return sh.dynamicArray(name, v)
}

// dynamicArrays are those dynamic variables that are arrays.
var dynamicArrays = map[string]attr{
	"PIPESTATUS": attrIndexed, "DIRSTACK": attrIndexed, "FUNCNAME": attrIndexed, "BASH_SOURCE": attrIndexed,
	"BASH_ALIASES": attrAssoc, "BASH_CMDS": attrAssoc,
	"BASH_LINENO": attrIndexed, "BASH_ARGC": attrIndexed, "BASH_ARGV": attrIndexed,
}

// unlisted are the dynamic variables that lists of all values do not have: bash
// computes them when they are asked for, and scripts compare such lists.
var unlisted = map[string]bool{
	"BASHPID": true, "BASH_COMMAND": true, "BASH_SUBSHELL": true, "EPOCHREALTIME": true, "EPOCHSECONDS": true,
	"LINENO": true, "RANDOM": true, "SECONDS": true, "SRANDOM": true,
}

// listed is a variable as lists of all of them show it: bash computes some of
// the dynamic ones only when they are asked for by name.
func (sh *shell) listed(name string, v *variable) *variable {
	if v.hook != hookDynamic {
		return v
	}
	if name == "DIRSTACK" {
		return &variable{array: &indexedArray{}, attrs: v.attrs}
	}
	if now := sh.dynamic(name, v); now != nil {
		return now
	}
	return &variable{attrs: v.attrs &^ attrSet}
}

func (sh *shell) dynamicArray(name string, v *variable) *variable {
	if dynamicArrays[name] == attrAssoc {
		return &variable{assoc: sh.nameTable(name), attrs: v.attrs | attrSet | attrAssoc, hook: v.hook}
	}
	a := &indexedArray{}
	switch name {
	case "PIPESTATUS":
		for i, s := range sh.pipeStatuses() {
			a.set(i, strconv.Itoa(s))
		}
	case "BASH_ARGC", "BASH_ARGV":
		a = sh.arguments.array(name)
	case "DIRSTACK":
		for i, d := range sh.directories() {
			a.set(i, d)
		}
	default:
		n := len(sh.callStack)
		for i := range n {
			site := sh.callStack[n-1-i]
			switch name {
			case "FUNCNAME":
				a.set(i, site.name)
			case "BASH_SOURCE":
				a.set(i, shownFile(site.file))
			case "BASH_LINENO":
				a.set(i, strconv.Itoa(site.line))
			}
		}
		switch {
		case name == "FUNCNAME" && sh.thisCall == 0: // what . reads is no function
			return nil
		case sh.rt.script == "": // there is no main
		case name == "FUNCNAME":
			a.set(n, "main")
		case name == "BASH_SOURCE":
			a.set(n, sh.rt.script)
		case name == "BASH_LINENO":
			a.set(n, "0")
		}
	}
	return &variable{array: a, attrs: v.attrs | attrSet | attrIndexed, hook: v.hook}
}

// shownFile is what bash calls the source of a function.
func shownFile(file string) string {
	switch file {
	case "-c":
		return "environment"
	case "stdin":
		return "main"
	}
	return file
}

// loginShell is that of the user in passwd(5).
func (sh *shell) loginShell() string {
	text, err := sh.readScript("/etc/passwd", "SHELL")
	if err != nil {
		return defaultShell
	}
	uid := strconv.Itoa(syscall.Getuid())
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(fields) == 7 && fields[2] == uid && fields[6] != "" {
			return fields[6]
		}
	}
	return defaultShell
}

// defaultShell is the login shell of accounts that name none, passwd(5).
const defaultShell = "/bin/sh"

// pipeStatuses is PIPESTATUS: a single command is a pipeline of one.
func (sh *shell) pipeStatuses() []int {
	if sh.pipeStatus == nil {
		return []int{sh.status}
	}
	return sh.pipeStatus
}

// nextRandom is 0…32767: the generator of Park and Miller (CACM 31, 1988),
// folded as bash does it, since scripts seed it to have the same numbers again.
func (sh *shell) nextRandom() uint32 {
	if !sh.seeded {
		var b [4]byte
		rand.Read(b[:])
		sh.random, sh.seeded = binary.LittleEndian.Uint32(b[:])>>1, true
	}
	if sh.random == 0 {
		sh.random = 123459876
	}
	sh.random = uint32(uint64(sh.random) * 16807 % 2147483647)
	return (sh.random>>16 ^ sh.random) & 0x7fff
}

// setDynamic is called after an assignment to a dynamic variable.
func (sh *shell) setDynamic(name string) {
	v, ok := sh.vars.owned(name)
	if !ok || v == nil {
		return
	}
	switch name {
	case "RANDOM":
		n, _ := strconv.ParseInt(v.value, 10, 64)
		sh.random, sh.seeded = uint32(n), true
	case "SECONDS":
		n, _ := strconv.Atoi(v.value)
		sh.started = time.Now().Add(-time.Duration(n) * time.Second)
	case "BASH_ALIASES", "BASH_CMDS":
		if v.assoc != nil {
			sh.fillNames(name, v.assoc)
			v.assoc = nil
		}
	case "DIRSTACK":
		if v.array != nil {
			sh.replaceDirectories(v.array)
			v.array = nil
		}
	}
}

// optionNames is SHELLOPTS: the set -o options that are on.
func (sh *shell) optionNames() string {
	var names []string
	for _, o := range optionTable {
		if o.name != "" && sh.opts.on(o.bit) {
			names = append(names, o.name)
		}
	}
	return strings.Join(names, ":")
}

// shoptNames is BASHOPTS: the shopt options that are on.
func (sh *shell) shoptNames() string {
	var names []string
	for _, o := range shoptTable {
		names = append(names, o.name)
	}
	for name := range shoptAccepted {
		names = append(names, name)
	}
	sort.Strings(names)
	on := names[:0]
	for _, name := range names {
		if is, _ := sh.shoptState(name, false); is {
			on = append(on, name)
		}
	}
	return strings.Join(on, ":")
}

// pid is the number of this environment's process: that of the stand-in, if
// it has one.
func (sh *shell) pid() int {
	if sh.parent != nil && sh.standIn == nil && !sh.leadsAlone() {
		sh.standFor(ReportStart)
	}
	for s := sh; s != nil; s = s.parent {
		if pid := s.ownPid(); pid != 0 {
			return pid
		}
	}
	return sh.rt.sys.Pid()
}

// aliasBuckets is the size of bash's table of aliases, see assocArray.
const aliasBuckets = 64

// nameTable is the value of BASH_ALIASES and of BASH_CMDS.
func (sh *shell) nameTable(name string) *assocArray {
	if name == "BASH_ALIASES" {
		a := &assocArray{first: aliasBuckets}
		for _, alias := range sh.aliasNames() {
			text, _ := sh.alias(alias)
			a.set(alias, text)
		}
		return a
	}
	a := &assocArray{first: hashBuckets}
	var names []string
	sh.hashed.each(func(command, path string) {
		if path != "" {
			names = append(names, command)
		}
	})
	sort.Strings(names)
	for _, command := range names {
		path, _ := sh.hashed.get(command)
		a.set(command, path)
	}
	return a
}

// fillNames is an assignment to BASH_ALIASES or BASH_CMDS; a restricted shell
// may not say where commands are.
func (sh *shell) fillNames(name string, a *assocArray) {
	for _, k := range a.keys {
		switch {
		case name == "BASH_ALIASES" && !validAlias(k):
			sh.errorf("%s: invalid alias name", k)
		case name == "BASH_ALIASES":
			sh.aliases.set(k, a.vals[k])
		case sh.mayPlace(a.vals[k]):
			sh.hashed.set(k, a.vals[k])
			sh.hit(k, -sh.hits[k])
		}
	}
}
