package policy

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestPositions: every value is where the scanner says, in each spelling that
// TOML has.
func TestPositions(t *testing.T) {
	const text = "\ufeff# comment with ] \" ' = [\n" +
		"version = 1 # one\r\n" +
		"\"ext\\u0065nds\" = [ 'a', # ]\n" +
		"  \"b]\\\"\", '''\nc''', \"\"\"d\"\"\"\"\"\n]\n" +
		"[ network . hosts ]\n'x.test' = \"1.2.3.4\"\n" +
		"[program.\"a.b\"]\nnetwork = { expose_ports = [1,\n 2], hosts = { y = 'z' } }\nfilesystem.deny_read = []\n" +
		"[[x]]\nk = 1979-05-27 07:32:00\n[[x]]\nk = +inf\n[x.sub]\nk = true"
	root, err := scan(text[3:])
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]pos{
		"version": {2, 11}, "extends.0": {3, 20}, "extends.1": {4, 3}, "extends.2": {4, 11}, "extends.3": {5, 7},
		"network.hosts.x.test": {8, 12}, "program.a.b.network.expose_ports.0": {10, 29}, "program.a.b.network.expose_ports.1": {11, 2},
		"program.a.b.network.hosts.y": {11, 20}, "program.a.b.filesystem.deny_read": {12, 24},
		"x.0.k": {14, 5}, "x.1.k": {16, 5}, "x.1.sub.k": {18, 5},
	}
	got := map[string]pos{}
	leaves(root, "", got)
	for k, p := range want {
		if got[k] != p {
			t.Errorf("%s at %v, want %v", k, got[k], p)
		}
		delete(got, k)
	}
	if len(got) > 0 {
		t.Errorf("also: %v", got)
	}
	if _, err := parse("f", text[3:]); err != nil {
		t.Error(err)
	}
}

func leaves(n *node, path string, out map[string]pos) {
	for _, k := range n.keys {
		leaves(n.table[k], strings.TrimPrefix(path+"."+k, "."), out)
	}
	for i, item := range n.items {
		leaves(item, path+"."+string(rune('0'+i)), out)
	}
	if n.kind == scalarNode || n.kind == arrayNode && len(n.items) == 0 {
		out[path] = n.pos
	}
}

func TestHeaderText(t *testing.T) {
	for script, want := range map[string]string{
		"#!/bin/fsh\n#: a = 1\n#:b = 2\necho\n#: c = 3\n": "\n   a = 1\n  b = 2\n",
		"#: a = 1\n": "   a = 1\n",
		"#!/bin/fsh": "\n",
		"echo\n#: a": "",
		"":           "",
		"#!x\n\n#:a": "\n",
	} {
		if got := headerText(script); got != want {
			t.Errorf("%q: %q, want %q", script, got, want)
		}
	}
}

// FuzzParse: no input makes the reader panic, hang or exhaust the stack, and
// what is accepted has its strings where it says.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "version = 1", "[a]\nb = ['x', \"y\"]", "a.b = {c = [[1]]}", "x = '''\n'''", "[[a]]\n[a.b]\n[[a]]\n", "\"\\u0000\" = 1",
		"a = \"\"\"x\\\n  y\"\"\"", "a = 1979-05-27 07:32:00", "[a", "a = {", "a = [,]", "a={b=1,}", "'' = 1", "\"\" = 1\n'' = 2", "a = [\n# ]\n1]", "[a]\n[a.a]\n[a]", "a.b=1\n[a]\nc=1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		hang := time.AfterFunc(10*time.Second, func() { panic("hangs on " + strconv.Quote(src)) })
		defer hang.Stop()
		tree, err := parse("f", src)
		if (tree == nil) == (err == nil) {
			t.Fatalf("tree %v, error %v", tree, err)
		}
		if err != nil {
			if err.Msg == "cannot tell where this is written" {
				t.Fatalf("scanner and library differ on %q at %d:%d", src, err.Line, err.Col)
			}
			return
		}
		lines := strings.Split(src, "\n")
		check := func(n *node) {
			if _, ok := n.value.(string); ok && !strings.ContainsAny(lines[n.line-1][n.col-1:][:1], `"'`) {
				t.Errorf("no string at %d:%d of %q", n.line, n.col, src)
			}
		}
		walk(tree, check)
		// Whatever the values are, decoding them ends.
		d := &decoder{file: "f", origin: "user", resolve: resolver{base: "/b", home: "/h"}}
		d.document(tree)
	})
}

func walk(n *node, f func(*node)) {
	f(n)
	for _, k := range n.keys {
		walk(n.table[k], f)
	}
	for _, item := range n.items {
		walk(item, f)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("/a/**/b*", "/a/x/y/bc")
	f.Add("/a/[^x]?", "/a/yé")
	f.Fuzz(func(t *testing.T, entry, path string) {
		p, m := resolver{base: "/base", home: "/h"}.path(entry)
		if m != nil || !strings.HasPrefix(path, "/") {
			return
		}
		if !strings.HasPrefix(p.Pattern, "/") {
			t.Errorf("%q became %q", entry, p.Pattern)
		}
		if p.Matches(path) && !p.Covers(path) {
			t.Errorf("%q matches but does not cover %q", entry, path)
		}
		if p.Covers(path) && !p.Covers(path+"/below") && path != "/" {
			t.Errorf("%q covers %q but nothing below", entry, path)
		}
	})
}
