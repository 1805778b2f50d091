package interp

import (
	"strconv"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/syntax"
)

// redir is a compiled redirection.
type redir struct {
	fd      int    // -1 with a variable
	varName string // {name}>
	op      syntax.RedirOperator
	word    *word
	source  *syntax.Word // of word, for messages
	doc     *word        // here-document
	line    int
}

func (c *compiler) redirects(list []*syntax.Redirect) []redir {
	out := make([]redir, 0, len(list))
	for _, r := range list {
		out = append(out, c.redir(r))
	}
	return out
}

func (c *compiler) redir(r *syntax.Redirect) redir {
	out := redir{op: r.Op, fd: defaultFD(r.Op), line: int(r.Pos().Line())}
	if r.N != nil {
		if n, err := strconv.Atoi(r.N.Value); err == nil {
			out.fd = n
		} else {
			out.fd, out.varName = -1, strings.Trim(r.N.Value, "{}")
		}
	}
	switch r.Op {
	case syntax.Hdoc, syntax.DashHdoc:
		out.doc = compileHeredoc(c, r.Hdoc, quotedWord(r.Word))
	default:
		out.word, out.source = compileWord(c, r.Word), r.Word
	}
	return out
}

// target expands the word after the operator: to one string in POSIX, to
// exactly one field in bash.
func (r *redir) target(sh *shell) (string, error) {
	if r.word.constant && r.word.braces == nil || !sh.bash() {
		text, err := r.word.str(sh)
		if err != nil {
			return "", &wordError{err}
		}
		return text, nil
	}
	fields, err := r.word.fields(sh, nil)
	if err != nil {
		return "", err
	}
	if len(fields) != 1 {
		return "", &nameError{printNode(r.source), "ambiguous redirect"}
	}
	return fields[0], nil
}

func defaultFD(op syntax.RedirOperator) int {
	switch op {
	case syntax.RdrIn, syntax.RdrInOut, syntax.DplIn, syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
		return 0
	}
	return 1
}

func quotedWord(w *syntax.Word) bool {
	for _, p := range w.Parts {
		lit, ok := p.(*syntax.Lit)
		if !ok || strings.ContainsRune(lit.Value, '\\') {
			return true
		}
	}
	return false
}

// savedFiles is what redirections replaced. keep marks those of exec, which
// stay.
type savedFiles struct {
	list []savedFile
	keep bool
}

type savedFile struct {
	fd int
	f  *file
}

// redirError names what a redirection was to open.
type redirError struct {
	what    string
	err     error
	reading bool
}

// wordError is an expansion error in the word of a redirection: no failed
// redirection, but what ends a script (XCU 2.8.1).
type wordError struct{ err error }

func (e *wordError) Error() string { return e.err.Error() }

func (e *wordError) Unwrap() error { return e.err }

func (e *redirError) Error() string { return e.what + ": " + errText(e.err) }

// redirected runs a compound command with redirections; fail acts on the status
// if these fail.
func redirected(rs []redir, n node, fail func(*shell) flow) node {
	return func(sh *shell) flow {
		var saved savedFiles
		if err := sh.redirect(rs, &saved); err != nil {
			sh.undo(&saved)
			line := sh.line
			sh.line = rs[len(rs)-1].line // the message is of what stands at the end
			f := sh.redirectFailed(err)
			sh.line = line
			if f != flowNext {
				return f
			}
			return fail(sh)
		}
		stdin := sh.stdin
		if takesInput(rs) {
			sh.stdin = stdinGiven
		}
		f := n(sh)
		sh.stdin = stdin
		sh.undo(&saved)
		return f
	}
}

// stdinState is whether a compound command or a pipe around gives standard
// input: then bash leaves it to background lists.
type stdinState uint8

const (
	stdinOwn   stdinState = iota // the shell's own
	stdinGiven                   // by a compound command's redirection
	stdinPiped
)

func takesInput(rs []redir) bool {
	for i := range rs {
		if rs[i].fd == 0 && rs[i].varName == "" {
			return true
		}
	}
	return false
}

// ownInput makes a subshell without redirections start anew.
func ownInput(n node) node {
	return func(sh *shell) flow {
		stdin := sh.stdin
		if stdin == stdinGiven {
			sh.stdin = stdinOwn
		}
		f := n(sh)
		sh.stdin = stdin
		return f
	}
}

func (sh *shell) redirect(rs []redir, saved *savedFiles) error {
	for i := range rs {
		r := &rs[i]
		sh.line = max(sh.line, 0)
		if err := sh.redirectOne(r, saved); err != nil {
			return err
		}
	}
	return nil
}

// undo restores descriptors, last first.
func (sh *shell) undo(saved *savedFiles) {
	for i := len(saved.list) - 1; i >= 0; i-- {
		s := saved.list[i]
		sh.setFile(s.fd, s.f).drop()
	}
	saved.list = nil
}

