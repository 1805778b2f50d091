package sandbox

import (
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"
)

// JSON has no strings that are not UTF-8, and Go's encoder replaces what is
// not; a rule about such a path would become one about another, and protect
// nothing. NUL, which no path has, marks a path that travels as hexadecimal.

func wirePath(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return "\x00" + hex.EncodeToString([]byte(s))
}

func fromWirePath(s string) string {
	text, marked := strings.CutPrefix(s, "\x00")
	if !marked {
		return s
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return s // with its NUL, it is no path at all
	}
	return string(raw)
}

// translate gives a plan with every path changed by f.
func (pl *Plan) translate(f func(string) string) *Plan {
	out := *pl
	list := func(paths []string) []string {
		paths = slices.Clone(paths)
		for i := range paths {
			paths[i] = f(paths[i])
		}
		return paths
	}
	out.Steps = slices.Clone(pl.Steps)
	for i := range out.Steps {
		s := &out.Steps[i]
		s.Path, s.From, s.Rule = f(s.Path), f(s.From), f(s.Rule)
		if len(s.Except) > 0 {
			s.Except = list(s.Except)
		}
	}
	out.Read, out.ReadGlobs = list(pl.Read), list(pl.ReadGlobs)
	out.Quarantine = f(pl.Quarantine)
	out.Group, out.Temp = f(pl.Group), f(pl.Temp)
	return &out
}
