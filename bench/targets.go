package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// target is a number of DESIGN §7 that a variant has to hold: a ratio to
// another variant, or microseconds per operation, more than another's or in
// all. Both are medians of what is taken round by round.
type target struct {
	variant, of string
	ratio       float64
	more        float64
}

// pureTargets are those of the rows that run no program.
var pureTargets = map[string][]target{
	"counting loop":        {{variant: "fsh", of: "dash", ratio: 1}},
	"string operations":    {{variant: "fsh", of: "dash", ratio: 1}},
	"functions":            {{variant: "fsh", of: "dash", ratio: 1}},
	"case":                 {{variant: "fsh", of: "dash", ratio: 1}},
	"command substitution": {{variant: "fsh", of: "dash", ratio: 0.1}},
	"redirection > file":   {{variant: "fsh", more: 60}},
	// Not in DESIGN: what the runner makes dearer must not be slower than bash.
	"here-document to cat":  {{variant: "fsh", of: "bash", ratio: 1}},
	"glob of 1,000 folders": {{variant: "fsh", of: "bash", ratio: 1}},
}

// judge says what was reached, and marks what was not.
func (t target) judge(r row, times [][]time.Duration) string {
	at := func(name string) int {
		return slices.IndexFunc(r.variants, func(v variant) bool { return v.name == name })
	}
	own, other := times[at(t.variant)], []time.Duration(nil)
	if t.of != "" {
		other = times[at(t.of)]
	}
	values := make([]float64, len(own))
	for i, d := range own {
		us := float64(d.Nanoseconds()) / 1e3 / float64(r.per)
		switch {
		case t.ratio > 0:
			values[i] = float64(d) / float64(other[i])
		case other != nil:
			values[i] = us - float64(other[i].Nanoseconds())/1e3/float64(r.per)
		default:
			values[i] = us
		}
	}
	slices.Sort(values)
	got := values[len(values)/2]
	text, limit := fmt.Sprintf("%s at most %.0f µs", t.variant, t.more), t.more
	switch {
	case t.ratio > 0:
		text, limit = fmt.Sprintf("%s at most %.2f × %s", t.variant, t.ratio, t.of), t.ratio
	case t.of != "":
		text = fmt.Sprintf("%s at most %.0f µs more than %s", t.variant, t.more, t.of)
	}
	mark := "met"
	if got > limit {
		mark = "MISSED"
	}
	return fmt.Sprintf("target: %s: %.2f, %s", text, got, mark)
}

// growth is the row that a test measures.
const growth = "10,000 commands: no growth in descriptors, processes, mounts, memory"

func noGrowth() string {
	out, err := exec.Command("go", "test", "-count=1", "-run", "^TestNoGrowth$", "./cmd/fsh").CombinedOutput()
	if err != nil {
		return fmt.Sprintf("target: TestNoGrowth: MISSED\n%s", out)
	}
	return "target: TestNoGrowth: met, " + strings.TrimSpace(string(out))
}
