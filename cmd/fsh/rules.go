//go:build linux

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// policyFlags are the options by which subcommands choose a policy: the same
// as those of a run.
type policyFlags struct {
	options
	asJSON bool
}

func (c *call) policyFlags(f *flag.FlagSet) *policyFlags {
	p := &policyFlags{}
	f.StringVar(&p.policyFile, "policy", "", "")
	f.BoolVar(&p.asJSON, "json", false, "")
	for _, kind := range ruleKinds {
		f.Func(kind, "", func(value string) error {
			for v := range strings.SplitSeq(value, ",") {
				if v == "" {
					return fmt.Errorf("empty value")
				}
				p.rules = append(p.rules, policy.Flag{Kind: kind, Value: v})
			}
			return nil
		})
	}
	return p
}

// invocation is a run with the chosen policy: in a directory, or of a script.
func (c *call) invocation(p *policyFlags, at string) (*invocation, string, error) {
	in := &invocation{options: &p.options, name: "fsh", env: c.env}
	dir, err := os.Getwd()
	if err != nil {
		return nil, "", fmt.Errorf("the working directory: %w", err)
	}
	if c.at != nil {
		c.at.session.lend(in)
	}
	if at == "" {
		return in, dir, nil
	}
	if !filepath.IsAbs(at) {
		at = filepath.Join(dir, at)
	}
	info, err := os.Stat(at)
	switch {
	case err != nil:
		return nil, "", &policy.Error{File: at, Msg: "cannot read it: " + unwrapped(err), Err: err}
	case info.IsDir():
		return in, filepath.Clean(at), nil
	}
	in.operands = []string{at}
	_, err = in.openScript()
	return in, dir, err
}

// load makes the policy that a run would have, and shows warnings.
func (c *call) load(p *policyFlags, at string) (*policy.Policy, error) {
	in, dir, err := c.invocation(p, at)
	if err != nil {
		return nil, err
	}
	rules, warnings, err := policy.Load(in.policyOptions(dir))
	c.warn(warnings)
	return rules, err
}

func (c *call) warn(warnings []events.Event) {
	text := events.NewText(c.errout, events.TextOptions{})
	for _, w := range warnings {
		text.Emit(w)
	}
	text.Close()
}

func (c *call) printJSON(v any) int {
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return c.fails(1, err)
	}
	return 0
}

// unwrapped is the cause of an error about a file, whose name is said apart.
func unwrapped(err error) string {
	var cause *os.PathError
	if e, ok := err.(*os.PathError); ok {
		cause = e
	}
	if cause != nil {
		return cause.Err.Error()
	}
	return err.Error()
}

// realPath follows the links of a path as far as it exists.
func realPath(path string) string {
	real, _ := walk(path)
	return real
}

// walk is realPath, with the places of the links on the way.
func walk(path string) (real string, links []string) {
	real = "/"
	parts := strings.Split(filepath.Clean(path), "/")
	for len(parts) > 0 {
		part := parts[0]
		parts = parts[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			real = filepath.Dir(real)
			continue
		}
		next := filepath.Join(real, part)
		to, err := os.Readlink(next)
		if err != nil || len(links) > 40 { // ELOOP, path_resolution(7)
			real = next
			continue
		}
		links = append(links, next)
		if filepath.IsAbs(to) {
			real = "/"
		}
		parts = append(strings.Split(to, "/"), parts...)
	}
	return real, links
}