// forget makes redirections permanent.
func (sh *shell) forget(saved *savedFiles) {
	for _, s := range saved.list {
		s.f.drop()
	}
	saved.list = nil
}

// put installs f (owned; nil closes) and remembers what was there.
func (sh *shell) put(fd int, f *file, saved *savedFiles) {
	saved.list = append(saved.list, savedFile{fd, sh.setFile(fd, f)})
}

func (sh *shell) redirectOne(r *redir, saved *savedFiles) error {
	if r.doc != nil {
		body, err := r.doc.str(sh)
		if err != nil {
			return &wordError{err}
		}
		return sh.hereDoc(r, body, saved)
	}
	if r.op == syntax.WordHdoc {
		text, err := r.word.str(sh)
		if err != nil {
			return &wordError{err}
		}
		return sh.hereDoc(r, text+"\n", saved)
	}
	target, err := r.target(sh)
	if err != nil {
		return err
	}
	switch r.op {
	case syntax.DplIn, syntax.DplOut:
		return sh.duplicate(r, target, saved)
	case syntax.RdrAll, syntax.AppAll, syntax.RdrAllClob, syntax.AppAllClob:
		return sh.redirectBoth(r, target, saved)
	}
	f, err := sh.openRedirect(r.op, target)
	if err != nil {
		return &redirError{what: target, err: err, reading: r.op == syntax.RdrIn}
	}
	return sh.install(r, f, saved)
}

// install puts a freshly opened file at the redirection's descriptor.
func (sh *shell) install(r *redir, f *file, saved *savedFiles) error {
	fd := r.fd
	if r.varName != "" {
		fd = sh.freeFD(10)
		err := error(&redirError{what: r.varName, err: syscall.EMFILE})
		if uint64(fd) < sh.limitOf(rlimitNofile).Cur {
			err = sh.assignTo(r.varName, strconv.Itoa(fd))
		}
		if err != nil {
			f.drop()
			return err
		}
		if sh.shopts.on(shoptVarredirClose) {
			sh.put(fd, f, saved)
			return nil
		}
		// bash: a descriptor in a variable outlives the command.
		sh.setFile(fd, f).drop()
		return nil
	}
	if fd >= maxFD {
		f.drop()
		return &redirError{what: strconv.Itoa(fd), err: syscall.EBADF}
	}
	sh.put(fd, f, saved)
	return nil
}

func (sh *shell) freeFD(from int) int {
	for sh.fdFile(from) != nil {
		from++
	}
	return from
}

// duplicate is n<&word and n>&word.
func (sh *shell) duplicate(r *redir, target string, saved *savedFiles) error {
	fd := r.fd
	if r.varName != "" && target == "-" {
		s, err := sh.valueOf(r.varName)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			return &redirError{what: s, err: syscall.EBADF}
		}
		sh.setFile(n, nil).drop()
		return nil
	}
	if target == "-" {
		sh.put(fd, nil, saved)
		return nil
	}
	move := strings.HasSuffix(target, "-")
	from, err := strconv.Atoi(strings.TrimSuffix(target, "-"))
	if err != nil || from < 0 {
		if r.op == syntax.DplOut && r.fd == 1 && r.varName == "" && sh.rt.bash {
			return sh.redirectBoth(r, target, saved)
		}
		return &redirError{what: r.spelled(sh, target), err: syscall.EBADF}
	}
	f := sh.fdFile(from)
	if f == nil {
		return &redirError{what: r.spelled(sh, strconv.Itoa(from)), err: syscall.EBADF}
	}
	if err := sh.install(r, f.hold(), saved); err != nil {
		return err
	}
	if move && from != fd {
		sh.put(from, nil, saved)
	}
	return nil
}

// spelled is how messages name a descriptor: bash as the script does.
func (r *redir) spelled(sh *shell, target string) string {
	if sh.rt.bash && r.source != nil {
		return wordSource(r.source)
	}
	return target
}

// valueOf is the value of a variable or of an element.
func (sh *shell) valueOf(name string) (string, error) {
	base, sub, isElement := splitSubscript(name)
	if !isElement {
		s, _ := sh.getVar(name)
		return s, nil
	}
	ref := paramRef{name: base, index: dynamicIndex(sub)}
	s, _, err := ref.element(sh)
	return s, err
}

// redirectBoth is &>word, &>>word and >&word.
func (sh *shell) redirectBoth(r *redir, target string, saved *savedFiles) error {
	op := syntax.RdrOut
	if r.op == syntax.AppAll || r.op == syntax.AppAllClob {
		op = syntax.AppOut
	}
	f, err := sh.openRedirect(op, target)
	if err != nil {
		return &redirError{what: target, err: err}
	}
	sh.put(1, f, saved)
	sh.put(2, f.hold(), saved)
	return nil
}
