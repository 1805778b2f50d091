package parse

import (
	"fmt"
	"io"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Options say how to read a source.
type Options struct {
	// Name of the source, for messages.
	Name string
	// Bash turns on what bash has and POSIX has not.
	Bash bool
	// Aliases looks up an alias; nil for none. It is asked while the
	// command is parsed, so that a definition counts from the next line on.
	Aliases func(name string) (string, bool)
	// Interactive makes Next go on with the next line after an error.
	Interactive bool
	// Line is the number of the first line, 1 if zero.
	Line int
}

// Error is a syntax error.
type Error struct {
	Name      string
	Line, Col int // from 1
	Text      string
	// Incomplete: the input ended inside of a construct.
	Incomplete bool
	// LineOnly: bash drops the line, and goes on with the next one.
	LineOnly bool
	// Source is the text of line Line, for a message with a caret.
	Source string
	// Token is what should not be there, if that can be named.
	Token string
	// InTest: it is between [[ and ]], of which bash says TestText, if anything,
	// and which it does not take for a failure.
	InTest   bool
	TestText string
}

func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Col, e.Text)
}

const (
	// maxDepth bounds nested constructs. The stack a level takes, here and
	// in whoever walks the tree, is a few kilobytes.
	maxDepth = 1000
	// maxChain bounds what nests in the tree but not in the source:
	// a && b && c …, a | b | c …, elif after elif.
	maxChain = 50_000
)

// bail unwinds to Next, or to a speculation, with Parser.err or readErr set.
type bail struct{}

// SetPosix says whether the commands from here on are read as bash reads them
// in its POSIX mode.
func (p *Parser) SetPosix(on bool) { p.posix = on }

// Parser reads commands from a source. It is not safe for concurrent use.
type Parser struct {
	input
	stack []input // inputs below the current one
	opt   Options
	lines func(more bool) (string, error)
	buf   strings.Builder // what the base input has; append-only, as nodes share it
	nul   bool            // a NUL follows the text of the base input
	ended bool            // lines has nothing more
	began bool            // inside of a command: more lines are for its rest

	tok    token
	tokPos syntax.Pos
	rop    syntax.RedirOperator // of a tRedir
	rnum   *syntax.Lit          // of a tRedir

	kwAt  int // index the keyword below was found at, or -1
	kw    keyword
	kwEnd int

	aliasNext bool // the next word is checked for aliases: one ended in a blank
	posix     bool // see SetPosix
	cond      bool // inside of [[ ]], where 2> is a word and an operator
	here      bool // in the body of a here-document
	inSubst   bool // inside of $( ), whose ) may follow the end of a here-document
	pending   []*syntax.Redirect
	depth     int
	notArith  map[int]bool // offsets where an interpretation failed; see try

	parts []syntax.WordPart // stacks of lists being collected
	words []*syntax.Word
	lbuf  []byte // the literal being put together from pieces
	slabs

	err     *Error
	fatal   bool // no other interpretation is to be tried
	readErr error
}

// New returns a parser of src.
func New(src Source, opt Options) *Parser {
	p := &Parser{opt: opt, lines: src.lines, kwAt: -1}
	p.line = max(opt.Line, 1)
	p.buf.Grow(src.size)
	if src.lines == nil {
		if n := strings.IndexByte(src.text, 0); n >= 0 {
			src.text, p.nul = src.text[:n], true
		}
		p.src = src.text
	}
	return p
}

// Next returns the next complete command: the statements up to the end of the
// line on which a command is complete. At the end it returns io.EOF. Other
// errors are an *[Error], or what reading the source failed with.
func (p *Parser) Next() (stmts []*syntax.Stmt, err error) {
	if p.err != nil || p.readErr != nil {
		if p.readErr != nil || !p.opt.Interactive && !p.err.LineOnly {
			return nil, p.failure()
		}
		p.recover()
	}
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(bail); !ok {
				p.err = p.newError(fmt.Sprint("internal error: ", r))
			}
			stmts, err = nil, p.failure()
		}
	}()
	p.forget()
	p.began = false
	p.next()
	for p.tok == tNewl {
		p.forget()
		p.began = false
		p.next()
	}
	if p.tok == tEOF {
		return nil, io.EOF
	}
	p.began = true
	stmts = p.list(false)
	switch p.tok {
	case tNewl, tEOF:
	default:
		p.unexpected("")
	}
	if p.tok == tEOF && len(p.pending) > 0 {
		p.hereDocs()
	}
	return stmts, nil
}

