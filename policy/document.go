package policy

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

const (
	maxFile = 1 << 20
	maxLine = 4096 // bounds the work that one key can make
)

// parse turns the text of a file into a tree whose every node has a place.
func parse(file, src string) (*node, *Error) {
	if err := checkText(file, src); err != nil {
		return nil, err
	}
	tree, scanErr := scan(src)
	if scanErr != nil && scanErr.hint != "" {
		return nil, &Error{File: file, Line: scanErr.line, Col: scanErr.col, Msg: scanErr.msg, Hint: scanErr.hint}
	}
	checked := src
	if scanErr != nil {
		// The library explains syntax better, but sees no more than what the
		// limits were checked for.
		end := scanErr.line
		lines := strings.SplitAfterN(src, "\n", end+1)
		checked = strings.Join(lines[:min(end, len(lines))], "")
	}
	var values map[string]any
	_, err := decodeTOML(checked, &values)
	if err != nil {
		return nil, syntaxError(file, checked, err)
	}
	if scanErr != nil {
		return nil, &Error{File: file, Line: scanErr.line, Col: scanErr.col, Msg: scanErr.msg, Hint: tomlHint}
	}
	if bad := tree.fill(values); bad != nil {
		return nil, &Error{File: file, Line: bad.line, Col: bad.col, Msg: "cannot tell where this is written",
			Hint: "write it in a plainer form"}
	}
	return tree, nil
}

const tomlHint = "policy files are TOML: https://toml.io/en/v1.0.0"

// checkText refuses what is no text before anything looks for structure.
func checkText(file, src string) *Error {
	bad := func(off int, msg, hint string) *Error {
		line := strings.Count(src[:off], "\n") + 1
		return &Error{File: file, Line: line, Col: off - strings.LastIndexByte(src[:off], '\n'), Msg: msg, Hint: hint}
	}
	if len(src) > maxFile {
		return &Error{File: file, Msg: "larger than 1 MiB", Hint: "is this a policy?"}
	}
	if off := strings.IndexByte(src, 0); off >= 0 {
		return bad(off, "contains a NUL byte", "policy files are UTF-8 text")
	}
	if !utf8.ValidString(src) {
		for off, r := range src {
			if r == utf8.RuneError && !strings.HasPrefix(src[off:], "\uFFFD") {
				return bad(off, "not UTF-8", "policy files are UTF-8 text")
			}
		}
	}
	start := 0
	for line := range strings.SplitSeq(src, "\n") {
		if len(line) > maxLine {
			return bad(start, fmt.Sprintf("a line is longer than %d bytes", maxLine), "write one entry per line")
		}
		start += len(line) + 1
	}
	return nil
}

func syntaxError(file, src string, err error) *Error {
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		return &Error{File: file, Line: 1, Col: 1, Msg: lowerFirst(err.Error()), Hint: tomlHint}
	}
	// The offset is right where the library's line is one too far.
	before := src[:min(max(pe.Position.Start, 0), len(src))]
	return &Error{File: file, Line: strings.Count(before, "\n") + 1, Col: len(before) - strings.LastIndexByte(before, '\n'),
		Msg: lowerFirst(strings.TrimSuffix(pe.Message, ".")), Hint: tomlHint}
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}

// fill puts the library's values into the tree and returns the first node
// where the two do not have the same shape.
func (n *node) fill(v any) *node {
	switch v := v.(type) {
	case map[string]any:
		if n.kind != tableNode || len(v) != len(n.table) {
			return n
		}
		for _, key := range n.keys {
			value, ok := v[key]
			if !ok {
				return n.table[key]
			}
			if bad := n.table[key].fill(value); bad != nil {
				return bad
			}
		}
	case []map[string]any:
		if n.kind != arrayNode || len(v) != len(n.items) {
			return n
		}
		for i := range v {
			if bad := n.items[i].fill(v[i]); bad != nil {
				return bad
			}
		}
	case []any:
		if n.kind != arrayNode || len(v) != len(n.items) {
			return n
		}
		for i := range v {
			if bad := n.items[i].fill(v[i]); bad != nil {
				return bad
			}
		}
	default:
		if n.kind != scalarNode {
			return n
		}
		n.value = v
	}
	return nil
}

// HasHeader tells whether a script has "#:" lines.
func HasHeader(script string) bool { return strings.TrimSpace(headerText(script)) != "" }

// headerText is the policy in a script's header: the "#:" lines directly
// after an optional "#!" line. Every line keeps its number and columns.
func headerText(script string) string {
	var b bytes.Buffer
	for i, line := range strings.Split(script, "\n") {
		switch {
		case i == 0 && strings.HasPrefix(line, "#!"):
		case strings.HasPrefix(line, "#:"):
			b.WriteString("  " + line[2:])
		default:
			return b.String()
		}
		b.WriteByte('\n')
	}
	return b.String()
}
