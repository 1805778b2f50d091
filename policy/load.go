package policy

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsh-sh/fsh/events"
)

// Options say what to make a Policy from.
type Options struct {
	// Dir is the directory the policy is for, and Home the user's home: both
	// absolute. Without Home, entries with '~' are errors.
	Dir, Home string
	// ConfigHome is where fsh/policy.toml is; empty means Home/.config.
	ConfigHome string
	// SystemFile is the ceiling; empty means /etc/fsh/policy.toml.
	SystemFile string
	// PolicyFile, if not empty, is read in place of the user's file and must
	// exist. It is trusted: the user named it.
	PolicyFile string
	// Script is the text of the script, or its beginning, whose "#:" header
	// counts; ScriptName is how messages and Trusted call it.
	Script, ScriptName string
	// ScriptSum is the sha256 of the whole script, which trust is bound to;
	// nil: the script is not trusted.
	ScriptSum []byte
	Flags     []Flag
	// Trusted tells whether the user has agreed to the file with this
	// content. Nil trusts none.
	Trusted func(path string, sha256 []byte) bool
	// CheckHost says what is wrong with an entry of allowed_domains or
	// denied_domains, beyond its form; nil asks nobody.
	CheckHost func(entry string) error
	// PublicSuffix is the part of a domain below which anybody can have a name;
	// nil knows none. (The list itself would bring net/http, whose dependents
	// then start before the helpers that have no use for them.)
	PublicSuffix func(domain string) string
	// Inherited says that the policy is for a shell inside of a session: what is
	// not said is what the session allows, and nothing can be more. The user's
	// and the system's files are the session's affair; what comes with the
	// script can be believed, since it only narrows.
	Inherited bool
	// Getenv resolves $VAR in paths; nil means os.Getenv.
	Getenv func(string) string
}

// Flag is one --allow-… or --deny-… flag with one value.
type Flag struct {
	Kind  string // "allow-read", "deny-net", …: see FlagKinds
	Value string
	// Session: it was said at the prompt, by "fsh allow" or "fsh deny".
	Session bool
}

// String is the flag as it was written.
func (f Flag) String() string {
	if f.Session {
		return f.origin() + " " + f.Value
	}
	return f.origin() + "=" + f.Value
}

// origin is how rules show where the flag was given.
func (f Flag) origin() string {
	if f.Session {
		return "fsh " + strings.Replace(f.Kind, "-", " ", 1)
	}
	return "--" + f.Kind
}

// ProjectFile is the name of a project's policy file.
const ProjectFile = ".fsh.toml"

const (
	systemFile = "/etc/fsh/policy.toml"
	maxExtends = 10
)

//go:embed presets/*.toml
var presets embed.FS

// Load makes the policy for a directory. The error is an *Error. Warnings are
// events about what was left out; they never mean more rights.
func Load(o Options) (*Policy, []events.Event, error) {
	l, err := newLoader(o)
	if err != nil {
		return nil, nil, err
	}
	layers := []func() *Error{l.system, l.user, l.project, l.script, l.flags}
	if o.Inherited {
		if layers = layers[2:]; o.PolicyFile != "" {
			layers = append([]func() *Error{l.user}, layers...)
		}
	}
	for _, layer := range layers {
		if err := layer(); err != nil {
			return nil, l.warnings, err
		}
	}
	return l.build(), l.warnings, nil
}

