package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// plainJSON blanks out the comments and the trailing commas of JSONC. Every
// byte keeps its place, so that positions of mistakes are right. open is where a
// comment begins that does not end; -1: nowhere.
func plainJSON(src []byte) (plain []byte, open int) {
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
				return out, i
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
	return out, -1
}

// settings are a JSON object with the places of its values.
type settings struct {
	file  string
	text  []byte
	tree  map[string]any
	where map[string]int64 // offset behind the key, by its path: "network.allowedDomains"
}

// parseJSONC reads an object. A key that is there twice is an error: readers do
// not agree on which one counts.
func parseJSONC(file string, src []byte) (*settings, error) {
	s := &settings{file: file, where: map[string]int64{}}
	var open int
	if s.text, open = plainJSON(src); open >= 0 {
		return nil, s.mistake(int64(open)+1, "a comment has no end", "close it with */", nil)
	}
	err := json.Unmarshal(s.text, &s.tree)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return nil, s.mistake(syntax.Offset, lowerFirst(syntax.Error()), "settings are JSON, with comments if you like", err)
	case errors.As(err, &kind), err == nil && s.tree == nil:
		return nil, s.mistake(1, "is no table of settings", "settings are a JSON object: { … }", err)
	case err != nil:
		return nil, &Error{File: file, Msg: fmt.Sprint(err), Err: err}
	}
	d := json.NewDecoder(bytes.NewReader(s.text))
	if twice := s.walk(d, ""); twice != "" {
		return nil, s.mistake(d.InputOffset()-int64(len(twice))-1, fmt.Sprintf("%q is given twice", twice), "remove one of them", nil)
	}
	return s, nil
}

// walk notes where the keys of the next value are. It stops at one that is
// there twice, which it returns. Unmarshal has bounded the depth.
func (s *settings) walk(d *json.Decoder, path string) (twice string) {
	token, err := d.Token()
	if err != nil {
		return ""
	}
	switch token {
	case json.Delim('['):
		for d.More() && twice == "" {
			twice = s.walk(d, path+"[]")
		}
	case json.Delim('{'):
		seen := map[string]bool{}
		for d.More() && twice == "" {
			key, _ := d.Token()
			name, ok := key.(string)
			if !ok || seen[name] {
				return name
			}
			seen[name] = true
			inner := strings.TrimPrefix(path+"."+name, ".")
			s.where[inner] = d.InputOffset()
			twice = s.walk(d, inner)
		}
	default:
		return ""
	}
	if twice == "" {
		_, _ = d.Token() // the end
	}
	return twice
}

// mistake is an error at an offset, counted from 1.
func (s *settings) mistake(offset int64, msg, hint string, cause error) *Error {
	before := s.text[:min(max(int(offset)-1, 0), len(s.text))]
	return &Error{File: s.file, Line: bytes.Count(before, []byte("\n")) + 1, Col: len(before) - bytes.LastIndexByte(before, '\n'),
		Msg: msg, Hint: hint, Err: cause}
}

// wrong is an error about the value of a key.
func (s *settings) wrong(key, want string) *Error {
	at := s.where[key]
	for at < int64(len(s.text)) && strings.IndexByte(" \t\r\n:", s.text[at]) >= 0 {
		at++
	}
	return s.mistake(at+1, fmt.Sprintf("%s must be %s", key, want), "fix it there, then import again", nil)
}
