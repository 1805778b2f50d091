package sandbox

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// Each line of the doctor is about the layer that failed: what was reached before
// it works, what comes after it is not known.
func TestLayersAreToldApart(t *testing.T) {
	fails := func(layer string) error { return &SetupError{Layer: layer, Err: errors.New("refused")} }
	for _, c := range []struct {
		name       string
		full, bare error
		want       string // +: works, -: missing, ?: not known
	}{
		{"everything", nil, nil, "++++++"},
		{"no namespaces", fails("user namespace"), nil, "-???++"},
		{"a masked /proc", fails("proc"), nil, "+-??++"},
		{"no mounts", fails("mounts"), nil, "++-?++"},
		{"no nftables", fails("network"), nil, "+++-++"},
		{"no Landlock", fails("Landlock"), fails("Landlock"), "+???-?"},
		{"no seccomp", fails("seccomp"), fails("seccomp"), "+???+-"},
		{"no namespaces, no Landlock", fails("user namespace"), fails("Landlock"), "-???-?"},
		{"something else", errors.New("x"), errors.New("x"), "-???-?"},
	} {
		reports := slices.Clone(layerOrder)
		settleAll(reports, c.full, c.bare)
		var got strings.Builder
		for _, r := range reports {
			switch {
			case r.Works && !r.Unknown && r.Why == "":
				got.WriteByte('+')
			case r.Unknown && !r.Works:
				got.WriteByte('?')
			case !r.Works && r.Why != "":
				got.WriteByte('-')
			}
		}
		if got.String() != c.want {
			t.Errorf("%s: %s, want %s", c.name, got.String(), c.want)
		}
	}
}
