package policy

import "testing"

// TestExposedCovers: who may offer a port at one address may offer it at that
// one, and at all of a family only where that was said.
func TestExposedCovers(t *testing.T) {
	parse := func(s string) Exposed {
		var e Exposed
		if err := e.UnmarshalJSON([]byte(s)); err != nil {
			t.Fatal(s, err)
		}
		if text, err := e.MarshalJSON(); err != nil || string(text) != s {
			t.Errorf("%s became %s %v", s, text, err)
		}
		return e
	}
	for _, test := range []struct {
		outer, inner string
		want         bool
	}{
		{"80", "80", true}, {"80", "81", false}, {"80", `"127.0.0.1:80"`, true}, {"80", `"[::1]:80"`, true}, {"80", `"127.0.0.2:80"`, false},
		{"80", `"0.0.0.0:80"`, false}, {`"0.0.0.0:80"`, `"192.0.2.1:80"`, true}, {`"0.0.0.0:80"`, `"[2001:db8::1]:80"`, false}, {`"0.0.0.0:80"`, "80", false},
		{`"[::]:80"`, `"[2001:db8::1]:80"`, true}, {`"[::]:80"`, `"192.0.2.1:80"`, false}, {`"192.0.2.1:80"`, `"0.0.0.0:80"`, false}, {`"[::]:80"`, `"[::]:81"`, false},
	} {
		if got := parse(test.outer).covers(parse(test.inner)); got != test.want {
			t.Errorf("%s covers %s: %v", test.outer, test.inner, got)
		}
	}
	if e, m := parseExposed("[::ffff:192.0.2.1]:80"); m != nil || e.String() != "192.0.2.1:80" {
		t.Errorf("%v %v", e, m)
	}
}
