package interp

// litPart is literal text.
type litPart struct {
	s      string
	quoted bool
	meta   bool // has active pattern characters
	split  bool // lies in the word of ${x:-word}: subject to splitting
}

func (p *litPart) expand(e *expander) error {
	switch {
	case p.quoted:
		e.quoted(p.s)
	case p.split:
		e.split(p.s)
	default:
		e.literal(p.s, p.meta)
	}
	return nil
}

// quotedPart is "…": a field of its own even if it is empty, unless it
// consists of nothing but a "$@" without parameters; in bash also if what
// stands beside that expands to nothing.
type quotedPart struct {
	parts []part
}

func (p *quotedPart) expand(e *expander) error {
	saved, open, fields, size := e.noArgs, e.open, len(e.fields), e.len()
	e.noArgs = false
	err := e.run(p.parts)
	switch {
	case !e.noArgs:
		e.mark()
	case e.sh.rt.bash && len(e.fields) == fields && e.len() == size:
		e.open = open
	}
	e.noArgs = saved
	return err
}

// tildePart is ~, ~user, ~+ or ~-.
type tildePart struct {
	user string
	bash bool // only in bash
}

func (p *tildePart) expand(e *expander) error {
	sh := e.sh
	if p.bash && !sh.bash() {
		e.literal("~"+p.user, false)
		return nil
	}
	home, ok := "", false
	switch p.user {
	case "":
		home, ok = sh.getVar("HOME")
		if !ok && sh.bash() {
			home, ok = sh.rt.sys.HomeOf("")
		}
	case "+":
		if home, ok = "", false; sh.bash() {
			home, ok = sh.getVar("PWD")
		}
	case "-":
		if home, ok = "", false; sh.bash() {
			home, ok = sh.getVar("OLDPWD")
		}
	default:
		if home, ok = sh.stackTilde(p.user); !ok {
			home, ok = sh.rt.sys.HomeOf(p.user)
		}
	}
	if !ok {
		e.literal("~"+p.user, hasMeta(p.user))
		return nil
	}
	if home != "" || sh.bash() {
		e.quoted(home)
	} // else no field: the word has no quotes (XCU 2.6)
	return nil
}
