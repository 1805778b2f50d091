//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fsh-sh/fsh/policy"
)

// cdPolicies are the policies of directories that a script has changed to.
// They are made anew when a project file that counts there has changed; trust
// that is given meanwhile counts from the next start on, or prompt.
type cdPolicies struct {
	mu    sync.Mutex
	start *policy.Policy
	opts  policy.Options
	known map[string]cdPolicy
}

// begin makes another policy the one that cd narrows from.
func (c *cdPolicies) begin(start *policy.Policy, opts policy.Options) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start, c.opts, c.known = start, opts, nil
}

type cdPolicy struct {
	stamp  string
	policy *policy.Policy
}

const (
	maxKnown = 256
	maxStamp = 64 << 10
)

// in is the policy from dir on.
func (c *cdPolicies) in(dir string) (*policy.Policy, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if dir == c.start.Dir {
		return c.start, nil
	}
	stamp, ok := projectStamp(dir)
	if k, found := c.known[dir]; ok && found && k.stamp == stamp {
		return k.policy, nil
	}
	p, err := c.start.NarrowedIn(dir, c.opts)
	if err != nil || !ok {
		return p, err
	}
	if c.known == nil || len(c.known) >= maxKnown {
		c.known = map[string]cdPolicy{}
	}
	c.known[dir] = cdPolicy{stamp, p}
	return p, nil
}

// projectStamp is what project files from dir upwards say; ok is false when
// that is not all that counts.
func projectStamp(dir string) (stamp string, ok bool) {
	var b strings.Builder
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		path := filepath.Join(d, policy.ProjectFile)
		st, err := os.Lstat(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil || !st.Mode().IsRegular() || st.Size() > maxStamp:
			return "", false
		default:
			text, err := os.ReadFile(path)
			if err != nil || bytes.Contains(text, []byte("extends")) {
				return "", false
			}
			fmt.Fprintf(&b, "%q %q\n", path, text)
		}
		if d == "/" {
			return b.String(), true
		}
	}
}
