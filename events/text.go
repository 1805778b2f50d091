package events

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// TextOptions says what a Text writer shows.
type TextOptions struct {
	Monitor bool // denials
	Debug   bool // and what was allowed
}

// Text shows events to people: three lines for a denial (what, the rule, how
// to allow it), one for what was allowed. Warnings are always shown. The same
// denial of the same program is shown once and counted; Close tells the counts.
type Text struct {
	q    *queue
	mu   sync.Mutex
	opts TextOptions
	seen map[denial]int
	list []denial // in order of appearance
	more int      // denials beyond maxSeen
}

// denial is what makes two denials the same to a reader.
type denial struct{ program, action, target string }

// maxSeen bounds memory and the screen against a program that wants
// everything; further denials are only counted.
const maxSeen = 1000

// NewText makes a writer; each event is one Write.
func NewText(w io.Writer, opts TextOptions) *Text {
	return &Text{q: newQueue(w), opts: opts, seen: map[denial]int{}}
}

// Emit implements Sink. The message is written when it returns, unless the
// reader stands still.
func (t *Text) Emit(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := t.text(e); text != "" {
		t.q.put([]byte(text), true)
	}
}

func (t *Text) text(e Event) string {
	switch {
	case e.Kind == Warning:
		text := e.Message
		if e.Target != "" {
			text = e.Target + " " + text
		}
		if !t.first(denial{target: text}) {
			return ""
		}
		return lines("warning: "+text, e.Hint)
	// A command is refused by a rule that the user wrote, and its caller only
	// says "Permission denied"; a limit leaves even less to go by.
	case e.Denied && (t.opts.Monitor || t.opts.Debug || e.Kind == Exec || e.Kind == Limit):
		if !t.first(denial{e.Program, e.Action, e.Target}) {
			return ""
		}
		return denialText(e)
	case t.opts.Debug && e.Kind == Exit:
		return lines(ran(e), "")
	case t.opts.Debug:
		return lines("allowed: "+subject(e), "")
	}
	return ""
}

// first tells whether something is new, and counts it.
func (t *Text) first(d denial) bool {
	if t.seen[d] == 0 && len(t.list) >= maxSeen {
		t.more++
		return false
	}
	t.seen[d]++
	if t.seen[d] > 1 {
		return false
	}
	t.list = append(t.list, d)
	return true
}

func denialText(e Event) string {
	out := lines("blocked: "+subject(e), "")
	if e.Rule != nil {
		out += lines("rule: "+e.Rule.String(), "")
	}
	if e.Hint != "" {
		out += lines("hint: "+e.Hint, "")
	}
	return out
}

// maxShown bounds what one line takes of the screen.
const maxShown = 2048

func lines(text, hint string) string {
	out := "fsh: " + Printable(cut(text)) + "\n"
	if hint != "" {
		out += "fsh: hint: " + Printable(cut(hint)) + "\n"
	}
	return out
}

// cut leaves the middle of a very long text out.
func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return s[:maxShown*3/4] + "…" + s[len(s)-maxShown/4:]
}

// ran is a command that ended: its words, and what became of it.
func ran(e Event) string {
	text := fmt.Sprintf("ran: %s:%d: %s", e.File, e.Line, strings.Join(e.Argv, " "))
	if e.Status != nil && *e.Status != 0 {
		text += fmt.Sprintf(" (status %d)", *e.Status)
	}
	return text
}

// subject is who wanted what: `npm[4213] connect host:443`. A process that is
// not known is called that, never guessed.
func subject(e Event) string {
	who, action := filepath.Base(e.Program), e.Action
	switch {
	case e.Program != "":
	case e.Kind == Limit:
		who = "all commands together"
	default:
		who = "unknown process"
	}
	if e.Kind == Limit {
		action = "exceeded"
	}
	if e.Pid != 0 {
		who += "[" + strconv.Itoa(e.Pid) + "]"
	}
	if e.Kind == Exec && e.Program == "" {
		who = "fsh"
	}
	if e.Line != 0 {
		who = fmt.Sprintf("%s:%d: %s", e.File, e.Line, who)
	}
	if e.Kind == Exec && len(e.Argv) > 0 {
		return who + " exec " + strings.Join(e.Argv, " ")
	}
	return strings.TrimRight(who+" "+action+" "+e.Target, " ")
}

// String is the rule as people read it: `filesystem.deny_read "~/.ssh" at
// ~/.config/fsh/policy.toml:14`.
func (r Rule) String() string {
	text := r.Text
	if text == "" {
		text = r.Key
		if r.Value != "" {
			text += " " + strconv.Quote(r.Value)
		}
	}
	switch {
	case r.Origin.File != "" && r.Origin.Line != 0:
		return fmt.Sprintf("%s at %s:%d", text, r.Origin.File, r.Origin.Line)
	case r.Origin.File != "":
		return text + " at " + r.Origin.File
	case r.Origin.Layer != "" && !strings.HasSuffix(text, ")"):
		return text + " (" + r.Origin.Layer + ")"
	}
	return text
}

// Close says how often repeated denials were seen, and waits for a while until
// all is written. Afterwards Emit does nothing.
func (t *Text) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range t.list {
		if n := t.seen[d]; n > 1 && d.action != "" {
			who := subject(Event{Program: d.program, Action: d.action, Target: d.target})
			t.q.put([]byte(lines(fmt.Sprintf("blocked %d times: %s", n, who), "")), false)
		}
	}
	if n := t.more + t.q.lost(); n > 0 {
		t.q.put([]byte(lines(fmt.Sprintf("%d more messages are not shown", n), "")), false)
	}
	t.list, t.seen, t.more = nil, map[denial]int{}, 0
	t.q.close()
}

// Printable makes text that others chose safe to show on a terminal: control
// characters (C0, C1), invisible and direction-changing ones, and bytes that
// are not UTF-8 are escaped as Go does in strings.
func Printable(s string) string {
	clean := true
	for _, r := range s {
		clean = clean && shown(r)
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case shown(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
		i += n
	}
	return b.String()
}

// shown says whether a rune may go to a terminal: graphic characters and the
// space. unicode.IsGraphic leaves out Cc and Cf, so bidirectional controls and
// zero-width characters too; RuneError stands for bytes that are not UTF-8.
func shown(r rune) bool {
	switch r {
	case 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0:
		return false // letters and marks that are drawn as nothing
	}
	if unicode.Is(unicode.Variation_Selector, r) {
		return false
	}
	return r != utf8.RuneError && (r == ' ' || unicode.IsGraphic(r) && !unicode.Is(unicode.Zs, r))
}
