package main

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fsh-sh/fsh/completions"
	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/interp/plain"
	"github.com/fsh-sh/fsh/policy"
)

func TestParseArgs(t *testing.T) {
	tests := []struct {
		args string // words, split at spaces; "_" is an empty one
		want options
	}{
		{"", options{}},
		{"script a -e", options{operands: []string{"script", "a", "-e"}}},
		{"-c cmd name arg", options{command: true, operands: []string{"cmd", "name", "arg"}}},
		{"-ce cmd", options{command: true, set: []string{"-e"}, operands: []string{"cmd"}}},
		{"-c -e cmd", options{command: true, set: []string{"-e"}, operands: []string{"cmd"}}},
		{"-c -- -e", options{command: true, operands: []string{"-e"}}},
		{"-e +e -u script", options{set: []string{"-e", "+e", "-u"}, operands: []string{"script"}}},
		{"-eo pipefail +o noglob script", options{set: []string{"-e", "-o pipefail", "+o noglob"}, operands: []string{"script"}}},
		{"-oo noglob xtrace x", options{set: []string{"-o noglob", "-o xtrace"}, operands: []string{"x"}}},
		{"-s a b", options{stdin: true, operands: []string{"a", "b"}}},
		{"- -x", options{operands: []string{"-x"}}},
		{"-- policy", options{operands: []string{"policy"}}},
		{"-e -- -x", options{set: []string{"-e"}, operands: []string{"-x"}}},
		{"_ x", options{operands: []string{"", "x"}}},
		{"-m script", options{monitor: true, jobs: "-m", operands: []string{"script"}}},
		{"-o monitor script", options{set: []string{"-o monitor"}, operands: []string{"script"}}},
		{"-m +m -d", options{debug: true, jobs: "+m"}},
		{"-mec cmd", options{monitor: true, jobs: "-m", command: true, set: []string{"-e"}, operands: []string{"cmd"}}},
		{"--monitor --debug --bash --posix --unsafe-no-sandbox x --help", options{monitor: true, debug: true, bash: true, posix: true, unsafe: true, operands: []string{"x", "--help"}}},
		{"--policy=p.toml --events=3", options{policyFile: "p.toml", events: "3"}},
		{"--allow-net=a:1,b --deny-read=x", options{rules: []policy.Flag{{Kind: "allow-net", Value: "a:1"}, {Kind: "allow-net", Value: "b"}, {Kind: "deny-read", Value: "x"}}}},
		{"--allow-env=A=B", options{rules: []policy.Flag{{Kind: "allow-env", Value: "A=B"}}}},
		{"--help", options{help: true}},
		{"--version -x", options{version: true, set: []string{"-x"}}},
	}
	for _, test := range tests {
		got, err := parseArgs(words(test.args))
		if err != nil {
			t.Errorf("%q: %v", test.args, err)
			continue
		}
		if len(got.operands) == 0 {
			got.operands = nil
		}
		if diff := cmp.Diff(&test.want, got, cmp.AllowUnexported(options{})); diff != "" {
			t.Errorf("%q:\n%s", test.args, diff)
		}
	}
}

func words(s string) []string {
	fields := strings.Fields(s)
	for i, f := range fields {
		if f == "_" {
			fields[i] = ""
		}
	}
	return fields
}

