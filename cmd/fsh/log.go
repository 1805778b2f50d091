//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

const logText = `Reads the JSON lines of 'fsh --events=FILE'. Without options it shows what was
denied, each with its rule and a hint, and repeated ones once with their number.

  --all      what was allowed, too
  --json     the lines themselves: of denials, or with --all of everything
  --follow   go on as the file grows, until interrupted

Exit status: 1 when the file cannot be read or has lines that are no events.
`

// maxEvent is the longest line that is an event: a command of 2 MiB
// (ARG_MAX), escaped.
const maxEvent = 16 << 20

func logMain(c *call, args []string) int {
	f := c.flags()
	all, asJSON, follow := f.Bool("all", false, ""), f.Bool("json", false, ""), f.Bool("follow", false, "")
	operands, status, done := c.parse(f, args)
	switch {
	case done:
		return status
	case c.at != nil && *follow:
		return c.fails(1, &usageError{"log: --follow would keep the prompt", "run it in a shell outside"})
	case len(operands) != 1:
		return c.misused("name the file that --events wrote")
	}
	file, err := os.Open(operands[0])
	if err != nil {
		return c.fails(1, &policy.Error{File: operands[0], Msg: "cannot read it: " + unwrapped(err), Hint: "fsh --events=FILE writes one", Err: err})
	}
	defer file.Close()
	show, end := c.shower(*all, *asJSON)
	defer end()
	r := &growing{file, *follow}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	for n := 1; lines.Scan(); n++ {
		var e events.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Kind == "" {
			fmt.Fprintf(c.errout, "fsh: %s:%d: no event\n", events.Printable(operands[0]), n)
			status = 1
			continue
		}
		show(e, lines.Bytes())
	}
	if err := lines.Err(); err != nil {
		return c.fails(1, &policy.Error{File: operands[0], Msg: "cannot read it: " + unwrapped(err), Err: err})
	}
	return status
}

// shower is what is done with each event, and at the end.
func (c *call) shower(all, asJSON bool) (show func(events.Event, []byte), end func()) {
	if asJSON {
		return func(e events.Event, line []byte) {
			if all || e.Denied {
				// A line of a file need not be fsh's own: nothing of it reaches a terminal raw.
				out := events.NewJSON(c.out, e.Session)
				out.Emit(e)
				out.Close()
			}
		}, func() {}
	}
	text := events.NewText(c.out, events.TextOptions{Monitor: true, Debug: all})
	return func(e events.Event, _ []byte) { text.Emit(e) }, text.Close
}

// growing reads a file, and waits at its end for more.
type growing struct {
	f      *os.File
	follow bool
}

// pause is how often a file is looked at that is followed.
const pause = 200 * time.Millisecond

func (g *growing) Read(p []byte) (int, error) {
	for {
		n, err := g.f.Read(p)
		if n > 0 || !g.follow || !errors.Is(err, io.EOF) {
			return n, err
		}
		time.Sleep(pause)
	}
}
