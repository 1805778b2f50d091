package interp

// options is the set of `set -o` options that are on.
type options uint32

func (o options) on(bit options) bool { return o&bit != 0 }

const (
	optErrexit options = 1 << iota
	optNounset
	optXtrace
	optNoexec
	optVerbose
	optNoglob
	optAllexport
	optNoclobber
	optMonitor
	optNotify
	optHashall
	optPipefail
	optIgnoreeof
	optNolog
	optVi
	optEmacs
	optPosix
	optErrtrace
	optFunctrace
	optPrivileged
	optPhysical
	optBraceexpand
	optHistexpand
	optComments // of no effect in scripts
	optOnecmd
	optHistory
	optKeyword
	optRestricted
	optInteractive // -i: set at start only
	optStdin       // -s: set at start only
	optCommand     // -c: set at start only
)

// optionTable lists the options in the order of `set -o`. fixed ones are
// shown in $- but cannot be changed by set.
var optionTable = []struct {
	name   string
	letter byte
	bit    options
	fixed  bool
}{
	{"allexport", 'a', optAllexport, false},
	{"braceexpand", 'B', optBraceexpand, false},
	{"emacs", 0, optEmacs, false},
	{"errexit", 'e', optErrexit, false},
	{"errtrace", 'E', optErrtrace, false},
	{"functrace", 'T', optFunctrace, false},
	{"hashall", 'h', optHashall, false},
	{"histexpand", 'H', optHistexpand, false},
	{"history", 0, optHistory, false},
	{"ignoreeof", 0, optIgnoreeof, false},
	{"interactive-comments", 0, optComments, false},
	{"keyword", 'k', optKeyword, false},
	{"monitor", 'm', optMonitor, false},
	{"noclobber", 'C', optNoclobber, false},
	{"noexec", 'n', optNoexec, false},
	{"noglob", 'f', optNoglob, false},
	{"nolog", 0, optNolog, false},
	{"notify", 'b', optNotify, false},
	{"nounset", 'u', optNounset, false},
	{"onecmd", 't', optOnecmd, false},
	{"physical", 'P', optPhysical, false},
	{"pipefail", 0, optPipefail, false},
	{"posix", 0, optPosix, false},
	{"privileged", 'p', optPrivileged, false},
	{"", 'r', optRestricted, false},
	{"verbose", 'v', optVerbose, false},
	{"vi", 0, optVi, false},
	{"xtrace", 'x', optXtrace, false},
	{"", 'i', optInteractive, true},
	{"", 's', optStdin, true},
	{"", 'c', optCommand, true},
}

func optionByName(name string) (options, bool) {
	for _, o := range optionTable {
		if o.name == name && name != "" {
			return o.bit, true
		}
	}
	return 0, false
}

func optionByLetter(c byte) (options, bool) {
	for _, o := range optionTable {
		if o.letter == c && !o.fixed {
			return o.bit, true
		}
	}
	return 0, false
}

// shopts is the set of bash's `shopt` options that are on.
type shopts uint32

func (o shopts) on(bit shopts) bool { return o&bit != 0 }

const (
	shoptNullglob shopts = 1 << iota
	shoptFailglob
	shoptDotglob
	shoptNocaseglob
	shoptNocasematch
	shoptGlobstar
	shoptExtglob
	shoptExpandAliases
	shoptLastpipe
	shoptInheritErrexit
	shoptXpgEcho
	shoptSourcepath
	shoptExtdebug
	shoptLocalvarInherit
	shoptGlobskipdots
	shoptVarredirClose
)

// shoptTable lists the options of shopt that change something here. accepted
// ones that change nothing in a script (checkwinsize and the like) are known
// to the shopt builtin alone.
var shoptTable = []struct {
	name string
	bit  shopts
}{
	{"dotglob", shoptDotglob},
	{"expand_aliases", shoptExpandAliases},
	{"extdebug", shoptExtdebug},
	{"extglob", shoptExtglob},
	{"failglob", shoptFailglob},
	{"globskipdots", shoptGlobskipdots},
	{"globstar", shoptGlobstar},
	{"inherit_errexit", shoptInheritErrexit},
	{"lastpipe", shoptLastpipe},
	{"localvar_inherit", shoptLocalvarInherit},
	{"nocaseglob", shoptNocaseglob},
	{"nocasematch", shoptNocasematch},
	{"nullglob", shoptNullglob},
	{"sourcepath", shoptSourcepath},
	{"varredir_close", shoptVarredirClose},
	{"xpg_echo", shoptXpgEcho},
}

// bash reports whether the dialect is bash's rather than POSIX's where the
// two contradict each other.
func (sh *shell) bash() bool { return sh.rt.bash && !sh.opts.on(optPosix) }

func (sh *shell) interactive() bool { return sh.opts.on(optInteractive) }

// prompting reports whether errors lead back to a prompt: a subshell of an
// interactive shell has none, and ends.
func (sh *shell) prompting() bool { return sh.interactive() && sh.parent == nil }
