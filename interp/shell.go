package interp

import (
	"runtime/metrics"
	"sort"
	"syscall"
	"time"

	"mvdan.cc/sh/v3/syntax"
)

// shell is one shell execution environment (XCU 2.12). A subshell is a copy
// that runs in a goroutine of its own; nothing but rt is shared for writing.
type shell struct {
	rt     *runtime
	parent *shell // nil for the main shell; never written through

	vars    table[*variable] // nil value: unset here, whatever the base says
	funcs   table[*function] // nil value: unset
	aliases table[string]    // by the alias and unalias builtins
	hashed  table[string]    // command name → path
	hits    map[string]int   // uses of hashed, in bash
	// hitsShared: a subshell or the parent has the same map
	hitsShared bool

	name   string   // $0
	params []string // $1…
	opts   options
	shopts shopts
	traps  traps
	fds    []*file // virtual descriptor number → open file, nil when closed
	dir    Dir
	cwd    string // logical path of dir; "" when unknown
	umask  uint32
	limits []Limit

	status       int  // $?
	notRead      bool // this is $(<file), without the file
	pipeStatus   []int
	statusBefore int            // $? of the first command of an eval
	calls        int            // of functions so far
	thisCall     int            // number of the call being run, 0 outside
	pseudoSetIn  [3]pseudoPlace // of DEBUG, ERR and RETURN
	debugStatus  int            // of the last DEBUG trap
	exitBefore   int            // $? when the EXIT trap began
	current      syntax.Node    // $BASH_COMMAND: a command, or a statement for its redirections
	entered      *trapEntry     // of the trap being run
	lastBg       int            // $!, 0 when there was none
	late         *lateJob       // what $! is once somebody asks; nil: lastBg
	line         int            // $LINENO of the command being run
	file         string
	ifs          ifsState
	random       uint32
	seeded       bool      // random was assigned
	started      time.Time // zero of $SECONDS
	declArgs     []declArg // operands of the declaration being run
	substFDs     []int     // of process substitutions in this statement
	localeKnown  bool      // localeUTF8 is that of the variables now
	localeUTF8   bool
	idle         *expander       // for the next word; see takeExpander
	disabled     map[string]bool // builtins, by enable -n; copied on write
	accepted     map[string]bool // shopt options without effect; copied on write
	peek         *peekPipe       // for builtins that read from pipes

	jobs *jobTable

	// Of the prompt.
	history     *memory  // nil: of no use yet
	arrayRefs   []string // arguments of builtins that stand in the script as elements
	subscripts  int      // how deep subscripts of values are expanded
	typed       []byte   // lines of the command being read
	interrupted bool     // the last command was
	countEOF    int      // ends of input that -o ignoreeof ignored
	leaveWarned int      // commands for which the warning of stopped jobs holds

	// jump is the control flow left by a builtin or an error, taken by the
	// command that ran it. levels counts the loops still to leave.
	jump      flow
	levels    int
	loopDepth int // enclosing loops in this function
	// paramsSet: set ran in this dot script, not in a function. In bash the
	// parameters it gave then stay, even if the script had its own.
	paramsSet bool
	funcDepth int // enclosing functions and dot scripts
	// functionLimit is bash's $FUNCNEST; 0: none but maxDepth.
	functionLimit int
	evalDepth     int // enclosing eval, ., functions, substitutions: bounded
	frames        []*frame
	selfRefs      bool // some function had a reference to its own name
	callStack     []callSite
	arguments     argumentStack

	// noErrexit counts the contexts in which -e is ignored.
	noErrexit   int
	subLevel    int
	indirect    int    // command substitutions, eval, . and traps around, for -x
	traced      uint32 // the pseudo traps that the function being run finds by declare -ft
	inTrap      uint32 // the pseudo traps being run, from firstPseudoTrap on
	trapExit    bool   // the EXIT trap runs or has run
	substRan    bool   // a command substitution ran: its status is an assignment's
	substStatus int    // the status of the last one
	lastArg     string // $_: the last word of the command before
	unread      int    // the evalDepth of the text that the last syntax error was in
	special     bool   // the builtin being run is special: its errors end a script
	xtraceBusy  bool   // PS4 is being expanded
	traceFD     int    // $BASH_XTRACEFD, 0 when it names no descriptor
	negated     bool   // a ! precedes the condition of [[ ]] being traced

	env         []string // cache for commands; nil when stale
	attn        *attention
	endBy       syscall.Signal
	standIn     StandIn
	completions *completions
	coproc      *coprocess
	// standInGone, if standFor started it, is closed once it is.
	standInGone chan struct{}
	gate        *gate // of standIn
	soloAt      *soloMark
	group       *jobGroup   // of the job that this shell is a part of
	noStop      bool        // in a substitution under job control: not to be stopped
	killed      *fateShared // of a background list: what dies with its stand-in
	stdin       stdinState  // of the commands around, for background lists
	async       bool        // a background list or a process substitution
	scratch     []byte      // output buffer of builtins
	getopts     getoptsState
	dirStack    []dirEntry
}

// trapEntry is where a trap began: exit and return without operand mean that
// status there, the latter unless a function of the trap's own is left.
type trapEntry struct{ status, funcDepth int }

type dirEntry struct{ name string }

// callSite is one entry of FUNCNAME, BASH_LINENO and BASH_SOURCE.
type callSite struct {
	name string
	file string // where the function was defined
	line int    // of the call
}

