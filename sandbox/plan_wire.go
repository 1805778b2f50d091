package sandbox

import (
	"encoding/json"
	"net/netip"

	"github.com/fsh-sh/fsh/policy"
)

// A plan goes to the keeper in the protocol's own encoding: as JSON it took
// the keeper 2 ms to read, and JSON has no strings that are not UTF-8.

func (req *viewRequest) encode(e *encoder) error {
	e.u32(uint32(req.WantPid))
	req.Plan.encode(e)
	rules := []byte{}
	if req.Policy != nil {
		var err error
		if rules, err = json.Marshal(req.Policy); err != nil {
			return err
		}
	}
	e.str(string(rules))
	return e.err
}

func (req *viewRequest) decode(payload []byte) error {
	d := &decoder{b: payload}
	req.WantPid, req.Plan = int(d.u32()), decodePlan(d)
	rules := d.str()
	if !d.done() {
		return errProtocol
	}
	if rules == "" {
		return nil
	}
	req.Policy = &policy.Policy{}
	return json.Unmarshal([]byte(rules), req.Policy)
}

func (e *encoder) yes(v bool) {
	b := byte(0)
	if v {
		b = 1
	}
	e.b = append(e.b, b)
}

func (d *decoder) yes() bool {
	if len(d.b) == 0 {
		d.bad = true
		return false
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v != 0
}

func (d *decoder) strs() []string {
	n := d.count(1)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.str()
	}
	return list
}

func (pl *Plan) encode(e *encoder) {
	e.u32(uint32(len(pl.Steps)))
	for i := range pl.Steps {
		s := &pl.Steps[i]
		e.str(string(s.Op))
		e.str(s.Path)
		e.yes(s.Glob)
		e.strs(s.Except)
		e.yes(s.Must)
		e.str(s.Rule)
		e.str(s.From)
		e.u64(uint64(s.Size))
	}
	e.strs(pl.Read)
	e.strs(pl.ReadGlobs)
	e.yes(pl.Listen)
	e.str(pl.Net)
	e.yes(pl.Local.All)
	e.u32(uint32(len(pl.Local.Ports)))
	for _, port := range pl.Local.Ports {
		e.u32(uint32(port))
	}
	pl.Reach.encode(e)
	e.yes(pl.Ownership)
	e.u32(uint32(len(pl.Limits)))
	for _, l := range pl.Limits {
		e.str(l.Name)
		e.u32(uint32(l.Resource))
		e.u64(l.Max)
	}
	for _, s := range []string{pl.Group, pl.MemoryGroup, pl.Temp, pl.Quarantine} {
		e.str(s)
	}
	e.yes(pl.BareNet)
	e.yes(pl.Monitor)
	e.yes(pl.Commands)
	e.yes(pl.Lent)
	e.yes(pl.Appended)
	e.yes(pl.NoCores)
}

func decodePlan(d *decoder) *Plan {
	pl := &Plan{}
	if n := d.count(18); n > 0 { // of a step's fields, all empty
		pl.Steps = make([]Step, n)
	}
	for i := range pl.Steps {
		pl.Steps[i] = Step{Op: Op(d.str()), Path: d.str(), Glob: d.yes(), Except: d.strs(),
			Must: d.yes(), Rule: d.str(), From: d.str(), Size: int64(d.u64())}
	}
	pl.Read, pl.ReadGlobs, pl.Listen = d.strs(), d.strs(), d.yes()
	pl.Net, pl.Local.All = d.str(), d.yes()
	for range d.count(4) {
		pl.Local.Ports = append(pl.Local.Ports, int(d.u32()))
	}
	pl.Reach = decodeReach(d)
	pl.Ownership = d.yes()
	for range d.count(13) {
		pl.Limits = append(pl.Limits, planLimit{Name: d.str(), Resource: int(d.u32()), Max: d.u64()})
	}
	pl.Group, pl.MemoryGroup, pl.Temp, pl.Quarantine = d.str(), d.str(), d.str(), d.str()
	pl.BareNet, pl.Monitor, pl.Commands, pl.Lent, pl.Appended, pl.NoCores = d.yes(), d.yes(), d.yes(), d.yes(), d.yes(), d.yes()
	return pl
}

func (r Reach) encode(e *encoder) {
	e.u32(uint32(len(r)))
	for _, entry := range r {
		e.prefix(entry.Prefix)
		e.u32(uint32(len(entry.Except)))
		for _, p := range entry.Except {
			e.prefix(p)
		}
		e.u32(uint32(entry.Lo)<<16 | uint32(entry.Hi))
		e.yes(entry.Refuse)
	}
}

func decodeReach(d *decoder) Reach {
	var r Reach
	for range d.count(10) {
		entry := ReachEntry{Prefix: d.prefix()}
		for range d.count(3) {
			entry.Except = append(entry.Except, d.prefix())
		}
		ports := d.u32()
		entry.Lo, entry.Hi, entry.Refuse = uint16(ports>>16), uint16(ports), d.yes()
		r = append(r, entry)
	}
	return r
}

// prefix appends an address range in text form; one that is none is an error
// of the reader.
func (e *encoder) prefix(p netip.Prefix) { e.str(p.String()) }

func (d *decoder) prefix() netip.Prefix {
	p, err := netip.ParsePrefix(d.str())
	if err != nil {
		d.bad = true
	}
	return p
}
