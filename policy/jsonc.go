package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// plainJSON blanks out the comments and the trailing commas of JSONC. Every
// byte keeps its place, so that positions of mistakes are right.
func plainJSON(src []byte) []byte {
	out := bytes.Clone(bytes.TrimPrefix(src, []byte("\ufeff")))
	blank := func(from, to int) {
		for ; from < to; from++ {
			if out[from] != '\n' {
				out[from] = ' '
			}
		}
	}
	comma := -1 // one that nothing but space and comments follows
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case c == '"':
			comma = -1
			for i++; i < len(out) && out[i] != '"' && out[i] != '\n'; i++ {
				if out[i] == '\\' {
					i++
				}
			}
		case c == '/' && i+1 < len(out) && out[i+1] == '/':
			end := len(out)
			if n := bytes.IndexByte(out[i:], '\n'); n >= 0 {
				end = i + n
			}
			blank(i, end)
			i = end - 1
		case c == '/' && i+1 < len(out) && out[i+1] == '*':
			n := bytes.Index(out[i+2:], []byte("*/"))
			if n < 0 {
				return out // the parser complains about it
			}
			blank(i, i+n+4)
			i += n + 3
		case c == ',':
			comma = i
		case c == '}' || c == ']':
			if comma >= 0 {
				out[comma] = ' '
			}
			comma = -1
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			comma = -1
		}
	}
	return out
}

// parseJSONC reads an object.
func parseJSONC(file string, src []byte) (map[string]any, error) {
	text := plainJSON(src)
	at := func(offset int64) (line, col int) {
		before := text[:min(max(int(offset)-1, 0), len(text))]
		return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
	}
	var tree map[string]any
	err := json.Unmarshal(text, &tree)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		line, col := at(syntax.Offset)
		return nil, &Error{File: file, Line: line, Col: col, Msg: lowerFirst(syntax.Error()), Hint: "settings are JSON, with comments if you like", Err: err}
	case errors.As(err, &kind), err == nil && tree == nil:
		return nil, &Error{File: file, Line: 1, Col: 1, Msg: "is no table of settings", Hint: "settings are a JSON object: { … }", Err: err}
	case err != nil:
		return nil, &Error{File: file, Msg: fmt.Sprint(err), Err: err}
	}
	return tree, nil
}