// newLoader makes paths clean and fills in defaults.
func newLoader(o Options) (*loader, error) {
	if !filepath.IsAbs(o.Dir) {
		return nil, &Error{Msg: fmt.Sprintf("the directory %q is not absolute", o.Dir)}
	}
	o.Dir = filepath.Clean(o.Dir)
	if filepath.IsAbs(o.Home) {
		o.Home = filepath.Clean(o.Home)
	} else {
		o.Home = ""
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.PolicyFile != "" && !filepath.IsAbs(o.PolicyFile) {
		o.PolicyFile = filepath.Join(o.Dir, o.PolicyFile)
	}
	return &loader{Options: o, places: places{getenv: o.Getenv}}, nil
}

// loader collects sections from the outermost layer inwards.
type loader struct {
	Options
	layers   []layered
	sources  []Source
	warnings []events.Event
	places   places
}

// layered is a section and the programs beside it.
type layered struct {
	*section
	programs []named
}

func (l *loader) warn(message, hint string) {
	l.warnings = append(l.warnings, events.Event{Time: time.Now(), Kind: events.Warning, Message: message, Hint: hint})
}

// input is one text to read.
type input struct {
	path, text, layer, base string
	trusted                 bool
	chain                   []string // what extends what, outermost first
}

// file adds the sections of a file, after those of what it extends.
func (l *loader) file(in input) *Error {
	tree, err := parse(in.path, in.text)
	if err != nil {
		return err
	}
	d := &decoder{file: in.path, origin: in.layer, trusted: in.trusted,
		resolve: resolver{base: in.base, home: l.Home, getenv: l.Getenv}, checkHost: l.CheckHost}
	doc, err := d.document(tree)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(in.path, "preset ") {
		l.sources = append(l.sources, Source{Origin{Layer: in.layer, File: in.path}, in.trusted})
	}
	for _, u := range d.unset {
		l.warn(fmt.Sprintf("%s:%d:%d: %s", in.path, u.at.line, u.at.col, u.msg), "")
	}
	in.chain = append(slices.Clone(in.chain), in.path)
	for _, e := range doc.extends {
		if err := l.extension(in, e); err != nil {
			return err
		}
	}
	l.add(in, doc)
	return nil
}

func (l *loader) add(in input, doc *document) {
	asks := false
	add := func(s *section, programs []named) {
		if !in.trusted {
			asks = asks || s.asks()
			s = s.narrowed()
			programs = slices.Clone(programs)
			for i, p := range programs {
				asks = asks || p.section.asks()
				programs[i].section = p.section.narrowed()
			}
		}
		l.layers = append(l.layers, layered{s, programs})
	}
	add(doc.top, doc.programs)
	for _, dir := range doc.directories {
		if dir.path.Covers(l.Dir) {
			add(dir.section, dir.programs)
		}
	}
	if asks && len(in.chain) == 1 {
		l.warn(in.path+" is not trusted: only what it denies is used",
			l.trustHint(in))
	}
}

// StandardInput is Options.ScriptName of a script that has none.
const StandardInput = "standard input"

// trustHint says how to trust a file.
func (l *loader) trustHint(in input) string {
	if in.layer == "script" && in.path == StandardInput {
		return "save it: a file can be trusted"
	}
	operand := shellQuote(in.path)
	if in.layer == "project" {
		if operand = shellQuote(filepath.Dir(in.path)); filepath.Dir(in.path) == l.Dir {
			return "read it; if you agree: fsh trust"
		}
	}
	return "read it; if you agree: fsh trust " + operand
}

// extension reads a preset or a file. A file is trusted if the file that
// names it is and, where the content came with a project, it is itself.
func (l *loader) extension(in input, e extension) *Error {
	bad := func(m *mistake, cause error) *Error {
		return &Error{File: in.path, Line: e.at.line, Col: e.at.col, Msg: m.msg, Hint: m.hint, Err: cause}
	}
	if len(in.chain) > maxExtends {
		return bad(&mistake{msg: fmt.Sprintf("extends goes more than %d files deep", maxExtends)}, nil)
	}
	next := in
	if !strings.ContainsAny(e.name, "/.") {
		text, err := presets.ReadFile("presets/" + e.name + ".toml")
		if err != nil {
			return bad(&mistake{msg: fmt.Sprintf("no preset %q", e.name), hint: didYouMean(e.name, Presets()) + `; a file is written with a slash: "./file.toml"`}, nil)
		}
		// A preset's "." is the directory of who extends it.
		next.path, next.text = "preset "+e.name, string(text)
		return l.file(next)
	}
	base := in.base
	if filepath.IsAbs(in.path) {
		base = filepath.Dir(in.path)
	}
	path, m := resolver{base: base, home: l.Home, getenv: l.Getenv}.path(e.name)
	if m == nil && path.Glob {
		m = &mistake{msg: "extends takes no wildcards", hint: "name each file"}
	}
	if m != nil {
		return bad(m, nil)
	}
	if slices.Contains(in.chain, path.Pattern) {
		return bad(&mistake{msg: "extends in a circle: " + strings.Join(append(in.chain, path.Pattern), " → "), hint: "remove one of them"}, nil)
	}
	text, err := readFile(path.Pattern, in.layer != "project")
	if err != nil {
		return bad(&mistake{msg: fmt.Sprintf("extends %q: %s", path.Pattern, err.Msg), hint: err.Hint}, err.Err)
	}
	next.path, next.text = path.Pattern, text
	if in.layer == "project" || in.layer == "script" {
		next.trusted = in.trusted && l.trusts(next.path, text)
	}
	return l.file(next)
}

// Presets are the names that extends knows without a file.
func Presets() []string {
	entries, _ := presets.ReadDir("presets") // embedded: cannot fail
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".toml"))
	}
	return names
}
