package sandbox

import (
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// A process may enter a Landlock domain of its own (landlock_restrict_self(2)).
// The keeper must not help it past that, and must not leave it to make its
// calls itself either: it could change the path after the look. So the keeper
// enters each such domain with a thread of its own, by the same ruleset, and
// what it does for a process it does there. Everything but the deed itself is
// done elsewhere: a thread in a domain may not look into other processes.

// domain is a thread in the view, with the user's rights, less what the
// rulesets take.
type domain struct {
	parent   *domain
	rulesets []int
	work     chan func()
	mask     int // umask of the thread
	at       int // working directory, or 0
}

// What domain a process is in is said by a limit that has no meaning to it,
// that is inherited, and that nobody inside can set (seccompRows): a lower one
// could be that of a later domain, with more rights. No number is given twice.
const (
	rlimitRTTime = 15 // RLIMIT_RTTIME, of real-time processes
	domainMark   = 1 << 62
	maxDomains   = 256
)

// unmarked is what processes have of it at least that have entered none: desktops that
// ask for real time have a low one (rtkit), and so what they start, fsh too.
func unmarked() uint64 {
	var l unix.Rlimit
	if unix.Getrlimit(rlimitRTTime, &l) != nil {
		return 0
	}
	return min(domainMark, l.Max)
}

// stack answers landlock_restrict_self.
func (r *request) stack() verdict {
	if int32(r.n.args[0]) < 0 { // about logging only
		return goOn
	}
	s := r.s
	parent, errno := s.domainOf(r.n.pid)
	if errno != 0 || s.entered+1 >= s.unmarked || !s.roomForDomain() {
		return failed(unix.EPERM)
	}
	ruleset, errno := r.descriptor(int(int32(r.n.args[0])))
	if errno != 0 {
		return failed(errno)
	}
	own, err := unix.FcntlInt(uintptr(ruleset), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return failed(errnoOf(err))
	}
	d := &domain{parent: parent, rulesets: []int{own}, work: make(chan func()), mask: -1}
	if parent != nil {
		d.rulesets = append(append([]int(nil), parent.rulesets...), own)
	}
	entered := make(chan error)
	go d.run(s, entered)
	if err := <-entered; err != nil {
		unix.Close(own)
		return failed(errnoOf(err))
	}
	s.entered++
	s.domains[s.entered] = d
	mark := s.unmarked - s.entered
	if err := unix.Prlimit(int(r.n.pid), rlimitRTTime, &unix.Rlimit{Cur: mark, Max: mark}, nil); err != nil {
		return failed(unix.EPERM)
	}
	return goOn
}

// run is the thread. It lives as long as the supervisor.
func (d *domain) run(s *supervisor, entered chan<- error) {
	runtime.LockOSThread()
	err := s.enter(s.mountNS)
	if err == nil && d.at > 0 {
		err = unix.Fchdir(d.at)
	}
	if err == nil {
		err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
	for _, fd := range d.rulesets {
		if err == nil {
			_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(fd), 0, 0)
			err = errnoOrNothing(errno)
		}
	}
	entered <- err
	if err != nil {
		return
	}
	for f := range d.work {
		f()
	}
}

func errnoOrNothing(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// domainOf is the domain of a process, nil for the session's.
func (s *supervisor) domainOf(pid uint32) (*domain, unix.Errno) {
	if len(s.domains) == 0 {
		return nil, 0
	}
	var limit unix.Rlimit
	if err := unix.Prlimit(int(pid), rlimitRTTime, nil, &limit); err != nil {
		return nil, errnoOf(err)
	}
	if limit.Max >= s.unmarked {
		return nil, 0
	}
	if d := s.domains[s.unmarked-limit.Max]; d != nil {
		return d, 0
	}
	return nil, unix.EACCES
}

// roomForDomain makes room where there is none for another one.
func (s *supervisor) roomForDomain() bool {
	if len(s.domains) >= maxDomains {
		s.dropDomains()
	}
	return len(s.domains) < maxDomains
}

// dropDomains lets those go that no process is in, nor in one below. A process that
// two looks miss, since it forks and ends all the time, is refused what it asks for
// from then on.
func (s *supervisor) dropDomains() {
	used := map[*domain]bool{}
	for range 2 {
		names, err := readNames(s.t.k.base.hostProc, ".")
		if err != nil {
			return
		}
		for _, name := range names {
			pid, err := strconv.ParseUint(name, 10, 31)
			if err != nil {
				continue
			}
			d, _ := s.domainOf(uint32(pid)) // one that may not be asked is none of the session's
			for ; d != nil; d = d.parent {
				used[d] = true
			}
		}
	}
	for number, d := range s.domains {
		if !used[d] {
			s.endDomain(d)
			delete(s.domains, number)
		}
	}
}

// endDomain lets the thread go. Connectors that are about to enter the domain for
// processes that are gone must not find other files by its numbers.
func (s *supervisor) endDomain(d *domain) {
	close(d.work)
	s.connecting.mu.Lock()
	defer s.connecting.mu.Unlock()
	unix.Close(d.rulesets[len(d.rulesets)-1])
	d.rulesets = []int{-1}
}

func (s *supervisor) endDomains() {
	for _, d := range s.domains {
		s.endDomain(d)
	}
}

// act does something in the stead of the process, in its domain and with its
// umask.
func (r *request) act(mask int, deed func() error) (err error) {
	d, errno := r.s.domainOf(r.n.pid)
	if errno != 0 {
		return errno
	}
	have := &r.s.mask
	if d != nil {
		have = &d.mask
	}
	if !r.valid() { // what was looked up by the number was perhaps another process's
		return unix.EPERM
	}
	f := func() {
		if mask >= 0 && *have != mask {
			unix.Umask(mask)
			*have = mask
		}
		err = deed()
	}
	if d == nil {
		f()
		return err
	}
	done := make(chan struct{})
	d.work <- func() {
		defer close(done)
		back, ok := r.become()
		if !ok {
			err = unix.EACCES
			return
		}
		f()
		back()
	}
	<-done
	return err
}
