package parse

import (
	"io"
	"sort"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Source is where a parser gets its input. Make one with [Bytes], [String],
// [Reader] or [Lines].
type Source struct {
	text  string
	lines func(more bool) (string, error) // nil: text is everything
	size  int
}

// Bytes is a source held in memory. b is copied.
func Bytes(b []byte) Source { return Source{text: string(b)} }

// String is a source held in memory.
func String(s string) Source { return Source{text: s} }

// Reader is a source read one byte per Read call, and never past the newline
// which completes a command: commands of the script share the descriptor.
func Reader(r io.Reader) Source {
	lr := &lineReader{r: r}
	return Source{lines: lr.line}
}

// Lines is a source which asks for one line at a time, for interactive use.
// next gets more = true inside an unfinished command (the secondary prompt),
// and returns a line with its newline. A last line without one comes with a
// nil error or with io.EOF; "" and io.EOF is the end.
func Lines(next func(more bool) (string, error)) Source { return Source{lines: next} }

// Sized tells how many bytes all the lines are, which spares growing.
func (s Source) Sized(n int) Source {
	s.size = n
	return s
}

type lineReader struct {
	r   io.Reader
	buf []byte
}

func (l *lineReader) line(bool) (string, error) {
	l.buf = l.buf[:0]
	var one [1]byte
	for empty := 0; ; {
		n, err := l.r.Read(one[:])
		if n == 1 {
			empty = 0
			l.buf = append(l.buf, one[0])
			if one[0] == '\n' {
				return string(l.buf), nil
			}
		}
		if err != nil {
			return string(l.buf), err
		}
		if n == 0 {
			// The limit bufio has, for readers which return 0, nil for ever.
			if empty++; empty > 100 {
				return string(l.buf), io.ErrNoProgress
			}
		}
	}
}

// inputKind says what the end of an input means.
type inputKind uint8

const (
	baseInput   inputKind = iota // the source: the end asks for another line
	aliasInput                   // an alias: its end continues the input below
	nestedInput                  // `…` or a here-document: its end is end of file
)

// input is a text being read. Inputs other than the base are stacked.
type input struct {
	src     string
	i       int // next byte of src
	base    int // offset in the source of src[0]
	line    int // line of src[i], from 1
	lineOff int // offset in the source of the first byte of that line
	kind    inputKind

	alias   string     // name of the alias being read, not to be expanded again
	fixed   syntax.Pos // where the alias was used: the position of all its nodes
	isFixed bool
	gaps    []gap // source bytes missing from the text of a nestedInput
}

// gap says that n bytes of the source are left out before src[at], all told.
type gap struct{ at, n int }

// Limits of syntax.Pos, whose fields turn to 0 ("unknown") beyond them. A
// clamped line is more use than none, and keeps positions valid.
const (
	maxLine = 1<<18 - 1
	maxCol  = 1<<14 - 1
)

// off translates an index of src into an offset in the source.
func (in *input) off(i int) int {
	n := sort.Search(len(in.gaps), func(g int) bool { return in.gaps[g].at > i })
	if n > 0 {
		i += in.gaps[n-1].n
	}
	return in.base + i
}

// posAt is the position of src[i], which must be on the current line.
func (in *input) posAt(i int) syntax.Pos {
	if in.isFixed {
		return in.fixed
	}
	o := in.base + i
	if in.gaps != nil {
		o = in.off(i)
	}
	return syntax.NewPos(uint(o), uint(min(in.line, maxLine)), uint(min(o-in.lineOff+1, maxCol)))
}

func (in *input) pos() syntax.Pos { return in.posAt(in.i) }

// newline consumes the newline at src[i].
func (in *input) newline() {
	in.line++
	in.lineOff = in.base + in.i + 1
	if in.gaps != nil { // a gap before the next line is a part of it
		in.lineOff = in.off(in.i) + 1
	}
	in.i++
}

// advance moves to src[to], counting the lines passed.
func (in *input) advance(to int) {
	for {
		n := strings.IndexByte(in.src[in.i:to], '\n')
		if n < 0 {
			in.i = to
			return
		}
		in.i += n
		in.newline()
	}
}

// load appends a line to the base input. NUL cannot be in a word, and is the
// parser's mark for the end of input: the text is cut before the first one,
// and more reports it when the parser gets there.
func (p *Parser) load(s string) {
	if n := strings.IndexByte(s, 0); n >= 0 {
		s = s[:n]
		p.nul = true
	}
	p.buf.WriteString(s)
	p.src = p.buf.String()
}

// more is called at the end of src. It makes src[i] valid and reports true, or
// reports the end of input.
func (p *Parser) more() bool {
	for {
		switch p.kind {
		case nestedInput:
			return false
		case aliasInput:
			if n := len(p.src); n > 0 && (p.src[n-1] == ' ' || p.src[n-1] == '\t') {
				p.aliasNext = true
			}
			p.pop()
		case baseInput:
			if p.lines != nil && p.buf.Len() > len(p.src) {
				p.src = p.buf.String() // read before the parser went back
			} else if !p.readLine() {
				return false
			}
		}
		if p.i < len(p.src) {
			return true
		}
	}
}

func (p *Parser) readLine() bool {
	if p.nul {
		p.fail("NUL byte in the script")
	}
	if p.lines == nil || p.ended {
		return false
	}
	s, err := p.lines(p.began)
	p.began = true
	if err != nil {
		p.ended = true
		if err != io.EOF {
			p.readErr = err
			panic(bail{})
		}
	} else if s == "" {
		p.ended = true
	}
	p.load(s)
	return p.i < len(p.src) || p.nul && p.readLine()
}

func (p *Parser) push(in input) {
	p.stack = append(p.stack, p.input)
	p.input = in
}

func (p *Parser) pop() {
	p.input = p.stack[len(p.stack)-1]
	p.stack[len(p.stack)-1] = input{}
	p.stack = p.stack[:len(p.stack)-1]
}

// mark is a place to come back to when an interpretation does not work out.
type mark struct {
	input
	stack     []input
	pending   []*syntax.Redirect // what failed may have been in a substitution, with its own
	aliasNext bool
	depth     int
	parts     int
	words     int
	tokPos    syntax.Pos
}

func (p *Parser) mark() mark {
	m := mark{input: p.input, pending: p.pending[:len(p.pending):len(p.pending)], aliasNext: p.aliasNext, depth: p.depth,
		parts: len(p.parts), words: len(p.words), tokPos: p.tokPos}
	if len(p.stack) > 0 {
		m.stack = append([]input(nil), p.stack...)
	}
	return m
}

func (p *Parser) back(m mark) {
	p.input, p.stack = m.input, append(p.stack[:0], m.stack...)
	p.pending, p.aliasNext, p.depth = m.pending, m.aliasNext, m.depth
	p.parts, p.words = p.parts[:m.parts], p.words[:m.words]
	p.tokPos, p.kwAt = m.tokPos, -1
}

// sourceLine is the text of the source line which contains the offset.
func (p *Parser) sourceLine(off int) string {
	in := &p.input
	if len(p.stack) > 0 {
		in = &p.stack[0]
	}
	i := off - in.base
	if i < 0 || i > len(in.src) {
		return ""
	}
	start := strings.LastIndexByte(in.src[:i], '\n') + 1
	end := len(in.src)
	if n := strings.IndexByte(in.src[i:], '\n'); n >= 0 {
		end = i + n
	}
	return in.src[start:end]
}
