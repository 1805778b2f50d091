package sandbox

import "testing"

// TestNamesThatAreOne: on some file system the first is the second; the third is
// another one everywhere.
func TestNamesThatAreOne(t *testing.T) {
	for _, c := range [][3]string{
		{".SSH", ".ssh", ".ss"}, {".\u017f\u017fh", ".ssh", ".\u017fh"}, {".\u00dfh", ".ssh", ".\u00df"}, {".\u1e9eH", ".ssh", ".Bh"},
		{".git. .", ".git", ".git.x"}, {"GIT~1", ".git", "GIT~2"}, {".G\u0131T", ".git", ".g\u0142t"}, {".g\u200cit", ".git", ".g\u0301it"},
		{".pro\ufb01le", ".profile", ".pro\ufb02e"}, {"\uff0ep\u034frofile", ".profile", "\u3002profile"}, {"\u212ae\u3164y", "key", "ke\u0301y"},
	} {
		if want := foldName(c[1]); foldName(c[0]) != want || foldName(c[2]) == want {
			t.Errorf("%q: %q, %q: %q, want %q for the first alone", c[0], foldName(c[0]), c[2], foldName(c[2]), want)
		}
	}
}