func (p *Parser) failure() error {
	if p.readErr != nil {
		return p.readErr
	}
	return p.err
}

// recover drops the input of a command which failed.
func (p *Parser) recover() {
	if len(p.stack) > 0 {
		p.input = p.stack[0]
		p.stack = p.stack[:0]
	}
	if p.lines != nil {
		p.src = p.buf.String()
		p.advance(len(p.src))
		p.ended, p.nul = false, false
	} else if n := strings.IndexByte(p.src[p.i:], '\n'); n >= 0 {
		p.advance(p.i + n + 1)
	} else {
		p.advance(len(p.src))
		p.nul = false // a text has one at most: it ends there
	}
	p.err, p.fatal, p.aliasNext = nil, false, false
	p.cond, p.inSubst, p.here = false, false, false
	p.pending, p.depth, p.parts, p.words = nil, 0, p.parts[:0], p.words[:0]
	p.kwAt = -1
}

// forget starts a new buffer, so that a long session does not keep all it read.
func (p *Parser) forget() {
	const enough = 4096
	if p.lines == nil || p.kind != baseInput || p.i != len(p.src) || p.i < enough || p.i != p.buf.Len() {
		return
	}
	p.base += p.i
	p.buf = strings.Builder{}
	p.buf.Grow(2 * enough) // most commands fit: it need not grow by copies
	p.src, p.i = "", 0
}

func (p *Parser) newError(text string) *Error {
	return p.errorAt(p.pos(), text)
}

func (p *Parser) errorAt(pos syntax.Pos, text string) *Error {
	return &Error{
		Name: p.opt.Name, Line: int(pos.Line()), Col: int(pos.Col()), Text: text,
		Source: p.sourceLine(int(pos.Offset())),
	}
}

// fail reports an error where the parser is.
func (p *Parser) fail(text string) { p.failAt(p.pos(), text) }

func (p *Parser) failAt(pos syntax.Pos, text string) {
	p.err = p.errorAt(pos, text)
	panic(bail{})
}

// failOpen reports that the input ended inside what was opened at pos.
func (p *Parser) failOpen(pos syntax.Pos, what string) {
	p.err = p.errorAt(pos, "unterminated "+what)
	p.err.Incomplete = true
	panic(bail{})
}

// unexpected reports the current token; want is what should be there, or "".
func (p *Parser) unexpected(want string) {
	p.err = p.unexpectedError(want)
	panic(bail{})
}

func (p *Parser) unexpectedError(want string) *Error {
	text := "unexpected " + p.tokText()
	if want != "" {
		text += `, expecting "` + want + `"`
	}
	e := p.errorAt(p.tokPos, text)
	e.Incomplete, e.Token = p.tok == tEOF, p.tokName()
	return e
}

// enter counts a nested construct; leave it with p.depth--.
func (p *Parser) enter() {
	if p.depth++; p.depth > maxDepth {
		p.tooDeep()
	}
}

func (p *Parser) tooDeep() {
	p.fatal = true
	p.fail(fmt.Sprintf("constructs nested more than %d deep", maxDepth))
}

func (p *Parser) chain(n int) {
	if n > maxChain {
		p.fatal = true
		p.fail(fmt.Sprintf("more than %d commands in one list", maxChain))
	}
}

// try runs f and reports whether it parsed; if not, it goes back to where it
// was. Errors no other interpretation can avoid are passed on. Callers note
// failures in notArith: with nested attempts, each place must be tried only
// once, or the time would be exponential.
func (p *Parser) try(f func()) bool {
	if p.attempt(f) {
		return true
	}
	// Not in the deferred function: nested panics take quadratic time.
	if p.fatal || p.readErr != nil {
		panic(bail{})
	}
	return false
}

func (p *Parser) attempt(f func()) (ok bool) {
	m := p.mark()
	defer func() {
		if ok {
			return
		}
		r := recover()
		if _, b := r.(bail); !b {
			panic(r)
		}
		if !p.fatal && p.readErr == nil {
			p.err = nil
			p.back(m)
		}
	}()
	f()
	return true
}
