//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/sandbox"
)

const quarantineText = `A file with a protected name (.envrc, .git/hooks, ...) that a sandboxed process
made in spite of the rules is moved out of the tree, to where nothing runs it.

  list                     what is there, oldest first
  show ID                  where it was, why it was taken, and its text
  restore ID [--to=PATH]   put it back; never over something

Exit status: 0, 1 when there is no such entry or it cannot be put back.
`

func quarantineMain(c *call, args []string) int {
	f := c.flags()
	to := f.String("to", "", "")
	operands, status, done := c.parse(f, args)
	if done {
		return status
	}
	store := sandbox.QuarantineDir(c.getenv("HOME"))
	verb := ""
	if len(operands) > 0 {
		verb = operands[0]
	}
	switch {
	case *to != "" && verb != "restore":
		return c.misused("--to is for restore")
	case verb == "list" && len(operands) == 1:
		return c.listQuarantine(store)
	case verb == "show" && len(operands) == 2:
		return c.showQuarantine(store, operands[1])
	case verb == "restore" && len(operands) == 2:
		if *to != "" && !filepath.IsAbs(*to) {
			dir, err := os.Getwd()
			if err != nil {
				return c.fails(1, err)
			}
			*to = filepath.Join(dir, *to)
		}
		path, err := sandbox.RestoreQuarantine(store, operands[1], *to)
		if err != nil {
			return c.fails(1, err)
		}
		fmt.Fprintln(c.out, "restored", events.Printable(path))
		return 0
	}
	return c.misused("list, show ID or restore ID expected")
}

func (c *call) listQuarantine(store string) int {
	list, err := sandbox.ListQuarantine(store)
	if err != nil {
		return c.fails(1, err)
	}
	for _, q := range list {
		fmt.Fprintf(c.out, "%s\t%s\t%s\n", q.ID, q.Time.Format("2006-01-02 15:04:05"), events.Printable(q.Path))
	}
	return 0
}

// maxShownText is how much of a file show prints.
const maxShownText = 64 << 10

func (c *call) showQuarantine(store, id string) int {
	q, item, err := sandbox.QuarantinedItem(store, id)
	if err != nil {
		return c.fails(1, err)
	}
	fmt.Fprintf(c.out, "path:   %s\ntime:   %s\nreason: %s\nfile:   %s\n", events.Printable(q.Path),
		q.Time.Format("2006-01-02 15:04:05"), events.Printable(q.Reason), item)
	st, err := os.Lstat(item)
	if err != nil || !st.Mode().IsRegular() {
		return 0
	}
	in, err := os.Open(item)
	if err != nil {
		return c.fails(1, err)
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxShownText))
	if err != nil {
		return c.fails(1, err)
	}
	fmt.Fprintln(c.out)
	for line := range linesOf(string(text)) {
		fmt.Fprintln(c.out, "  "+events.Printable(line))
	}
	return 0
}
