package interp

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// wordContext says how the parts of a word are to be read.
type wordContext struct {
	c      *compiler
	quoted bool // inside of double quotes or a here-document
	here   bool // in a here-document: " is an ordinary character
	brace  bool // the word of ${x:-word}
	inner  bool // in quotes within that word, when it is in quotes itself
	arith  bool // arithmetic text: double quotes vanish
	tilde  tildeMode
	// bashTilde: tilde prefixes stay as they are in POSIX mode.
	bashTilde bool
}

// tildeMode says where tilde prefixes are looked for.
type tildeMode uint8

const (
	tildeNever    tildeMode = iota
	tildeWord               // at the start
	tildeAssign             // and after each colon
	tildeArgument           // of export and its like: after the first =, then as above
	tildeBash               // the same in any argument, in bash only
)

func (k wordContext) compile(ps []syntax.WordPart) []part {
	out := make([]part, 0, len(ps))
	for i, p := range ps {
		if l, ok := p.(*syntax.Lit); ok {
			out = k.lit(out, l.Value, i == 0, i == len(ps)-1)
			if k.tilde == tildeArgument && strings.Contains(l.Value, "=") {
				k.tilde = tildeAssign
			}
			if k.tilde == tildeBash {
				k.bashTilde, k.tilde = true, tildeAssign
			}
			continue
		}
		out = append(out, k.part(p))
	}
	return out
}

func (k wordContext) part(p syntax.WordPart) part {
	switch p := p.(type) {
	case *syntax.SglQuoted:
		if p.Dollar {
			return &litPart{s: dollarQuoted(p.Value), quoted: true}
		}
		return &litPart{s: p.Value, quoted: true}
	case *syntax.DblQuoted:
		return k.doubleQuoted(p)
	case *syntax.ParamExp:
		return compileParam(k, p)
	case *syntax.CmdSubst:
		return &cmdPart{body: k.c.substBody(p.Stmts), quoted: k.quoted}
	case *syntax.ArithmExp:
		return &arithPart{x: compileArithText(k.c, p.X), quoted: k.quoted}
	case *syntax.ProcSubst:
		k.c.procSubsts++
		return &procPart{body: k.c.processBody(p), out: p.Op == syntax.CmdOut}
	case *syntax.ExtGlob:
		return &litPart{s: p.Op.String() + p.Pattern.Value + ")", meta: true, quoted: k.quoted}
	}
	return badPart{"expansion"}
}

// doubleQuoted compiles "…". Without expansions it is one literal.
func (k wordContext) doubleQuoted(q *syntax.DblQuoted) part {
	in := k
	in.quoted, in.here, in.brace, in.tilde = true, false, false, tildeNever
	in.inner = k.quoted && k.brace
	ps := in.compile(q.Parts)
	text := ""
	for _, p := range ps {
		l, ok := p.(*litPart)
		if !ok {
			return &quotedPart{ps}
		}
		text += l.s
	}
	return &litPart{s: text, quoted: true}
}

// lit compiles literal text with its backslashes.
func (k wordContext) lit(out []part, s string, first, last bool) []part {
	if k.quoted {
		l := &litPart{s: k.unescape(s), quoted: true}
		if k.inner && strings.IndexByte(s, '\\') >= 0 {
			return append(out, &innerPart{l, &litPart{s: unescapeAll(s), quoted: true}})
		}
		return append(out, l)
	}
	scan := tildeScan{mode: k.tilde, start: first && (k.tilde == tildeWord || k.tilde == tildeAssign)}
	begin := 0
	flush := func(end int) {
		if end > begin {
			out = append(out, &litPart{s: s[begin:end], meta: hasMeta(s[begin:end]), split: k.brace})
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			flush(i)
			out = append(out, &litPart{s: s[i+1 : i+2], quoted: true})
			i++
			begin = i + 1
			scan.start = false
			continue
		case c == '~' && scan.start:
			user, n, ok := tildePrefix(s[i+1:], k.tilde, last)
			if ok {
				flush(i)
				out = append(out, &tildePart{user, k.bashTilde || k.tilde == tildeBash})
				i += n
				begin = i + 1
				scan.start = false
				continue
			}
		}
		scan.next(s[i])
	}
	flush(len(s))
	return out
}

// tildeScan finds the places where a tilde prefix may start.
type tildeScan struct {
	mode  tildeMode
	start bool
}

func (t *tildeScan) next(c byte) {
	t.start = false
	if (t.mode == tildeArgument || t.mode == tildeBash) && c == '=' {
		t.mode, t.start = tildeAssign, true
	} else if t.mode == tildeAssign && c == ':' {
		t.start = true
	}
}

