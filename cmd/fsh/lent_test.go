package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAttributesOfLentFiles: mode, times and owner of a file that fsh is started
// with stay as they are, whichever number it has, unless it may be written anyway;
// whatever fsh is started with, commands do with their own files as ever.
func TestAttributesOfLentFiles(t *testing.T) {
	dir := visibleDir(t)
	put(t, filepath.Join(dir, "ro/f"), "x", 0o644)
	put(t, filepath.Join(dir, "w/f"), "x", 0o644)
	const own = "; echo x >w/n && chmod 600 w/n && touch -d @5 w/n && stat -c '%a %Y' w/n"
	run := func(lent string, number int, text string) string {
		t.Helper()
		cmd := exec.Command(fshBinary(t), "--allow-write="+filepath.Join(dir, "w"), "-c", text+own)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
		if lent != "" {
			f, err := os.OpenFile(filepath.Join(dir, lent), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if number == 0 {
				cmd.Stdin = f
			}
			for number > 2+len(cmd.ExtraFiles) {
				cmd.ExtraFiles = append(cmd.ExtraFiles, f)
			}
		} else {
			cmd.Stdin = strings.NewReader("")
		}
		return outcomeOf(t, cmd).stdout
	}
	const change = "chmod 640 /proc/self/fd/N 2>/dev/null && echo mode; touch -d @7 /proc/self/fd/N 2>/dev/null && echo times; :"
	for _, c := range []struct {
		lent   string
		number string
		want   string
	}{
		{"ro/f", "0", ""}, {"ro/f", "3", ""}, {"ro/f", "7", ""},
		{"w/f", "0", "mode\ntimes\n"}, {"w/f", "5", "mode\ntimes\n"},
		{"", "0", "mode\ntimes\n"}, // a pipe
	} {
		if got := run(c.lent, int(c.number[0]-'0'), strings.ReplaceAll(change, "N", c.number)); got != c.want+"600 5\n" {
			t.Errorf("%s as %s: %q", c.lent, c.number, got)
		}
	}
	if st, err := os.Stat(filepath.Join(dir, "ro/f")); err != nil || st.Mode().Perm() != 0o644 || st.ModTime().Unix() == 7 {
		t.Errorf("%v %v", st, err)
	}
}
