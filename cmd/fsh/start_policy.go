//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/netfilter"
	"github.com/fsh-sh/fsh/policy"
	"github.com/fsh-sh/fsh/sandbox"
)

// keepDenials puts a keeper of denials before the sink of a shell with prompts.
func (in *invocation) keepDenials() *promptDenials {
	if !in.prompting() {
		return nil
	}
	d := &promptDenials{Sink: in.sink, keep: !in.monitor && !in.debug}
	in.sink = d
	return d
}

// unusable ends fsh when a script that has got by with builtins so far turns
// out not to have a sandbox. The sinks are flushed; what the session has
// started ends with this process.
func (in *invocation) unusable(sinks []func()) func(error) {
	return func(err error) {
		if e := (*sandbox.SetupError)(nil); !errors.As(err, &e) {
			err = fmt.Errorf("working directory: %w", err)
		}
		for _, flush := range slices.Backward(sinks) {
			flush()
		}
		os.Exit(complain(exitSetup, err))
	}
}

// policyOptions are those of the session, which starts in dir.
func (in *invocation) policyOptions(dir string) policy.Options {
	o := policy.Options{
		Dir: dir, Home: os.Getenv("HOME"), ConfigHome: os.Getenv("XDG_CONFIG_HOME"),
		PolicyFile: in.policyFile, Script: in.head, ScriptName: in.script, Flags: slices.Clone(in.rules),
		CheckHost: netfilter.CheckEntry, PublicSuffix: netfilter.PublicSuffix, ScriptSum: in.sum,
	}
	if in.piped != "" {
		o.Script, o.ScriptName = in.piped, policy.StandardInput
	}
	if o.Inherited = sandbox.Inherits(); sandbox.Inside() {
		return o // the store is not visible, and nothing could widen
	}
	var err error
	if o.Trusted, err = trustStore(in.env).Trusted(); err != nil && in.sink != nil {
		in.sink.Emit(events.Event{Kind: events.Warning, Message: err.Error(), Hint: hintOf(err)})
	}
	if o.PolicyFile != "" && !filepath.IsAbs(o.PolicyFile) {
		o.PolicyFile = filepath.Join(dir, o.PolicyFile)
	}
	return o
}
