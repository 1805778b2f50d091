//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

const policyText = `  fsh policy show [DIR|SCRIPT]   what holds there, rule by rule, and where each is from
                                 (--all: built-in rules as well)
  fsh policy check [FILE...]     read policies and say what is wrong with them, or
                                 without FILE what holds here; rights that deserve a
                                 thought are named. Exit status 1: a mistake
  fsh policy diff [DIR|SCRIPT]   what fsh trust would change
  fsh policy init [DIR]          write a commented .fsh.toml for what is in the
                                 directory (--print: show it only)
  fsh policy explain [KEY]       what a key of a policy file means; also
                                 explain ACTION TARGET, which is fsh why
  fsh policy import FILE         turn settings of Fence, Greywall or srt (JSON) into
                                 a policy, with notes on what has no counterpart
  fsh policy schema              the JSON Schema of policy files, for editors

  --policy=FILE --allow-KIND=… --deny-KIND=…   for show: as for a run
  --json                                       for show, check and diff
`

// policyCommands are the subcommands of policy.
func policyCommands() map[string]func(c *call, args []string) int {
	return map[string]func(c *call, args []string) int{
		"show": policyShow, "check": policyCheck, "diff": policyDiff, "init": policyInit,
		"explain": policyExplain, "import": policyImport, "schema": policySchema,
	}
}

func policyMain(c *call, args []string) int {
	if len(args) > 0 {
		if run := policyCommands()[args[0]]; run != nil {
			return run(c, args[1:])
		}
	}
	operands, status, done := c.parse(c.flags(), args)
	switch {
	case done:
		return status
	case len(operands) == 0:
		return c.misused("what about it?")
	}
	names := []string{}
	for name := range policyCommands() {
		names = append(names, name)
	}
	slices.Sort(names)
	hint := "there are: " + strings.Join(names, ", ")
	if near := policy.Nearest(operands[0], names); near != "" {
		hint = "did you mean 'fsh policy " + near + "'?"
	}
	return c.fails(exitUsage, &usageError{"policy: no subcommand " + events.Printable(operands[0]), hint})
}

func policyShow(c *call, args []string) int {
	f := c.flags()
	p := c.policyFlags(f)
	all := f.Bool("all", false, "")
	at, status, done := c.operand(f, args, "directory or script")
	if done {
		return status
	}
	rules, err := c.load(p, at)
	if err != nil {
		return c.fails(exitSetup, err)
	}
	if p.asJSON {
		return c.printJSON(rules)
	}
	fmt.Fprint(c.out, describePolicy(rules, *all))
	return 0
}

// checkResult is one answer of policy check.
type checkResult struct {
	File     string          `json:"file"`
	OK       bool            `json:"ok"`
	Error    string          `json:"error,omitempty"`
	Hint     string          `json:"hint,omitempty"`
	Warnings []string        `json:"warnings,omitempty"`
	Dangers  []policy.Change `json:"dangers,omitempty"`
}

func policyCheck(c *call, args []string) int {
	f := c.flags()
	p := c.policyFlags(f)
	files, status, done := c.parse(f, args)
	if done {
		return status
	}
	in, dir, err := c.invocation(p, "")
	if err != nil {
		return c.fails(exitSetup, err)
	}
	o := in.policyOptions(dir)
	results := []checkResult{}
	if len(files) == 0 {
		_, warnings, err := policy.Load(o)
		results = append(results, result("the policy of "+dir, warnings, err))
	}
	for _, file := range files {
		warnings, err := policy.Check(o, file)
		r := result(file, warnings, err)
		if err == nil {
			r.Dangers, _ = policy.Lint(o, file) // the mistakes are known
		}
		results = append(results, r)
	}
	for _, r := range results {
		if !r.OK {
			status = 1
		}
		if !p.asJSON {
			c.printCheck(r)
		}
	}
	if p.asJSON {
		c.printJSON(results)
	}
	return status
}

func result(file string, warnings []events.Event, err error) checkResult {
	r := checkResult{File: file, OK: err == nil}
	if err != nil {
		r.Error, r.Hint = err.Error(), hintOf(err)
	}
	for _, w := range warnings {
		r.Warnings = append(r.Warnings, w.Message)
	}
	return r
}

