// Package history keeps the commands that a shell remembers, joins the lines
// of one command as bash's cmdhist does, and expands references such as !!.
package history

import (
	"slices"
	"strings"
)

// An Entry is one command. Time is in seconds since 1970, 0 when unknown.
type Entry struct {
	Text string
	Time int64
}

// Unlimited is the limit of a list that forgets nothing.
const Unlimited = -1

// List is the history of one shell. The zero value is empty and keeps nothing;
// set Limit first.
type List struct {
	entries []Entry
	first   int // number of entries[0], less one
	limit   int
	shared  bool // another list has the same array
}

// New is an empty list of at most limit commands.
func New(limit int) *List { return &List{limit: limit} }

// Fork returns a copy, for a subshell. Both may go on to change.
func (l *List) Fork() *List {
	if l == nil {
		return nil
	}
	l.shared = true
	fork := *l
	return &fork
}

// own makes the array the list's alone.
func (l *List) own() {
	if l.shared {
		l.entries, l.shared = slices.Clone(l.entries), false
	}
}

// Len is how many commands there are.
func (l *List) Len() int { return len(l.entries) }

// First is the number of the oldest command.
func (l *List) First() int { return l.first + 1 }

// Next is the number that the next command gets.
func (l *List) Next() int { return l.first + len(l.entries) + 1 }

// At is the command of an index, from 0.
func (l *List) At(i int) Entry { return l.entries[i] }

// Limit forgets the oldest commands beyond n, now and later.
// The numbers of the rest then begin as in bash, with how many were forgotten.
func (l *List) Limit(n int) {
	first, over := l.first, len(l.entries)-n
	if l.limit = n; n != Unlimited && over > 0 {
		l.trim()
		l.first = max(first, over-1)
	}
}

func (l *List) trim() {
	if over := len(l.entries) - l.limit; l.limit != Unlimited && over > 0 {
		l.own()
		l.entries = slices.Delete(l.entries, 0, over)
		l.first += over
	}
}

// Add appends a command.
func (l *List) Add(e Entry) {
	if l.limit == 0 {
		return
	}
	l.own()
	l.entries = append(l.entries, e)
	l.trim()
}

// Replace changes the text of the last command.
func (l *List) Replace(text string) {
	if n := len(l.entries); n > 0 {
		l.own()
		l.entries[n-1].Text = text
	}
}

// Delete removes the commands of the indices from i up to and without j.
func (l *List) Delete(i, j int) {
	l.own()
	l.entries = slices.Delete(l.entries, i, j)
}

// DeleteText removes every command of that text.
func (l *List) DeleteText(text string) {
	l.own()
	l.entries = slices.DeleteFunc(l.entries, func(e Entry) bool { return e.Text == text })
}

// Clear forgets everything; numbers begin again.
func (l *List) Clear() { l.entries, l.first, l.shared = nil, 0, false }

// Last is the newest command, "" when there is none.
func (l *List) Last() string {
	if len(l.entries) == 0 {
		return ""
	}
	return l.entries[len(l.entries)-1].Text
}

// FindPrefix is the index of the newest command before end that begins so, or -1.
func (l *List) FindPrefix(text string, end int) int {
	for i := end - 1; i >= 0; i-- {
		if strings.HasPrefix(l.entries[i].Text, text) {
			return i
		}
	}
	return -1
}

// FindWithin is the index of the newest command before end that contains text, or -1.
func (l *List) FindWithin(text string, end int) int {
	for i := end - 1; i >= 0; i-- {
		if strings.Contains(l.entries[i].Text, text) {
			return i
		}
	}
	return -1
}
