package interp

import (
	"strings"

	"github.com/fsh-sh/fsh/interp/parse"
	"mvdan.cc/sh/v3/syntax"
)

// A subscript that comes out of a value, or of an argument of a builtin, is
// expanded when it is used, as in bash. In text of arithmetic that stands in
// the script it has been expanded before, so that there its special characters
// get a backslash, which the second time removes.

// subscriptSpecial are the characters of a subscript that get a backslash.
const subscriptSpecial = "[]$`~\\'\""

// keyPart is a subscript in the text of arithmetic.
type keyPart struct{ key *word }

func (p *keyPart) expand(e *expander) error {
	s, err := p.key.str(e.sh)
	if err != nil {
		return err
	}
	if strings.ContainsAny(s, subscriptSpecial) {
		var b []byte
		for i := 0; i < len(s); i++ {
			if strings.IndexByte(subscriptSpecial, s[i]) >= 0 {
				b = append(b, '\\')
			}
			b = append(b, s[i])
		}
		s = string(b)
	}
	e.quoted(s)
	return nil
}

// arithParts compiles the text of arithmetic. plain is false if a subscript in
// it has quotes and expansions, which are to be taken by their rules.
func arithParts(k wordContext, ps []syntax.WordPart) (out []part, plain bool) {
	r := regions{k: k, plain: true}
	for _, p := range ps {
		if l, ok := p.(*syntax.Lit); ok {
			r.lit(l.Value)
		} else {
			r.part(p)
		}
	}
	if r.depth > 0 {
		return k.compile(ps), true // no subscript: it has no end
	}
	r.flush()
	return r.out, r.plain
}

// regions cuts the text of arithmetic into subscripts and what is between.
type regions struct {
	k       wordContext
	out     []part
	outside []syntax.WordPart
	inside  []syntax.WordPart
	depth   int  // of brackets; 0: outside
	quote   byte // that is open, within a subscript
	expands bool // the subscript has expansions
	special bool // it has quotes or backslashes
	plain   bool
}

func (r *regions) part(p syntax.WordPart) {
	if r.depth == 0 {
		r.outside = append(r.outside, p)
		return
	}
	if ps, ok := p.(*syntax.ProcSubst); ok { // no such thing in arithmetic
		r.inside = append(r.inside, &syntax.Lit{Value: arithSource(&syntax.Word{Parts: []syntax.WordPart{ps}})})
		r.expands = true
		return
	}
	r.inside, r.expands = append(r.inside, p), true
	if _, simple := p.(*syntax.ParamExp); !simple {
		r.special = true
	}
}

func (r *regions) lit(s string) {
	from := 0
	for i := 0; i < len(s); i++ {
		if r.depth == 0 {
			if s[i] == '[' && endsInName(s[:i]) {
				r.outside = append(r.outside, &syntax.Lit{Value: s[from : i+1]})
				r.depth, from = 1, i+1
			}
			continue
		}
		switch c := s[i]; {
		case c == '\\':
			r.special = true
			i++
		case r.quote != 0:
			if c == r.quote {
				r.quote = 0
			}
		case c == '\'' || c == '"':
			r.quote = c
			r.special = r.special || c == '\''
		case c == '[':
			r.depth++
		case c == ']':
			if r.depth--; r.depth == 0 {
				r.end(s[from:i])
				from = i
			}
		}
	}
	if from == len(s) {
		return
	}
	if l := (&syntax.Lit{Value: s[from:]}); r.depth > 0 {
		r.inside = append(r.inside, l)
	} else {
		r.outside = append(r.outside, l)
	}
}

// end is the end of a subscript, whose last literal text is given.
func (r *regions) end(last string) {
	if last != "" {
		r.inside = append(r.inside, &syntax.Lit{Value: last})
	}
	inside, expands, special := r.inside, r.expands, r.special
	r.inside, r.expands, r.special = nil, false, false
	if expands {
		if w, ok := parseSubscript(arithSource(&syntax.Word{Parts: inside}), parse.Options{Bash: true}); ok {
			r.flush()
			r.out = append(r.out, &keyPart{newWord(wordContext{c: r.k.c}, w.Parts)})
			r.plain = r.plain && !special
			return
		}
	}
	r.outside = append(r.outside, inside...)
}

func (r *regions) flush() {
	r.out = append(r.out, r.k.compile(r.outside)...)
	r.outside = nil
}

