package netfilter

import (
	"fmt"

	"github.com/fsh-sh/fsh/policy"
)

// Explain is the answer of all doors about a target, without looking a name
// up: what it would resolve to is judged when it does. Pinned addresses are
// judged here.
func (r *Rules) Explain(t Target) policy.Verdict {
	d := r.Decide(t)
	if addr, isAddr := t.Host.Addr(); isAddr && isLoopback(addr) && d.Allow {
		// Programs get the sandbox's own loopback, unless the port is the host's.
		d = r.decideLocal(Decision{Target: t})
	}
	v := policy.Verdict{Action: "net", Target: t.String()}
	for _, addr := range r.Pinned(t.Host) {
		if d.Allow {
			d = r.CheckAddr(d, addr, nil)
			v.Note = fmt.Sprintf("hosts pins %s to %s", t.Host, addr)
		}
	}
	v.Allowed, v.Rule = d.Allow, d.Rule
	if !d.Allow {
		v.Hint = d.Hint
	}
	for _, list := range [][]entry{r.deny, r.allow} {
		for i := range list {
			if e := &list[i]; e.hasHost(t.Host) && !(e.rule.Value == d.Rule.Value && e.rule.Origin == d.Rule.Origin) {
				v.Losing = append(v.Losing, e.rule)
			}
		}
	}
	if _, isAddr := t.Host.Addr(); d.Allow && !isAddr && v.Note == "" && !d.Local {
		v.Note = "an address of this machine or a private network that the name resolves to is refused all the same"
	}
	return v
}
