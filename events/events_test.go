package events

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
)

func TestText(t *testing.T) {
	connect := Event{
		Kind: Connect, Denied: true, Program: "/usr/bin/npm", Pid: 4213, Action: "connect", Target: "telemetry.example.com:443",
		Rule: &Rule{Text: "no allowed_domains entry matches", Origin: Origin{Layer: "defaults"}},
		Hint: "--allow-net=telemetry.example.com:443",
	}
	read := Event{
		Kind: Open, Denied: true, Program: "cat", Action: "read", Target: "/h/.ssh/id", File: "x.sh", Line: 3,
		Rule: &Rule{Key: "filesystem.deny_read", Value: "~/.ssh", Origin: Origin{Layer: "user", File: "~/p.toml", Line: 14}},
	}
	const connectText = `fsh: blocked: npm[4213] connect telemetry.example.com:443
fsh: rule: no allowed_domains entry matches (defaults)
fsh: hint: --allow-net=telemetry.example.com:443
`
	const readText = `fsh: blocked: x.sh:3: cat read /h/.ssh/id
fsh: rule: filesystem.deny_read "~/.ssh" at ~/p.toml:14
`
	monitor, debug := TextOptions{Monitor: true}, TextOptions{Debug: true}
	tests := []struct {
		name string
		opts TextOptions
		in   []Event
		want string
	}{
		{"denial", monitor, []Event{connect}, connectText},
		{"denial with position", monitor, []Event{read}, readText},
		{"quiet without options", TextOptions{}, []Event{connect, read}, ""},
		{"same denial once, counted at the end", monitor, []Event{connect, connect, connect},
			connectText + "fsh: blocked 3 times: npm connect telemetry.example.com:443\n"},
		{"nobody is guessed", monitor, []Event{{Kind: Connect, Denied: true, Action: "connect", Target: "x:1"}},
			"fsh: blocked: unknown process connect x:1\n"},
		{"a limit of all", TextOptions{}, []Event{{Kind: Limit, Denied: true, Action: "exceed", Target: "limits.memory"}},
			"fsh: blocked: all commands together exceeded limits.memory\n"},
		{"a limit of one", TextOptions{}, []Event{{Kind: Limit, Denied: true, Program: "sh", Pid: 4, File: "x", Line: 2, Action: "exceed", Target: "limits.cpu_time"}},
			"fsh: blocked: x:2: sh[4] exceeded limits.cpu_time\n"},
		{"allowed only under debug", monitor, []Event{{Kind: Connect, Program: "curl", Action: "connect", Target: "x:1"}}, ""},
		{"allowed", debug, []Event{{Kind: Connect, Program: "curl", Action: "connect", Target: "x:1"}},
			"fsh: allowed: curl connect x:1\n"},
		{"warning always, once", TextOptions{}, []Event{{Kind: Warning, Message: "m", Hint: "h"}, {Kind: Warning, Message: "m"}}, "fsh: warning: m\nfsh: hint: h\n"},
		{"hostile text", monitor, []Event{{Kind: Open, Denied: true, Program: "a\x1b[2J\n", Action: "read", Target: "x\u202ey\u200bz\xff\u009b"}},
			"fsh: blocked: a\\x1b[2J\\n read x\\u202ey\\u200bz\\xff\\u009b\n"},
	}
	for _, test := range tests {
		var b bytes.Buffer
		w := NewText(&b, test.opts)
		for _, e := range test.in {
			w.Emit(e)
		}
		w.Close()
		if b.String() != test.want {
			t.Errorf("%s:\n%s\nwant:\n%s", test.name, b.String(), test.want)
		}
	}
}

// TestTextIsBounded: a program that wants everything fills neither memory nor
// the screen.
func TestTextIsBounded(t *testing.T) {
	var b bytes.Buffer
	w := NewText(&b, TextOptions{Monitor: true})
	for i := range 2 * maxSeen {
		w.Emit(Event{Kind: Open, Denied: true, Action: "read", Target: strings.Repeat("x", i)})
	}
	if len(w.seen) > maxSeen {
		t.Errorf("remembers %d denials, at most %d", len(w.seen), maxSeen)
	}
	w.Close()
	if !strings.HasSuffix(b.String(), "fsh: 1000 more messages are not shown\n") {
		t.Errorf("ends with %q", b.String()[b.Len()-100:])
	}
	w.Emit(Event{Kind: Warning, Message: "after Close: nothing, and no panic"})
}

// TestStuckReader: a pipe that nobody reads stops neither Emit nor Close; if
// it did, this would never end.
func TestStuckReader(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	text, lines := NewText(w, TextOptions{Monitor: true}), NewJSON(w, "")
	sink := Multi{text, lines}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 2 * queued {
				sink.Emit(Event{Kind: Open, Denied: true, Action: "read", Pid: i, Target: strings.Repeat("x", worker*i)})
			}
		})
	}
	wg.Wait()
	lines.Close()
}

func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"", "a b", "\x1b[1m", "\u202e", "\xc3", "\U000e0001", "\u3164"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range Printable(s) {
			if !shown(r) {
				t.Errorf("%q is left of %q", r, s)
			}
		}
	})
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	first, second := NewJSON(&b, "s1"), NewJSON(&b, "s2")
	e1 := Event{Kind: Exec, Argv: []string{"a", "<b>\n", "\x1b[0m\u009b", "\u202e\U000e0041"}}
	first.Emit(e1)
	first.Close()
	Multi{NewJSON(io.Discard, ""), second}.Emit(e1)
	second.Close()
	if strings.ContainsFunc(strings.ReplaceAll(b.String(), "\n", ""), func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("invisible characters in %q", b.String())
	}
	parts := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(parts) != 2 {
		t.Fatalf("not two lines: %q", b.String())
	}
	var e Event
	if err := json.Unmarshal([]byte(parts[1]), &e); err != nil {
		t.Fatal(err)
	}
	if e.Session != "s2" || !slices.Equal(e.Argv, e1.Argv) || e.Time.IsZero() {
		t.Errorf("%+v", e)
	}
}
