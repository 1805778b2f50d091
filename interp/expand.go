package interp

import (
	"strings"
	"sync/atomic"

	"github.com/fsh-sh/fsh/interp/parse"
	"github.com/fsh-sh/fsh/interp/pattern"
	"mvdan.cc/sh/v3/syntax"
)

// A word is compiled once and expanded any number of times, by several
// subshells at once: it is immutable but for its cache of a pattern.
//
// Expansion follows the order of XCU 2.6, in one pass: parts append to the
// field being built, unquoted results are split as they arrive, and a finished
// field that has active pattern characters is replaced by path names.
type word struct {
	parts []part
	// text is the result of a constant word: no expansion, no pattern.
	text     string
	constant bool
	plain    bool // literal in the source, too: no quotes
	param    *paramPart
	braces   []*word // what brace expansion makes of it; nil if nothing
	tooMany  bool    // brace expansion makes more words than allowed
	cache    atomic.Pointer[cachedPattern]
	whole    bool // never split: see compileAssignArg
	static   bool // as a pattern, it does not depend on anything
}

type cachedPattern struct {
	src   string
	flags pattern.Flags
	pat   *pattern.Pattern
}

// part is a piece of a word.
type part interface {
	expand(e *expander) error
}

// compileWord compiles a word of a command; nil stays nil.
func compileWord(c *compiler, w *syntax.Word) *word {
	if w == nil {
		return nil
	}
	tilde := tildeWord
	if len(w.Parts) == 0 {
		return &word{}
	}
	if l, ok := w.Parts[0].(*syntax.Lit); ok && strings.Contains(l.Value, "~") {
		if name, _, ok := strings.Cut(l.Value, "="); ok && validName(name) {
			tilde = tildeBash
		}
	}
	cw := newWord(wordContext{c: c, tilde: tilde}, w.Parts)
	cw.braces, cw.tooMany = compileBraces(c, w)
	return cw
}

// compileAssigned compiles the value of an assignment: tilde prefixes are
// expanded after every colon, too.
func compileAssigned(c *compiler, w *syntax.Word) *word {
	if w == nil {
		return nil
	}
	return newWord(wordContext{c: c, tilde: tildeAssign}, w.Parts)
}

// compileAssignArg compiles an argument of a declaration utility (XCU 2.9.1)
// that has the form of an assignment.
func compileAssignArg(c *compiler, w *syntax.Word) *word {
	if w == nil {
		return nil
	}
	cw := newWord(wordContext{c: c, tilde: tildeArgument}, w.Parts)
	cw.whole = true
	return cw
}

// declarationUtilities are the commands whose arguments of the form name=value
// are not split (XCU 2.9.1); in bash's dialect the parser knows them itself.
var declarationUtilities = map[string]bool{
	"export": true, "readonly": true, "local": true, "declare": true, "typeset": true,
}

// commandWords compiles the words of a simple command.
func (c *compiler) commandWords(ws []*syntax.Word) []*word {
	words := make([]*word, len(ws))
	name := 0
	for name < len(ws)-1 && ws[name].Lit() == "command" {
		name++
	}
	declares := name < len(ws) && declarationUtilities[ws[name].Lit()]
	for i, w := range ws {
		if declares && i > name && isAssignment(w) {
			words[i] = compileAssignArg(c, w)
		} else {
			words[i] = compileWord(c, w)
		}
	}
	return words
}

func isAssignment(w *syntax.Word) bool {
	if len(w.Parts) == 0 {
		return false
	}
	l, ok := w.Parts[0].(*syntax.Lit)
	if !ok {
		return false
	}
	name, _, ok := strings.Cut(l.Value, "=")
	return ok && validName(strings.TrimSuffix(name, "+"))
}

// compileHeredoc compiles the body of a here-document; quoted is whether its
// delimiter was.
func compileHeredoc(c *compiler, body *syntax.Word, quoted bool) *word {
	if body == nil {
		return &word{constant: true}
	}
	if quoted {
		var b strings.Builder
		for _, p := range body.Parts {
			if l, ok := p.(*syntax.Lit); ok {
				b.WriteString(l.Value)
			}
		}
		return &word{text: b.String(), constant: true}
	}
	if parse.BadHere(body) {
		return &word{parts: []part{badPart{"here-document"}}}
	}
	return newWord(wordContext{c: c, quoted: true, here: true}, body.Parts)
}

func newWord(k wordContext, ps []syntax.WordPart) *word {
	w := &word{parts: k.compile(ps), static: true}
	w.constant = true
	for _, p := range w.parts {
		l, ok := p.(*litPart)
		if !ok {
			w.constant, w.static = false, false
			break
		}
		if l.meta {
			w.constant = false
		}
		w.text += l.s
	}
	if w.constant {
		w.plain = len(ps) > 0 && !quotedParts(w.parts)
	} else {
		w.text = ""
	}
	if len(w.parts) == 1 {
		w.param = onlyParam(w.parts[0])
	}
	return w
}

func quotedParts(ps []part) bool {
	for _, p := range ps {
		if l, ok := p.(*litPart); ok && l.quoted {
			return true
		}
	}
	return false
}

