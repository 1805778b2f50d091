//go:build linux

package main

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/sandbox"
)

const cacheText = `What private_write paths (~/.npm, ~/.cache/go-build, ...) are inside: a directory
for each project, so that no project can poison another's. They go by themselves
after 60 days without use, and when all together take more than 20 GiB.

  list            size, last use and project
  clear [DIR]     remove those of the project DIR, or all that are not in use

Exit status: 0, 1 when something could not be removed.
`

func cacheMain(c *call, args []string) int {
	operands, status, done := c.parse(c.flags(), args)
	if done {
		return status
	}
	store := sandbox.CacheDir(c.getenv("HOME"))
	if len(operands) == 0 || operands[0] == "list" && len(operands) > 1 || len(operands) > 2 ||
		operands[0] != "list" && operands[0] != "clear" {
		return c.misused("list or clear expected")
	}
	list, err := sandbox.ListCaches(store)
	if err != nil {
		return c.fails(1, err)
	}
	if operands[0] == "list" {
		for _, e := range list {
			note := ""
			if e.InUse {
				note = "\t(in use)"
			}
			fmt.Fprintf(c.out, "%s\t%s\t%s%s\n", sizeText(e.Size), e.Used.Format("2006-01-02 15:04"), events.Printable(e.Project), note)
		}
		return 0
	}
	only := ""
	if len(operands) == 2 {
		if only, err = filepath.Abs(operands[1]); err != nil {
			return c.fails(1, err)
		}
	}
	return c.clearCaches(list, only)
}

func (c *call) clearCaches(list []sandbox.Cache, only string) (status int) {
	found := only == ""
	for _, e := range list {
		if only != "" && e.Project != only {
			continue
		}
		found = true
		switch err := sandbox.ClearCache(e.Dir); {
		case errors.Is(err, sandbox.ErrInUse) && only == "":
			fmt.Fprintf(c.errout, "fsh: kept: %s: %v\n", events.Printable(e.Project), err)
		case err != nil:
			status = c.fails(1, fmt.Errorf("%s: %w", events.Printable(e.Project), err))
		default:
			fmt.Fprintf(c.out, "cleared %s\t%s\n", sizeText(e.Size), events.Printable(e.Project))
		}
	}
	if !found {
		return c.fails(1, fmt.Errorf("no cache of %s", events.Printable(only)))
	}
	return status
}

func sizeText(n int64) string {
	const unit = 1 << 10
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, units := float64(n)/unit, "KMGT"
	for value >= unit && len(units) > 1 {
		value, units = value/unit, units[1:]
	}
	return fmt.Sprintf("%.1f %ciB", value, units[0])
}

// linesOf splits a text into lines without their ends.
func linesOf(text string) iter.Seq[string] {
	return strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n")
}
