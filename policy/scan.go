package policy

import (
	"fmt"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"
)

// Limits of hostile files. The TOML library recurses per bracket and takes
// quadratic time in the length of a key, so both are bounded before it runs.
const (
	maxNesting = 16
	maxKeyPath = 8
)

// pos is a 1-based line and byte column.
type pos struct{ line, col int }

// node is one TOML value with its place in the source. Exactly one of table,
// items and value is meaningful, by kind.
type node struct {
	pos
	kind  nodeKind
	value any // string, int64, float64, bool, time.Time

	keys  []string // of table, in source order
	table map[string]*node
	keyAt map[string]pos

	items []*node
}

type nodeKind byte

const (
	scalarNode nodeKind = iota
	tableNode
	arrayNode
)

func newTable(at pos) *node {
	return &node{pos: at, kind: tableNode, table: map[string]*node{}, keyAt: map[string]pos{}}
}

// scanner finds where the keys and values of a TOML document are. It is more
// lenient than TOML: what it refuses is no TOML either, what it accepts must
// still be decoded, and decode compares the two results.
type scanner struct {
	src   string
	off   int
	lines []int // offset of the start of each line
}

// scanError is a refusal. One with a hint is the scanner's own to tell; the
// TOML library explains the others better.
type scanError struct {
	pos
	msg, hint string
}

const limitHint = "a policy needs no such depth"

func (s *scanner) at(off int) pos {
	line := sort.SearchInts(s.lines, off+1)
	return pos{line, off - s.lines[line-1] + 1}
}

func (s *scanner) fail(format string, args ...any) *scanError {
	return &scanError{pos: s.at(s.off), msg: fmt.Sprintf(format, args...)}
}