// endsInName reports whether a name ends the text.
func endsInName(s string) bool {
	i := len(s)
	for i > 0 && (s[i-1] == '_' || s[i-1] >= '0' && s[i-1] <= '9' || s[i-1]|0x20 >= 'a' && s[i-1]|0x20 <= 'z') {
		i--
	}
	return i < len(s) && (s[i] < '0' || s[i] > '9')
}

// parseSubscript parses the text between brackets.
func parseSubscript(text string, opt parse.Options) (*syntax.Word, bool) {
	if text == "" || strings.IndexByte(text, 0) >= 0 {
		return nil, false
	}
	stmts, err := parse.New(parse.String("_["+text+"]="), opt).Next()
	if err != nil || len(stmts) != 1 || len(stmts[0].Redirs) > 0 {
		return nil, false
	}
	call, ok := stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) > 0 || len(call.Assigns) != 1 || call.Assigns[0].Value != nil {
		return nil, false
	}
	w, ok := call.Assigns[0].Index.(*syntax.Word)
	return w, ok && w != nil
}

// maxSubscripts bounds how deep subscripts of values refer to each other.
const maxSubscripts = 64

// lateSubscript parses a subscript that is no text of the script. It runs no
// commands: a value must not become a program, as it does in bash.
func (sh *shell) lateSubscript(text string) (*syntax.Word, error) {
	bad := &nameError{"[" + text + "]", "bad array subscript"}
	if sh.subscripts >= maxSubscripts {
		return nil, bad
	}
	w, ok := parseSubscript(text, sh.parseOptions("subscript", sh.line))
	if !ok {
		return nil, bad
	}
	harmless := true
	syntax.Walk(w, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst, *syntax.ProcSubst:
			harmless = false
		case *syntax.ParamExp: // ${x@P} expands what x says
			harmless = harmless && (n.Exp == nil || n.Exp.Op != syntax.OtherParamOps)
		}
		return harmless
	})
	if !harmless {
		return nil, &nameError{"[" + text + "]", "commands are not run in subscripts that come from values"}
	}
	return w, nil
}

// subscriptKey is the key that a subscript of an associative array means.
func (sh *shell) subscriptKey(text string) (string, error) {
	if !strings.ContainsAny(text, "$`'\"\\") {
		return text, nil
	}
	if plain, ok := unescapeSubscript(text); ok || sh.acceptedShopt("assoc_expand_once") {
		return plain, nil
	}
	w, err := sh.lateSubscript(text)
	if err != nil {
		return "", err
	}
	sh.subscripts++
	defer func() { sh.subscripts-- }()
	return newWord(wordContext{c: &compiler{}}, w.Parts).str(sh)
}

// argumentKey is the key that a subscript in an argument means.
func (sh *shell) argumentKey(text string) (string, error) {
	if sh.acceptedShopt("assoc_expand_once") {
		return text, nil
	}
	return sh.subscriptKey(text)
}

// unescapeSubscript removes the backslashes that keyPart adds; ok is false if
// something else is special.
func unescapeSubscript(text string) (plain string, ok bool) {
	b := make([]byte, 0, len(text))
	ok = true
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(subscriptSpecial, text[i+1]) >= 0:
			i++
		case strings.IndexByte("$`'\"\\", c) >= 0:
			ok = false
		}
		b = append(b, text[i])
	}
	return string(b), ok
}

// Index evaluates a subscript that has to be expanded first.
func (a arithEnv) Index(text string) (int64, error) {
	w, err := a.sh.lateSubscript(text)
	if err != nil {
		return 0, err
	}
	a.sh.subscripts++
	defer func() { a.sh.subscripts-- }()
	return compileArithText(&compiler{}, indexWord(w)).eval(a.sh)
}

// arithIndex evaluates the subscript of an indexed array.
func (sh *shell) arithIndex(text string) (int64, error) {
	if strings.ContainsAny(text, "$`'\"\\") {
		return arithEnv{sh}.Index(text)
	}
	return sh.arith(text)
}

// indexWord is a subscript as arithmetic takes it: single quotes stay.
func indexWord(w *syntax.Word) *syntax.Word {
	out := &syntax.Word{}
	for _, p := range w.Parts {
		if q, ok := p.(*syntax.SglQuoted); ok && !q.Dollar {
			p = &syntax.Lit{Value: "'" + q.Value + "'"}
		}
		out.Parts = append(out.Parts, p)
	}
	return out
}