func TestBadArgs(t *testing.T) {
	for args, want := range map[string][2]string{
		"-k":                 {"-k: unknown option", "fsh --help lists the options"},
		"-ek":                {"-k: unknown option", "fsh --help lists the options"},
		"+c x":               {"+c: unknown option", ""},
		"-o":                 {"-o: option name expected", ""},
		"-o pipefial":        {"-o pipefial: unknown option", "did you mean pipefail?"},
		"+o frobnicate":      {"+o frobnicate: unknown option", "fsh --help lists the options"},
		"--polcy=x":          {"--polcy: unknown option", "did you mean --policy?"},
		"--allow-nett=x":     {"--allow-nett: unknown option", "did you mean --allow-net?"},
		"--frobnicate":       {"--frobnicate: unknown option", "fsh --help lists the options"},
		"--policy file":      {"--policy: value expected", "write --policy=VALUE"},
		"--events=":          {"--events: value expected", "write --events=VALUE"},
		"--allow-net=a,,b":   {"--allow-net: empty value", "write --allow-net=VALUE[,VALUE]"},
		"--help=x":           {"--help: takes no value", ""},
		"--unsafe-nosandbox": {"--unsafe-nosandbox: unknown option", "did you mean --unsafe-no-sandbox?"},
		"-e\x1b[31m":         {`-\x1b: unknown option`, ""},
	} {
		_, err := parseArgs(words(args))
		var e *usageError
		if !errors.As(err, &e) || e.text != want[0] || want[1] != "" && e.hint != want[1] {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}

// TestOptionNames: the shell knows every name that -o takes.
func TestOptionNames(t *testing.T) {
	for _, name := range optionNames {
		if _, err := interp.New(interp.Config{System: plain.New(""), Name: "fsh", Options: []string{"+o " + name}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := interp.New(interp.Config{System: plain.New(""), Name: "fsh", Options: []string{"+o frobnicate"}}); err == nil {
		t.Error("the shell knows an option that does not exist")
	}
}

var (
	longOption  = regexp.MustCompile(`--[a-z][a-z-]*`)
	shortOption = regexp.MustCompile(`(?:^|[\s{(,'])-([A-Za-z])\b`)
)

// flagsOf are the options in a text: long ones, and single letters.
func flagsOf(text string, short *regexp.Regexp) []string {
	flags := longOption.FindAllString(text, -1)
	for _, m := range short.FindAllStringSubmatch(text, -1) {
		flags = append(flags, "-"+m[1])
	}
	slices.Sort(flags)
	return slices.Compact(flags)
}

// TestCompletionsListTheUsage: each script completes exactly the options that
// --help lists.
func TestCompletionsListTheUsage(t *testing.T) {
	want := flagsOf(usage, shortOption)
	for _, flag := range want {
		args := map[bool]string{true: flag + "=x", false: flag}[strings.Contains(usage, flag+"=")]
		if flag == "-o" {
			args = "-o noglob"
		}
		if flag == "--allow-weaker" {
			args = "--allow-weaker=net"
		}
		if _, err := parseArgs(words(args)); err != nil {
			t.Errorf("usage lists %s: %v", flag, err)
		}
	}
	shortOf := map[string]*regexp.Regexp{
		"bash": shortOption,
		"zsh":  regexp.MustCompile(`(?m)['{]\*?-([A-Za-z])[\[,]`),
		"fish": regexp.MustCompile(`(?m)^complete .* -s ([A-Za-z]) `),
	}
	for shell, short := range shortOf {
		text, ok := completions.Script(shell)
		if !ok {
			t.Fatalf("no script for %s", shell)
		}
		if diff := cmp.Diff(want, flagsOf(optionLines(shell, text), short)); diff != "" {
			t.Errorf("%s:\n%s", shell, diff)
		}
	}
	var names []string
	for _, sub := range subcommands() {
		names = append(names, sub.name)
	}
	for shell := range shortOf {
		if text, _ := completions.Script(shell); !strings.Contains(text, strings.Join(names, " ")) {
			t.Errorf("%s does not complete the subcommands %v", shell, names)
		}
	}
	if _, ok := completions.Script("csh"); ok {
		t.Error("a script for csh")
	}
}

// optionLines is the part of a script that lists options.
func optionLines(shell, text string) string {
	switch shell {
	case "bash":
		_, list, _ := strings.Cut(text, "compgen -W '--")
		list, _, _ = strings.Cut(list, "' --")
		return "--" + list
	case "zsh":
		_, list, _ := strings.Cut(text, "_arguments")
		list, _, _ = strings.Cut(list, "\t'1: ")
		return list
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "complete ") {
			b.WriteString(strings.ReplaceAll(line, " -l ", " --"))
		}
	}
	return b.String()
}
