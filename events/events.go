// Package events holds typed records of what ran and what was denied, and the
// writers that show them to people (standard error) and machines (JSON lines).
package events

import (
	"strings"
	"time"
)

// Kind of an event.
type Kind string

const (
	Exec    Kind = "exec"    // a program was started
	Exit    Kind = "exit"    // a program ended
	Open    Kind = "open"    // a file was opened or refused
	Connect Kind = "connect" // a connection was allowed or refused
	Resolve Kind = "resolve" // a name was looked up
	Limit   Kind = "limit"   // a limit of the policy was reached
	Warning Kind = "warning" // fsh itself has something to say
)

// Origin is where a rule was written.
type Origin struct {
	// Layer is "defaults", "system", "user", "project", "script", "flag".
	Layer string `json:"layer"`
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"` // 1-based
}

// Rule is the rule that decided.
type Rule struct {
	Key    string `json:"key"`             // such as "filesystem.deny_read", "network.allowed_domains"
	Value  string `json:"value,omitempty"` // the entry; empty when no entry matched
	Origin Origin `json:"origin"`
	// Text is said instead of Key and Value when no entry decided, for
	// example "no allowed_domains entry matches".
	Text string `json:"text,omitempty"`
}

// FromSession tells whether the rule was made at the prompt of the session.
func (r Rule) FromSession() bool {
	return r.Origin.Layer == "flag" && strings.HasPrefix(r.Origin.File, "fsh ")
}

// Event is one record. Zero fields are left out.
type Event struct {
	Time    time.Time `json:"time"`
	Session string    `json:"session,omitempty"`
	Kind    Kind      `json:"kind"`
	Denied  bool      `json:"denied"`
	// Script position that caused it.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Program is the name of the process; empty when it is not known.
	Program string   `json:"program,omitempty"`
	Argv    []string `json:"argv,omitempty"`
	Pid     int      `json:"pid,omitempty"` // inner number
	// Action and Target are what was wanted: "connect" "x.test:443",
	// "read" "/root/.ssh/id", "write", "create", "exec".
	Action string `json:"action,omitempty"`
	Target string `json:"target,omitempty"`
	// Errno is what the caller got, such as "EACCES".
	Errno  string `json:"errno,omitempty"`
	Rule   *Rule  `json:"rule,omitempty"`
	Hint   string `json:"hint,omitempty"`
	Status *int   `json:"status,omitempty"`
	// Duration in seconds; BytesIn and BytesOut as the client saw them.
	Duration float64 `json:"duration,omitempty"`
	BytesIn  int64   `json:"bytes_in,omitempty"`
	BytesOut int64   `json:"bytes_out,omitempty"`
	Message  string  `json:"message,omitempty"`
	// Weaker are the layers that the session does without.
	Weaker []string `json:"weaker,omitempty"`
}

// Sink takes events. Emit does not block for long and may be called from
// several goroutines.
type Sink interface{ Emit(Event) }
