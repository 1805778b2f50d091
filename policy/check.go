package policy

import (
	"fmt"
	"path/filepath"

	"github.com/fsh-sh/fsh/events"
)

// Check reads one policy file, and what it extends, as if it were trusted, and
// says what is wrong with it.
func Check(o Options, file string) ([]events.Event, error) {
	_, warnings, err := alone(o, file)
	return warnings, err
}

// alone is the policy of the defaults and one file.
func alone(o Options, file string) (*Policy, []events.Event, error) {
	o.Script, o.Flags = "", nil
	l, err := newLoader(o)
	if err != nil {
		return nil, nil, err
	}
	path, absErr := filepath.Abs(file)
	if absErr != nil {
		return nil, nil, &Error{File: file, Msg: fmt.Sprint(absErr), Err: absErr}
	}
	text, bad := readFile(path, true)
	if bad != nil {
		return nil, nil, bad
	}
	in := input{path: path, text: text, layer: "user", base: l.Dir, trusted: true}
	if filepath.Base(path) == ProjectFile {
		in.layer, in.base = "project", filepath.Dir(path)
		l.Trusted = func(string, []byte) bool { return true }
	}
	if bad := l.file(in); bad != nil {
		return nil, l.warnings, bad
	}
	return l.build(), l.warnings, nil
}

// Lint says what a policy file grants that deserves a thought: the dangers of
// the rights that it adds to the defaults.
func Lint(o Options, file string) ([]Change, error) {
	o.Script, o.Flags = "", nil
	l, err := newLoader(o)
	if err != nil {
		return nil, err
	}
	after, _, err := alone(o, file)
	if err != nil {
		return nil, err
	}
	var dangers []Change
	for _, c := range Difference(l.build(), after) {
		if c.Danger != "" {
			dangers = append(dangers, c)
		}
	}
	return dangers, nil
}