func scan(src string) (*node, *scanError) {
	s := &scanner{src: src, lines: []int{0}}
	for i := range len(src) {
		if src[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	root := newTable(pos{1, 1})
	current := root
	for {
		s.blanks(true)
		if s.off == len(src) {
			return root, nil
		}
		var err *scanError
		if src[s.off] == '[' {
			current, err = s.header(root)
		} else {
			err = s.assignment(current, 0)
		}
		if err != nil {
			return nil, err
		}
	}
}

// blanks skips white space and, with lines, ends of lines and comments.
func (s *scanner) blanks(lines bool) {
	for s.off < len(s.src) {
		switch c := s.src[s.off]; {
		case c == ' ' || c == '\t' || c == '\r':
			s.off++
		case lines && c == '\n':
			s.off++
		case lines && c == '#':
			for s.off < len(s.src) && s.src[s.off] != '\n' {
				s.off++
			}
		default:
			return
		}
	}
}

func (s *scanner) accept(token string) bool {
	if strings.HasPrefix(s.src[s.off:], token) {
		s.off += len(token)
		return true
	}
	return false
}

// header reads [a.b] or [[a.b]] and returns the table it opens.
func (s *scanner) header(root *node) (*node, *scanError) {
	start := s.at(s.off)
	array := s.accept("[[")
	if !array {
		s.off++
	}
	path, err := s.keyPath()
	if err != nil {
		return nil, err
	}
	if closing := map[bool]string{true: "]]", false: "]"}[array]; !s.accept(closing) {
		return nil, s.fail("expected %q", closing)
	}
	t := root
	for i, k := range path {
		if array && i == len(path)-1 {
			return t.appendTable(k, start), nil
		}
		if t = t.child(k, start); t == nil {
			return nil, s.fail("key %q is not a table", k.text)
		}
	}
	return t, nil
}

// child is the table below t that a key opens, made if need be; nil if there
// is something else.
func (t *node) child(k scannedKey, at pos) *node {
	c := t.table[k.text]
	if c == nil {
		c = newTable(at)
		t.add(k, c)
	}
	if c.kind == arrayNode && len(c.items) > 0 {
		c = c.items[len(c.items)-1]
	}
	if c.kind != tableNode {
		return nil
	}
	return c
}

func (t *node) appendTable(k scannedKey, at pos) *node {
	list := t.table[k.text]
	if list == nil {
		list = &node{pos: at, kind: arrayNode}
		t.add(k, list)
	}
	item := newTable(at)
	list.items = append(list.items, item)
	return item
}

func (t *node) add(k scannedKey, c *node) {
	t.keys = append(t.keys, k.text)
	t.table[k.text] = c
	t.keyAt[k.text] = k.pos
}

// assignment reads key = value into t.
func (s *scanner) assignment(t *node, depth int) *scanError {
	path, err := s.keyPath()
	if err != nil {
		return err
	}
	if !s.accept("=") {
		return s.fail("expected '='")
	}
	for _, k := range path[:len(path)-1] {
		if t = t.child(k, k.pos); t == nil {
			return s.fail("key %q is not a table", k.text)
		}
	}
	last := path[len(path)-1]
	if t.table[last.text] != nil {
		return &scanError{pos: last.pos, msg: fmt.Sprintf("key %q is there twice", last.text), hint: "remove one of them"}
	}
	v, err := s.scanValue(depth)
	if err != nil {
		return err
	}
	t.add(last, v)
	return nil
}

type scannedKey struct {
	pos
	text string
}

func (s *scanner) keyPath() ([]scannedKey, *scanError) {
	var path []scannedKey
	for {
		s.blanks(false)
		k, err := s.key()
		if err != nil {
			return nil, err
		}
		if path = append(path, k); len(path) > maxKeyPath {
			return nil, &scanError{pos: k.pos, msg: fmt.Sprintf("a key has more than %d parts", maxKeyPath), hint: limitHint}
		}
		s.blanks(false)
		if !s.accept(".") {
			return path, nil
		}
	}
}

func (s *scanner) key() (scannedKey, *scanError) {
	start := s.off
	k := scannedKey{pos: s.at(start)}
	if s.off < len(s.src) && (s.src[s.off] == '"' || s.src[s.off] == '\'') {
		if err := s.quoted(s.src[s.off:s.off+1], false); err != nil {
			return k, err
		}
		text, ok := unquoteKey(s.src[start:s.off])
		if !ok {
			return k, s.fail("bad key")
		}
		k.text = text
		return k, nil
	}
	for s.off < len(s.src) && isBareKey(s.src[s.off]) {
		s.off++
	}
	k.text = s.src[start:s.off]
	if k.text == "" {
		return k, s.fail("expected a key")
	}
	return k, nil
}

func isBareKey(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// unquoteKey leaves the meaning of escapes to the TOML library.
func unquoteKey(raw string) (string, bool) {
	var v struct{ K string }
	if _, err := decodeTOML("k = "+raw, &v); err != nil {
		return "", false
	}
	return v.K, true
}

// quoted moves behind a string; quote is one or three quotation marks.
func (s *scanner) quoted(quote string, lines bool) *scanError {
	s.off += len(quote)
	for s.off < len(s.src) {
		switch {
		case s.src[s.off] == '\\' && quote[0] == '"':
			s.off += 2
		case s.src[s.off] == '\n' && !lines:
			return s.fail("a string ends with its line")
		case s.accept(quote):
			// A long string may end with up to two quotation marks of its own.
			for lines && s.off < len(s.src) && s.src[s.off] == quote[0] {
				s.off++
			}
			return nil
		default:
			s.off++
		}
	}
	s.off = len(s.src)
	return s.fail("a string has no end")
}

func (s *scanner) scanValue(depth int) (*node, *scanError) {
	s.blanks(false)
	n := &node{pos: s.at(s.off)}
	if depth > maxNesting {
		return nil, &scanError{pos: n.pos, msg: fmt.Sprintf("nested more than %d deep", maxNesting), hint: limitHint}
	}
	rest := s.src[s.off:]
	switch {
	case strings.HasPrefix(rest, "["):
		return n, s.array(n, depth)
	case strings.HasPrefix(rest, "{"):
		return n, s.inlineTable(n, depth)
	case strings.HasPrefix(rest, `"""`), strings.HasPrefix(rest, "'''"):
		return n, s.quoted(rest[:3], true)
	case strings.HasPrefix(rest, `"`), strings.HasPrefix(rest, "'"):
		return n, s.quoted(rest[:1], false)
	}
	length := strings.IndexAny(rest, ",]}#\r\n")
	if length < 0 {
		length = len(rest)
	}
	if strings.TrimSpace(rest[:length]) == "" {
		return nil, s.fail("expected a value")
	}
	s.off += length
	return n, nil
}

func (s *scanner) array(n *node, depth int) *scanError {
	n.kind = arrayNode
	s.off++
	for {
		if s.blanks(true); s.accept("]") {
			return nil
		}
		item, err := s.scanValue(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
		if s.blanks(true); !s.accept(",") && !strings.HasPrefix(s.src[s.off:], "]") {
			return s.fail("expected ',' or ']'")
		}
	}
}

func (s *scanner) inlineTable(n *node, depth int) *scanError {
	*n = *newTable(n.pos)
	s.off++
	for {
		if s.blanks(true); s.accept("}") {
			return nil
		}
		if err := s.assignment(n, depth+1); err != nil {
			return err
		}
		if s.blanks(true); !s.accept(",") && !strings.HasPrefix(s.src[s.off:], "}") {
			return s.fail("expected ',' or '}'")
		}
	}
}

// decodeTOML is toml.Decode, whose internal consistency checks panic.
func decodeTOML(src string, v any) (md toml.MetaData, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not valid TOML: %v", r)
		}
	}()
	return toml.Decode(src, v)
}