// function is a defined function. It is immutable.
type function struct {
	name string
	body node
	decl *syntax.FuncDecl // for type, declare -f and the environment
	file string
	line int
	// bodyLine is where the commands begin.
	bodyLine int
	// exported puts it into the environment of commands (bash's export -f).
	exported bool
	traced   bool // inherits the DEBUG and RETURN traps: declare -ft
	readonly bool
}

// flow says how a command ended: zero to go on with the next one.
type flow uint8

const (
	flowNext flow = iota
	flowBreak
	flowContinue
	flowReturn
	flowAbort // to the prompt; ends a script that is not interactive
	flowExit
)

// node is a compiled command. It leaves its exit status in sh.status.
type node func(sh *shell) flow

// maxDepth bounds the nesting of functions, eval, dot scripts and command
// substitutions: a Go stack cannot be recovered once it overflowed.
const maxDepth = 3000

// A level may be as deep as the parser lets text be, and the Go runtime ends the
// program when a stack would grow from 512 MiB to twice that. So all stacks
// together are measured every depthStep levels, which are far from the other half.
const (
	depthStep = 50
	maxStack  = 512 << 20
)

func stackBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// subshell returns a copy of the environment for a subshell. The parent must
// not run until the copy has ended, unless async is set.
func (sh *shell) subshell(async bool) *shell {
	sub := new(shell)
	sh.hitsShared = true
	*sub = *sh
	sub.parent = sh
	if async && sh.history != nil {
		sub.past()
	}
	sub.async = async
	sub.scratch = nil
	sub.idle = nil
	sub.peek = nil
	if async || sh.opts.on(optMonitor) {
		sub.vars = sh.vars.flatten(cloneVariable)
		sub.funcs = sh.funcs.flatten(nil)
		sub.aliases = sh.aliases.flatten(nil)
		sub.hashed = sh.hashed.flatten(nil)
	} else {
		sub.vars = sh.vars.overlay(cloneVariable)
		sub.funcs = sh.funcs.overlay(nil)
		sub.aliases = sh.aliases.overlay(nil)
		sub.hashed = sh.hashed.overlay(nil)
	}
	sub.fds = make([]*file, len(sh.fds))
	for i, f := range sh.fds {
		sub.fds[i] = f.hold()
	}
	sub.frames = sub.cloneFrames()
	sub.attn = newAttention()
	sub.jobs = sh.jobs.forSubshell()
	sub.traps = sh.traps.forSubshell(sh.opts)
	sub.subLevel++
	if sh.bash() {
		sub.loopDepth = 0 // elsewhere break and continue end the subshell
	}
	sub.trapExit = false
	sub.inTrap = 0
	sub.standIn, sub.standInGone, sub.gate = nil, nil, nil
	sub.soloAt = nil
	sub.callStack = sh.callStack[:len(sh.callStack):len(sh.callStack)]
	sub.dirStack = sh.dirStack[:len(sh.dirStack):len(sh.dirStack)]
	sub.rt.enter(sub)
	if sub.group != nil {
		sub.group.enter(sub)
	}
	return sub
}

// close releases what a subshell holds. Background jobs live on.
func (sh *shell) close() {
	for i, f := range sh.fds {
		f.drop()
		sh.fds[i] = nil
	}
	sh.peek.close()
	sh.peek = nil
	sh.rt.leave(sh)
	if sh.standInGone != nil && sh.standIn.End(sh.status) == nil && !sh.rt.sys.CheapStandIns() {
		<-sh.standInGone
	}
	if sh.group != nil {
		sh.group.leave(sh)
	}
	sh.attn.wake.close()
	if sh.parent != nil && !sh.async {
		sh.parent.childEnded() // what runs in the background is a job
	}
}

// newChild is a job of which the main shell hears as of a process.
func (sh *shell) newChild(text string) *job {
	j := newJob(text)
	j.raise = sh.childEnded
	return j
}

// childEnded raises SIGCHLD for what would be a child of this shell.
func (sh *shell) childEnded() {
	if sh.parent == nil {
		sh.rt.childEnded()
	} else if sh.traps.disposition(syscall.SIGCHLD) == trapCommand {
		sh.attn.raise(syscall.SIGCHLD)
	}
}

// deeper enters one level of nesting; leave with sh.evalDepth--.
func (sh *shell) deeper(what string) bool {
	switch {
	case sh.evalDepth >= maxDepth:
		sh.errorf("%s: maximum nesting depth (%d) exceeded", what, maxDepth)
	case sh.evalDepth%depthStep == depthStep-1 && stackBytes() >= maxStack:
		sh.errorf("%s: maximum nesting depth exceeded: %d MiB of stack", what, maxStack>>20)
	default:
		sh.evalDepth++
		return true
	}
	sh.status = 2
	return false
}

// flags is the value of $-.
func (sh *shell) flags() string {
	b := make([]byte, 0, 8)
	for _, o := range optionTable {
		if o.letter != 0 && sh.opts.on(o.bit) {
			b = append(b, o.letter)
		}
	}
	if sh.rt.bash { // small letters, capitals, then how it was started
		sort.Slice(b, func(i, j int) bool { return flagOrder(b[i]) < flagOrder(b[j]) })
	}
	return string(b)
}

func flagOrder(c byte) int {
	switch {
	case c == 'c' || c == 's':
		return 512 + int(c)
	case c < 'a':
		return 256 + int(c)
	}
	return int(c)
}
