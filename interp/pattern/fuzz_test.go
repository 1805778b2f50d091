package pattern

import "testing"

// naive matches pat[k:] against s by trying everything; the fuzz target
// compares the fast paths with it.
func naive(p *Pattern, seq []item, s string) bool {
	if len(seq) == 0 {
		return s == ""
	}
	if seq[0].star {
		for !naive(p, seq[1:], s) {
			if s == "" {
				return false
			}
			_, n := next(s, 0, p.flags) // a character is never split
			s = s[n:]
		}
		return true
	}
	if s == "" {
		return false
	}
	r, n := next(s, 0, p.flags)
	return seq[0].matches(r, p.flags) && naive(p, seq[1:], s[n:])
}

func FuzzPattern(f *testing.F) {
	for _, pat := range []string{"a*b", "[a-c]?*", "!(a|b)c", "+([[:alpha:]])", `\*[]x]`, "*(a|*(b))", "ä?[ä-ü]*"} {
		f.Add(pat, "abcäöb", byte(0))
		f.Add(pat, "aabb\xff", byte(7))
	}
	f.Fuzz(func(t *testing.T, pat, s string, flags byte) {
		if len(pat) > 100 || len(s) > 60 {
			t.Skip()
		}
		p := Compile(pat, Flags(flags)&(UTF8|Extglob|NoCase))
		checkConsistent(t, p, s)
		if p.ext == nil && len(pat) < 12 && len(s) < 12 {
			c := &parser{src: pat, flags: p.flags, lastSq: len(pat), literal: len(pat)}
			if got, want := p.Match(s), naive(p, c.sequence(0, len(pat), 0), s); got != want {
				t.Fatalf("%q on %q: Match says %v, the naive matcher %v", pat, s, got, want)
			}
		}
	})
}

// checkConsistent holds the results of the methods against each other.
func checkConsistent(t *testing.T, p *Pattern, s string) {
	match := p.Match(s)
	short, long := p.Prefix(s, false), p.Prefix(s, true)
	if short >= 0 && !p.Match(s[:short]) || long >= 0 && !p.Match(s[:long]) || match != (long == len(s)) || short > long {
		t.Fatalf("prefixes %d, %d of %q, match %v", short, long, s, match)
	}
	near, far := p.Suffix(s, false), p.Suffix(s, true)
	if near >= 0 && !p.Match(s[near:]) || far >= 0 && !p.Match(s[far:]) || match != (far == 0) || far > near {
		t.Fatalf("suffixes %d, %d of %q, match %v", near, far, s, match)
	}
	start, end := p.Find(s, 0)
	if start >= 0 && !p.Match(s[start:end]) || start < 0 && (short >= 0 || near >= 0) {
		t.Fatalf("found %d, %d in %q", start, end, s)
	}
}
