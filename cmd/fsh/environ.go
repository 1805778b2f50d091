//go:build linux

package main

import (
	"slices"
	"strings"

	"github.com/fsh-sh/fsh/netfilter"
	"github.com/fsh-sh/fsh/policy"
	"github.com/fsh-sh/fsh/sandbox"
)

// insideEnv is the environment that the script starts with: the user's less
// what the policy withholds, and what makes programs use the sandbox's doors
// and its private places.
func insideEnv(env []string, rules *policy.Policy) []string {
	env = rules.FilterEnv(env)
	for _, kv := range netfilter.Environ(sandbox.PortHTTP, sandbox.PortSOCKS) {
		name, _, _ := strings.Cut(kv, "=")
		env = append(without(env, name), kv)
	}
	// A TMPDIR that cannot be written is worse than none: /tmp is private.
	if dir, ok := lookup(env, "TMPDIR"); ok {
		if allowed, _ := rules.Why("write", dir); !allowed {
			env = without(env, "TMPDIR")
		}
	}
	return withoutMeans(env, rules)
}

// instead has variables by which programs do without what the sandbox refuses,
// unless the user has them, or what is in the home may be written.
var instead = []struct{ name, value, home string }{
	// Where Emacs keeps what it compiles, before the directory in the home. One that
	// can write nowhere signals an error when it starts, and does not open the files
	// that it was given (comp-el-to-eln-filename).
	{"EMACSNATIVELOADPATH", "/tmp", ".emacs.d/eln-cache/x"},
	// LeakSanitizer looks at its process by ptrace(2) when that ends, and without has
	// every program end with an error.
	{"LSAN_OPTIONS", "detect_leaks=0", ""},
	// screen's sockets are in /run otherwise, which is hidden.
	{"SCREENDIR", "/tmp/.screen", ""},
}

func withoutMeans(env []string, rules *policy.Policy) []string {
	for _, v := range instead {
		if _, ok := lookup(env, v.name); ok {
			continue
		}
		if v.home != "" && rules.Home != "" {
			if allowed, _ := rules.Why("write", rules.Home+"/"+v.home); allowed {
				continue
			}
		}
		env = append(env, v.name+"="+v.value)
	}
	return env
}

func without(env []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
}

func lookup(env []string, name string) (string, bool) {
	for _, kv := range env {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value, true
		}
	}
	return "", false
}