// tildePrefix returns the login name at the start of s and its length. The
// name must be literal up to its end: a slash, a colon in assignments, or the
// end of the word.
func tildePrefix(s string, mode tildeMode, last bool) (user string, n int, ok bool) {
	for ; n < len(s); n++ {
		switch c := s[n]; {
		case c == '/', c == ':' && mode != tildeWord:
			return s[:n], n, true
		case c == '\\':
			return "", 0, false
		}
	}
	return s, n, last
}

func hasMeta(s string) bool { return strings.ContainsAny(s, "*?[(") }

// unescape removes the backslashes that quote something in double quotes.
func (k wordContext) unescape(s string) string {
	if k.arith {
		s = strings.ReplaceAll(s, `"`, "")
	}
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			switch c := s[i+1]; {
			case c == '$', c == '`', c == '\\', c == '"' && (!k.here || k.brace), c == '}' && (k.brace || k.inner):
				i++
			case c == '\n':
				i++
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// unescapeAll removes every backslash that is not quoted by another.
func unescapeAll(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if i++; s[i] == '\n' {
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// innerPart is text in the inner quotes of "${x-"…"}". POSIX leaves open what
// these are; to bash a backslash quotes anything there, as outside of quotes.
type innerPart struct{ posix, bash *litPart }

func (p *innerPart) expand(e *expander) error {
	if e.sh.rt.bash {
		return p.bash.expand(e)
	}
	return p.posix.expand(e)
}

// dollarQuoted decodes the text of $'…' (XCU 2.2.4). It ends at a NUL, as
// nothing could hold it.
func dollarQuoted(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b = append(b, s[i])
			continue
		}
		if s[i+1] == 'c' && i+2 < len(s) {
			i += 2
			if s[i] == '\\' && i+1 < len(s) && s[i+1] == '\\' {
				i++
			}
			if c := s[i]; c == '?' {
				b = append(b, 0x7f)
			} else {
				b = append(b, c&0x1f)
			}
			continue
		}
		var n int
		if strings.HasPrefix(s[i+1:], "x{") {
			v, digits := bracedHex(s[i+3:])
			b = append(b, v)
			i += 2 + digits
			continue
		}
		b, n = appendEscape(b, s[i+1:], formatEscapes)
		i += n
	}
	if i := strings.IndexByte(string(b), 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// bracedHex decodes what follows \x{ in $'…': any number of digits, of which
// one byte is left, and the brace if there is one.
func bracedHex(s string) (v byte, length int) {
	for ; length < len(s) && digitValue(s[length]) < 16; length++ {
		v = v<<4 | byte(digitValue(s[length]))
	}
	if length < len(s) && s[length] == '}' {
		length++
	}
	return v, length
}

// badPart is an expansion that no shell has: an error when it is reached.
type badPart struct{ text string }

func (p badPart) expand(*expander) error {
	return &nameError{p.text, "bad substitution"}
}

// cmdPart is a command substitution.
type cmdPart struct {
	body   node
	quoted bool
}

func (p *cmdPart) expand(e *expander) error {
	s, err := e.sh.commandSubst(p.body)
	if err != nil {
		return err
	}
	e.piece(s, p.quoted)
	return nil
}

// substBody compiles the commands of a substitution. In bash $(<file) is the
// text of the file.
func (c *compiler) substBody(stmts []*syntax.Stmt) node {
	body := c.solo(stmts, c.list(stmts), false)
	if len(stmts) != 1 {
		return body
	}
	s := stmts[0]
	call, simple := s.Cmd.(*syntax.CallExpr)
	if s.Negated || s.Background || len(s.Redirs) != 1 || s.Redirs[0].Op != syntax.RdrIn || s.Redirs[0].N != nil ||
		s.Cmd != nil && (!simple || len(call.Args)+len(call.Assigns) > 0) {
		return body
	}
	text := redirected(c.redirects(s.Redirs), copyInput, func(sh *shell) flow { sh.notRead = true; return flowNext })
	return func(sh *shell) flow {
		if sh.bash() {
			return text(sh)
		}
		return body(sh)
	}
}

// copyInput copies standard input to standard output.
func copyInput(sh *shell) flow {
	sh.status = 0
	buf := make([]byte, 32<<10)
	for {
		n, err := sh.readFD(0, buf)
		if n <= 0 || err != nil || sh.write(1, buf[:n]) != nil {
			if err != nil {
				sh.status = 1
			}
			return flowNext
		}
	}
}

// procPart is a process substitution: the name of a descriptor.
type procPart struct {
	body substBody
	out  bool
}

func (c *compiler) processBody(p *syntax.ProcSubst) substBody {
	return substBody{c.list(p.Stmts), func() string { return inlineText(p.Stmts...) }}
}

func (p *procPart) expand(e *expander) error {
	path, err := e.sh.processSubst(p.body, p.out)
	if err != nil {
		return err
	}
	e.quoted(path)
	return nil
}