// onlyParam returns the parameter that a part consists of, for the fast path.
func onlyParam(p part) *paramPart {
	switch p := p.(type) {
	case *paramPart:
		return p
	case *quotedPart:
		if len(p.parts) == 1 {
			if q, ok := p.parts[0].(*paramPart); ok {
				return q
			}
		}
	}
	return nil
}

// fields appends the fields that the word expands to.
func (w *word) fields(sh *shell, dst []string) ([]string, error) {
	if (w.braces != nil || w.tooMany) && sh.bash() && sh.opts.on(optBraceexpand) {
		if w.tooMany {
			return dst, &nameError{"brace expansion", "too many words"}
		}
		for _, b := range w.braces {
			var err error
			if dst, err = b.fields(sh, dst); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
	if w.constant {
		if w.text == "" && len(w.parts) == 0 {
			return dst, nil
		}
		return append(dst, w.text), nil
	}
	if w.whole {
		s, err := w.str(sh)
		return append(dst, s), err
	}
	fetched, s := false, ""
	if w.param != nil {
		var err error
		if s, fetched, err = w.param.scalar(sh); err != nil {
			return dst, err
		}
		if fetched && (w.param.quoted || sh.oneField(s)) {
			return append(dst, s), nil
		}
	}
	e := sh.takeExpander(toFields)
	e.fields = dst
	var err error
	if fetched {
		e.split(s)
	} else {
		err = e.run(w.parts)
	}
	if err == nil {
		err = e.finish()
	}
	dst = e.fields
	e.release()
	return dst, err
}

// oneField reports whether an unquoted s is exactly one field, itself.
func (sh *shell) oneField(s string) bool {
	for i := 0; i < len(s); i++ {
		if sh.ifs.class[s[i]] != ifsNone {
			return false
		}
		switch s[i] {
		case '*', '?', '[', '(', '\\':
			return false
		}
	}
	return s != ""
}

// str expands the word where there is no splitting and no pathname expansion.
func (w *word) str(sh *shell) (string, error) {
	if w == nil {
		return "", nil
	}
	if w.constant {
		return w.text, nil
	}
	if w.param != nil {
		if s, ok, err := w.param.scalar(sh); ok || err != nil {
			return s, err
		}
	}
	return sh.expandText(w.parts, toString)
}

// pattern expands the word as a pattern, in which quoted characters stand for
// themselves.
func (w *word) pattern(sh *shell) (*pattern.Pattern, error) { return w.patternWith(sh, 0) }

// patternWith is pattern with flags added: [[ ]] has Extglob always.
func (w *word) patternWith(sh *shell, flags pattern.Flags) (*pattern.Pattern, error) {
	return w.compiledPattern(sh, flags, 0)
}

// patternIgnoring is pattern without some of the flags that options set.
func (w *word) patternIgnoring(sh *shell, flags pattern.Flags) (*pattern.Pattern, error) {
	return w.compiledPattern(sh, 0, flags)
}

func (w *word) compiledPattern(sh *shell, with, without pattern.Flags) (*pattern.Pattern, error) {
	if w == nil {
		return pattern.Compile("", 0), nil
	}
	old := w.cache.Load()
	src := ""
	if w.static && old != nil {
		src = old.src
	} else {
		var err error
		if src, err = sh.expandText(w.parts, toPattern); err != nil {
			return nil, err
		}
	}
	flags := sh.patternFlags(src)&^without | with
	if old != nil && old.flags == flags && old.src == src {
		return old.pat, nil
	}
	p := pattern.Compile(src, flags)
	w.cache.Store(&cachedPattern{src, flags, p})
	return p, nil
}

// regexp expands the word as an extended regular expression, in which quoted
// characters stand for themselves.
func (w *word) regexp(sh *shell) (string, error) {
	if w == nil {
		return "", nil
	}
	return sh.expandText(w.parts, toRegex)
}

// patternFlags are the flags that src has to be compiled with; those that
// make no difference to it are left out.
func (sh *shell) patternFlags(src string) (flags pattern.Flags) {
	if sh.shopts.on(shoptExtglob) {
		flags |= pattern.Extglob
	}
	if sh.shopts.on(shoptNocasematch) {
		flags |= pattern.NoCase
	}
	if (flags&pattern.NoCase != 0 || strings.ContainsAny(src, "?[(")) && sh.multibyte() {
		flags |= pattern.UTF8
	}
	return flags
}

// quoteRegex escapes what is special in an extended regular expression.
func quoteRegex(s string) string {
	if !strings.ContainsAny(s, `\.[]{}()*+?|^$`) {
		return s
	}
	b := make([]byte, 0, 2*len(s))
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(`\.[]{}()*+?|^$`, s[i]) >= 0 {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return string(b)
}

// expandText expands parts to one string.
func (sh *shell) expandText(ps []part, m expandMode) (string, error) {
	e := sh.takeExpander(m)
	err := e.run(ps)
	s := ""
	if err == nil {
		s = e.take()
	}
	e.release()
	return s, err
}