func (c *call) printCheck(r checkResult) {
	if !r.OK {
		fmt.Fprintln(c.errout, "fsh:", events.Printable(r.Error))
		if r.Hint != "" {
			fmt.Fprintln(c.errout, "fsh: hint:", events.Printable(r.Hint))
		}
		return
	}
	fmt.Fprintf(c.out, "%s: ok\n", events.Printable(r.File))
	for _, w := range r.Warnings {
		fmt.Fprintf(c.out, "  note: %s\n", events.Printable(w))
	}
	var b strings.Builder
	for _, d := range r.Dangers {
		describeChange(&b, d)
	}
	fmt.Fprint(c.out, b.String())
}

func policyDiff(c *call, args []string) int {
	f := c.flags()
	asJSON := f.Bool("json", false, "")
	at, status, done := c.operand(f, args, "directory or script")
	if done {
		return status
	}
	file, err := trustTarget(at)
	if err != nil {
		return c.fails(1, err)
	}
	r, err := c.request(file)
	if err != nil {
		return c.fails(exitSetup, err)
	}
	changes := r.Changes()
	if *asJSON {
		return c.printJSON(append([]policy.Change{}, changes...))
	}
	fmt.Fprint(c.out, describeRequest(r, changes))
	return 0
}

func policyInit(c *call, args []string) int {
	f := c.flags()
	show := f.Bool("print", false, "")
	dir, status, done := c.operand(f, args, "directory")
	if done {
		return status
	}
	dir = cmp.Or(dir, ".")
	text := policy.Propose(dir)
	if *show {
		fmt.Fprint(c.out, text)
		return 0
	}
	path := filepath.Join(dir, ".fsh.toml")
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return c.fails(1, &policy.Error{File: path, Msg: "is there already", Hint: "fsh policy init --print shows what would be written"})
	}
	if err == nil {
		_, err = out.WriteString(text)
		err = errors.Join(err, out.Close())
	}
	if err != nil {
		return c.fails(1, &policy.Error{File: path, Msg: "cannot write it: " + unwrapped(err), Err: err})
	}
	fmt.Fprintf(c.errout, "fsh: wrote %s: read it, then fsh trust\n", events.Printable(path))
	return 0
}

func policyExplain(c *call, args []string) int {
	f := c.flags()
	c.policyFlags(f)
	f.String("program", "", "")
	f.String("in", "", "")
	operands, status, done := c.parse(f, args)
	if done {
		return status
	}
	if len(operands) > 0 && slices.Contains(whyActions, operands[0]) {
		return whyMain(c, args)
	}
	if len(operands) > 1 {
		return c.misused("one key, or an action and a target")
	}
	found := false
	names := []string{}
	for _, k := range policy.Keys() {
		names = append(names, k.Key)
		if len(operands) == 0 || k.Key == operands[0] || strings.HasPrefix(k.Key, operands[0]+".") || strings.HasSuffix(k.Key, "."+operands[0]) {
			found = true
			fmt.Fprintf(c.out, "%s\n    %s\n", k.Key, k.Doc)
		}
	}
	if found {
		return 0
	}
	err := &usageError{"policy explain: no key " + events.Printable(operands[0]), "fsh policy explain lists them"}
	if near := policy.Nearest(operands[0], names); near != "" {
		err.hint = "did you mean " + near + "?"
	}
	return c.fails(exitUsage, err)
}

func policyImport(c *call, args []string) int {
	operands, status, done := c.parse(c.flags(), args)
	switch {
	case done:
		return status
	case len(operands) != 1:
		return c.misused("import takes one file")
	}
	name, home := operands[0], c.getenv("HOME")
	f, err := os.Open(name)
	if err != nil {
		return c.fails(1, &policy.Error{File: name, Msg: "cannot read it: " + unwrapped(err), Err: err})
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, 2<<20))
	if err != nil {
		return c.fails(1, &policy.Error{File: name, Msg: "cannot read it: " + unwrapped(err), Err: err})
	}
	im, err := policy.Import(name, src, func(path string) bool {
		if rest, ok := strings.CutPrefix(path, "~"); ok {
			path = home + rest
		}
		_, err := os.Stat(path)
		return err == nil
	})
	if err != nil {
		return c.fails(1, err)
	}
	fmt.Fprint(c.out, im.TOML)
	for _, n := range im.Notes {
		fmt.Fprintln(c.errout, "fsh: note:", events.Printable(n))
	}
	return 0
}

func policySchema(c *call, args []string) int {
	operands, status, done := c.parse(c.flags(), args)
	switch {
	case done:
		return status
	case len(operands) > 0:
		return c.misused("schema takes no arguments")
	}
	fmt.Fprint(c.out, policy.Schema())
	return 0
}
