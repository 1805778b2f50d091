package interp

import "syscall"

// System is the only door from the shell to the operating system. The shell
// never opens, stats, forks or signals by any other way, so whatever confines
// the System confines redirections, globs, `.`, `cd` and `test` exactly as it
// confines external commands.
//
// Paths are byte strings as the script wrote them; a relative path is relative
// to the Dir that goes with it. Errors are bare syscall.Errno values wherever
// the kernel gave one. All methods may be called from several goroutines.
//
// Numbers of processes are the ones that the commands themselves see.
type System interface {
	// Pid is the value of $$, Ppid that of $PPID.
	Pid() int
	Ppid() int

	// Start asks for a program to be executed. It does not wait for the
	// outcome: a failure to execute is reported by Process.Wait (and Pid).
	Start(*Command) (Process, error)
	// Exec is Start for the exec builtin: the program takes the number $$
	// where it can, and Exec returns only if it could not be executed (with
	// the error) or after it has ended (with its status). The plain System
	// replaces the process and returns only on error.
	Exec(*Command) (syscall.WaitStatus, error)
	// StandIn starts a process that does nothing, for a job that the shell
	// runs itself but which needs a number, a process group or signals.
	StandIn(*Command) (StandIn, error)
	// CheapStandIns tells that a stand-in is a Parent, that it starts programs for
	// no more than Start costs, and that after End, Kill finds it gone, whether
	// that was waited for or not.
	CheapStandIns() bool
	// Kill is kill(2): pid may be 0, -1 or a negated process group.
	Kill(pid int, sig syscall.Signal) error
	// Signals delivers signals that were sent to $$ by number and reached
	// another process than this one. The shell handles them as its own.
	Signals() <-chan syscall.Signal

	// Open is openat(2). Mode has the umask applied by the callee. The
	// descriptor is close-on-exec and blocking; it belongs to the caller.
	Open(*OpenRequest) (fd int, err error)
	// Stat is fstatat(2); with nofollow, lstat(2).
	Stat(d Dir, path string, nofollow bool, st *syscall.Stat_t) error
	// StatAll is one Stat (following) per path, in one round trip. errs and
	// sts have the length of paths.
	StatAll(d Dir, paths []string) (sts []syscall.Stat_t, errs []error)
	// ReadDirs reads several directories in few round trips: per path what
	// getdents64(2) gave, or nil for one that is large or cannot be read,
	// which the caller opens to see.
	ReadDirs(d Dir, paths []string) [][]byte
	// Access is faccessat(2) with AT_EACCESS; mode is R_OK|W_OK|X_OK.
	Access(d Dir, path string, mode uint32) error
	Readlink(d Dir, path string) (string, error)
	Mkfifo(d Dir, path string, mode, umask uint32) error

	// Start directory, and a directory below another one (for cd). A System
	// may open the start directory only when it is first needed. OpenDir
	// checks search permission as chdir(2) does. A System may apply another
	// policy from here on; it is a property of the Dir.
	StartDir() (Dir, error)
	// StartPath is the path of the start directory: inherited, a cleaned
	// absolute path, if that leads there, else the physical one (XCU sh, PWD).
	// It is asked before anything has run.
	StartPath(inherited string) (string, error)
	OpenDir(d Dir, path string) (Dir, error)

	// HomeOf is the home directory of a user name, for ~name.
	HomeOf(user string) (home string, ok bool)
	// ChildTimes is the user and system time of all children that ended.
	ChildTimes() (user, system syscall.Timeval)
}

// Dir is an open working directory. It is immutable and shared freely between
// subshells; it is released when unreachable.
type Dir interface {
	// Getcwd is the physical path as getcwd(2) gives it, ENOENT when the
	// directory was removed.
	Getcwd() (string, error)
}

// Where tells what in the script caused a request, for events and denials.
type Where struct {
	File string // script name as the user gave it; "-c", "stdin"
	Line int    // 1-based; 0 when unknown
	Name string // command or builtin, for example "cat", "test", ">"
}

// Command is one program to execute.
type Command struct {
	// Paths are tried in order as execvp(3) does (ENOENT, ENOTDIR and EACCES
	// go on to the next, EACCES is remembered); usually there is one. They
	// are used as they are, never searched in PATH.
	Paths []string
	Argv  []string
	Env   []string // complete, NAME=value
	Dir   Dir
	// Files maps descriptors of the new program to descriptors of this
	// process. Everything else is closed. They stay the caller's.
	Files []FileMap
	Umask uint32
	// Ignored are the signals that start ignored; all others start with the
	// default action.
	Ignored []syscall.Signal
	// Limits of setrlimit(2) that differ from those fsh was started with.
	Limits []Limit
	// Group: -1 stays in the shell's process group, 0 makes a new one, any
	// other number joins that one.
	Group int
	// Terminal, if >= 0, is this process's descriptor of the controlling
	// terminal, whose foreground group the command's group becomes before
	// the program runs. The shell takes it back itself.
	Terminal int
	// Alone says, for Exec, that nothing else in the shell runs or awaits
	// programs: the program can have what the shell has for them.
	Alone bool
	// Report asks for more than the end, in exchange for a round trip.
	Report Report
	Where  Where
}

// Report says what a Process tells before its end.
type Report uint8

const (
	ReportStart Report = 1 << iota // Pid answers as soon as the program runs
	ReportStops                    // Wait returns stops and continues too
)

// FileMap says that descriptor Child of a new program is descriptor FD here.
type FileMap struct{ Child, FD int }

// Limit is one resource limit.
type Limit struct {
	Resource int // RLIMIT_*
	Cur, Max uint64
}

// Process is a started command.
type Process interface {
	// Pid waits until the program runs and returns its number. Without
	// ReportStart it may wait until the end. The error is that of execve(2).
	Pid() (int, error)
	// Wait returns the next change of state; after an exit or death by
	// signal it must not be called again. The error is that of execve(2)
	// (ENOENT, EACCES, ENOEXEC, E2BIG …) or tells that the System is gone.
	Wait() (syscall.WaitStatus, *syscall.Rusage, error)
}

// StandIn is a process that stands for a job run inside the shell.
type StandIn interface {
	Process
	// Catch sets the signals that are reported on Signals instead of taking
	// their default action, and those that are ignored.
	Catch(caught, ignored []syscall.Signal) error
	// Signals may give 0, which means nothing.
	Signals() <-chan syscall.Signal
	// End makes it exit with the status; Wait then reports it.
	End(status int) error
}

// OpenRequest is one openat(2).
type OpenRequest struct {
	Dir   Dir
	Path  string
	Flags int    // O_*; O_CLOEXEC and O_NOCTTY are added
	Mode  uint32 // for O_CREAT
	Umask uint32
	// Cancel, when closed, interrupts an open that blocks (a fifo); Open
	// then returns EINTR. Nil: never.
	Cancel <-chan struct{}
	Where  Where
}
