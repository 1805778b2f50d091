package policy

import (
	"path/filepath"
	"testing"
)

func TestResolve(t *testing.T) {
	r := resolver{base: "/w/[odd]", home: "/home/u*", getenv: func(n string) string { return map[string]string{"A": "/srv/?x", "REL": "x", "N": "n"}[n] }}
	tests := []struct {
		entry, pattern string
		glob           bool
	}{
		{".", "/w/[odd]", false}, {"./x", "/w/[odd]/x", false}, {"x/../y", "/w/[odd]/y", false}, {"..", "/w", false},
		{"~", "/home/u*", false}, {"~/x/", "/home/u*/x", false}, {"~/x*", `/home/u\*/x*`, true}, {"*.c", `/w/\[odd]/*.c`, true},
		{"/a//b/./c", "/a/b/c", false}, {"/", "/", false}, {"/a/**", "/a/**", true}, {`/a/\*`, "/a/*", false}, {`/a/\*/*`, `/a/\*/*`, true},
		{"$A/y", "/srv/?x/y", false}, {"${A}", "/srv/?x", false}, {"$A/*", `/srv/\?x/*`, true}, {"/a/$N/b", "/a/n/b", false}, {"/a/[!b]", "/a/[^b]", true},
		{"./~bob", "/w/[odd]/~bob", false},
	}
	for _, test := range tests {
		p, m := r.path(test.entry)
		if m != nil || p.Pattern != test.pattern || p.Glob != test.glob {
			t.Errorf("%q: %+v %v, want %q %v", test.entry, p, m, test.pattern, test.glob)
		}
	}
	for _, entry := range []string{"$REL/x", "$GONE", "$", "${A", "~x/y"} {
		if p, m := r.path(entry); m == nil {
			t.Errorf("%q became %q", entry, p.Pattern)
		}
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern        string
		exact, below   []string
		none           []string
		likeFilepath   bool // filepath.Match agrees on exact and none
		withExceptions []string
	}{
		{pattern: "/a/*", exact: []string{"/a/b", "/a/.b"}, below: []string{"/a/b/c"}, none: []string{"/a", "/b/a", "/"}, likeFilepath: true},
		{pattern: "/a/**/b", exact: []string{"/a/b", "/a/x/b", "/a/x/y/b"}, below: []string{"/a/x/b/c"}, none: []string{"/a", "/a/x", "/b"}},
		{pattern: "/**/.env", exact: []string{"/.env", "/x/y/.env"}, none: []string{"/x/env", "/.envx"}},
		{pattern: "/a/**", exact: []string{"/a", "/a/b", "/a/b/c"}, none: []string{"/ab", "/"}},
		{pattern: "/a/b?[c-e]*", exact: []string{"/a/bxc", "/a/bédzz"}, none: []string{"/a/bxf", "/a/bc", "/a/b/c"}, likeFilepath: true},
		{pattern: "/a/[^b]x", exact: []string{"/a/cx", "/a/éx"}, none: []string{"/a/bx", "/a/x"}, likeFilepath: true},
		{pattern: `/a/\*b`, exact: []string{"/a/*b"}, none: []string{"/a/xb"}, likeFilepath: true},
		{pattern: "/a/*b*c", exact: []string{"/a/bbc", "/a/abcbc"}, none: []string{"/a/bcb"}, likeFilepath: true},
		{pattern: "/home/*/.ssh", exact: []string{"/home/u/.ssh"}, below: []string{"/home/u/.ssh/id"}, none: []string{"/home/.ssh", "/home/v/.ssh", "/home/v/.ssh/x"}, withExceptions: []string{"/home/v/.ssh"}},
	}
	for _, test := range tests {
		p := Path{Pattern: test.pattern, Glob: true, Except: test.withExceptions}
		agree := func(path string, want bool) {
			if ok, err := filepath.Match(test.pattern, path); test.likeFilepath && (err != nil || ok != want) {
				t.Errorf("filepath.Match(%q, %q) = %v, %v", test.pattern, path, ok, err)
			}
		}
		for _, path := range test.exact {
			if agree(path, true); !p.Matches(path) || !p.Covers(path) {
				t.Errorf("%s does not match %s", test.pattern, path)
			}
		}
		for _, path := range test.below {
			if p.Matches(path) || !p.Covers(path) {
				t.Errorf("%s and %s: matches %v, covers %v", test.pattern, path, p.Matches(path), p.Covers(path))
			}
		}
		for _, path := range test.none {
			if agree(path, false); p.Matches(path) || p.Covers(path) {
				t.Errorf("%s matches or covers %s", test.pattern, path)
			}
		}
	}
}

func TestHostForms(t *testing.T) {
	covers := []struct {
		outer, inner string
		want         bool
	}{
		{"*.corp.test", "a.corp.test", true}, {"*.corp.test", "corp.test", false}, {"**.corp.test", "corp.test", true}, {"**.corp.test", "*.corp.test", true},
		{"*.corp.test", "**.corp.test", false}, {"*.corp.test", "*.a.corp.test", true}, {"*.corp.test", "evilcorp.test", false}, {"*.corp.test", "*", false},
		{"*", "x.test", true}, {"*", "x.test:22", false}, {"*:*", "x.test:22", true}, {"x.test", "x.test:443", true}, {"x.test", "x.test:*", false},
		{"x.test:1-100", "x.test:80-90", true}, {"x.test:1-100", "x.test", false}, {"x.test:1-500", "x.test", true}, {"X.test.", "x.TEST", true},
		{"10.0.0.0/8", "10.1.0.0/16", true}, {"10.1.0.0/16", "10.0.0.0/8", false}, {"10.0.0.0/8:*", "10.1.2.3:22", true}, {"*", "10.1.2.3", false},
		{"[2001:db8::]:22", "[2001:db8::]:22", true}, {"fd00::/8", "fd12::1", true}, {"10.0.0.0/8", "fd12::1", false},
	}
	for _, test := range covers {
		outer, m := parseHost(test.outer)
		inner, n := parseHost(test.inner)
		if m != nil || n != nil {
			t.Errorf("%s, %s: %v %v", test.outer, test.inner, m, n)
			continue
		}
		if got := outer.covers(inner); got != test.want {
			t.Errorf("%s covers %s: %v", test.outer, test.inner, got)
		}
	}
}
