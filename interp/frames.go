package interp

import "slices"

// frame remembers what to restore when a function, or a command with prefix
// assignments, ends: variables have dynamic scope.
type frame struct {
	saved    []savedVariable
	opts     options // for `local -`
	saveOpts bool
	function bool // false: only the prefix assignments of one command
	// around is what saved was in the shell that a subshell comes from.
	around []savedVariable
	// hidden are the hiddenExports of the shell that a subshell comes from.
	hidden []string
}

type savedVariable struct {
	name string
	v    *variable
	own  bool // was in the shell's own table, not below it
	// offset is getopts' place within an argument, which belongs to OPTIND.
	offset int
}

// pushFrame opens a scope.
func (sh *shell) pushFrame(function bool) *frame {
	f := &frame{function: function}
	sh.frames = append(sh.frames, f)
	return f
}

// popFrame restores what the innermost scope saved, last first.
func (sh *shell) popFrame() {
	f := sh.frames[len(sh.frames)-1]
	sh.frames = sh.frames[:len(sh.frames)-1]
	for i := len(f.saved) - 1; i >= 0; i-- {
		sh.restore(f.saved[i])
	}
	if f.saveOpts {
		if was := f.opts & optIgnoreeof; was != sh.opts&optIgnoreeof {
			sh.switchOption(optIgnoreeof, was != 0) // and its variable
		}
		sh.opts = f.opts
	}
}

func (sh *shell) restore(s savedVariable) {
	now, _ := sh.vars.get(s.name)
	if now.is(attrExport) || s.v.is(attrExport) {
		sh.env = nil
	}
	if s.own {
		sh.vars.set(s.name, s.v)
	} else {
		sh.vars.forget(s.name)
	}
	h := hookNone
	if now != nil {
		h = now.hook
	} else if s.v != nil {
		h = s.v.hook
	}
	if h != hookNone && h != hookDynamic {
		sh.touch(s.name, h)
	}
	if s.name == "OPTIND" {
		sh.getopts.offset = s.offset
	}
}

// save remembers a variable in a scope, once, and leaves a copy in place.
func (sh *shell) save(f *frame, name string) {
	if f.has(name) {
		return
	}
	own, ok := sh.vars.owned(name)
	f.saved = append(f.saved, savedVariable{name: name, v: own, own: ok, offset: sh.getopts.offset})
	if ok {
		sh.vars.set(name, cloneVariable(own))
	}
}

// unsetOuter unsets a local variable of a calling function: what it hid shows
// again. It reports false if the name is no such variable.
func (sh *shell) unsetOuter(name string) bool {
	inner := true
	for i := len(sh.frames) - 1; i >= 0; i-- {
		f := sh.frames[i]
		for j, s := range f.saved {
			if s.name != name {
				continue
			}
			if inner || !f.function {
				return false
			}
			f.saved = append(f.saved[:j], f.saved[j+1:]...)
			sh.restore(s)
			return true
		}
		inner = inner && !f.function
	}
	return false
}

// keep lets the value that a special builtin's prefix assigns to a variable
// outlive the prefix of the function's call, as it does in bash's posix mode.
func (sh *shell) keep(name string) {
	for i := len(sh.frames) - 1; i >= 0; i-- {
		f := sh.frames[i]
		for j, s := range f.saved {
			if s.name != name {
				continue
			}
			if !f.function {
				f.saved = append(f.saved[:j], f.saved[j+1:]...)
			}
			return
		}
	}
}

// has reports whether a name is one of the scope's.
func (f *frame) has(name string) bool {
	return slices.ContainsFunc(f.saved, func(s savedVariable) bool { return s.name == name })
}

// localFrame is the scope of the function being run, nil outside of one.
func (sh *shell) localFrame() *frame {
	for i := len(sh.frames) - 1; i >= 0; i-- {
		if sh.frames[i].function {
			return sh.frames[i]
		}
	}
	return nil
}

// cloneFrames gives a subshell scopes of its own, so that `local` works in
// it. What they would restore does not matter: a subshell ends in them.
func (sh *shell) cloneFrames() []*frame {
	if sh.localFrame() == nil {
		return nil
	}
	f := sh.localFrame()
	around := append(slices.Clone(f.around), f.saved...)
	if sh.selfRefs {
		for i := range around { // which references to their own names mean
			around[i].v, around[i].own = cloneVariable(around[i].v), true
		}
	}
	return []*frame{{function: true, hidden: sh.hiddenExports(), around: around}}
}

// ifsState is $IFS prepared for splitting.
type ifsState struct {
	set   bool
	chars string
	first string // what "$*" joins with
	class [256]ifsClass
	high  bool // has bytes from 0x80
}

type ifsClass uint8

const (
	ifsNone  ifsClass = iota
	ifsWhite          // IFS white space
	ifsOther          // a delimiter by itself
)

func newIFS(s string, set bool) ifsState {
	if !set {
		s = " \t\n"
	}
	st := ifsState{set: set, chars: s}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ', '\t', '\n':
			st.class[s[i]] = ifsWhite
		default:
			st.class[s[i]] = ifsOther
			st.high = st.high || s[i] >= 0x80
		}
	}
	if s != "" {
		st.first = s[:1]
	}
	return st
}
