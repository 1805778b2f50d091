package interp

import "strings"

// maxCapture bounds the output of one command substitution, and with it what
// a hostile script can make the shell hold.
const maxCapture = 1 << 30

// commandSubst runs a command substitution and returns its output without
// trailing newlines and NUL bytes.
func (sh *shell) commandSubst(body node) (string, error) {
	if !sh.deeper("command substitution") {
		return "", errTooDeep
	}
	defer func() { sh.evalDepth-- }()
	sub := sh.subshell(false)
	sub.noStop = sh.noStop || sh.jobControl()
	sub.indirect++
	if sh.bash() && !sh.shopts.on(shoptInheritErrexit) {
		sub.opts &^= optErrexit
	}
	cap := &capture{max: maxCapture}
	out := &file{fd: -1, cap: cap}
	out.refs.Store(1)
	sub.setFile(1, out).drop()
	sub.complete(body(sub))
	status, unread := sub.status, sub.notRead
	sub.close()
	sh.rt.work.rest()
	waited := cap.await(sh.attn)
	text, ok := []byte(nil), true
	if waited {
		text, ok = cap.result()
	}
	sh.rt.work.resume()
	if !waited {
		return "", errInterrupted
	}
	if unread && sh.opts.on(optErrexit) && sh.bash() {
		return "", errNotRead
	}
	sh.substStatus, sh.substRan = status, true
	if sh.bash() {
		sh.status = status // the words after it see it as $?
	}
	if !ok {
		return "", errTooMuch
	}
	s := strings.TrimRight(string(text), "\n")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return s, nil
}
