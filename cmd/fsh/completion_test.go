package main_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/completions"
)

// completionCases are lines, with what their last word becomes.
var completionCases = map[string]string{
	"fsh --pol":        "--policy=",
	"fsh --allow-n":    "--allow-net=",
	"fsh -e -o pipe":   "pipefail",
	"fsh script --pol": "--pol",
	"fsh untru":        "untrust",
	"fsh qua":          "quarantine",
	"fsh -e untru":     "untru",
	"fsh --policy=so":  "--policy=some.toml",
	"fsh -e so":        "some.toml",
	"fsh -c untru":     "untru",
}

// completionDir has a file to complete.
func completionDir(t *testing.T, shell string) (dir, script string) {
	dir = t.TempDir()
	put(t, filepath.Join(dir, "some.toml"), "", 0o644)
	text, ok := completions.Script(shell)
	if !ok {
		t.Fatal("no script for", shell)
	}
	script = filepath.Join(dir, "lib", map[string]string{"zsh": "_fsh", "fish": "fsh.fish", "bash": "fsh.bash"}[shell])
	put(t, script, text, 0o644)
	return dir, script
}

// TestFishCompletion loads the script into fish and asks it.
func TestFishCompletion(t *testing.T) {
	require(t, "fish")
	dir, script := completionDir(t, "fish")
	for line, want := range completionCases {
		cmd := exec.Command("fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", script, line)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v %s", line, err, out)
		}
		// What it offers; the '=' of an option is its own business.
		got, _, _ := strings.Cut(strings.TrimSuffix(string(out), "\n"), "\t")
		if word := line[strings.LastIndexByte(line, ' ')+1:]; word == want {
			want = ""
		}
		if got != strings.TrimSuffix(want, "=") {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// TestZshCompletion types lines and the tabulator into a zsh that has found the
// script as it does where "make install" puts it.
func TestZshCompletion(t *testing.T) {
	require(t, "zsh")
	dir, script := completionDir(t, "zsh")
	zsh, err := exec.LookPath("zsh")
	if err != nil {
		t.Fatal(err)
	}
	term := openTerminalIn(t, dir, dir, "PATH=/usr/bin:/bin", zsh, "-f", "-i")
	term.send("fpath=(" + filepath.Dir(script) + " $fpath); autoload -U compinit && compinit -u -D && echo rea\"\"dy\r")
	term.expect("ready\r")
	// ^X shows what the line has become.
	term.send(`show() { BUFFER="print -r -- ${(qq):-<$BUFFER>}"; zle accept-line }; zle -N show; bindkey '^I' complete-word '^X' show; unsetopt beep; echo bo""und` + "\r")
	term.expect("bound\r")
	for line, want := range completionCases {
		term.send(line + "\t\x18")
		out := term.until(`\n<[^>]*>\r`)
		got := strings.TrimSpace(strings.Trim(strings.TrimSpace(out[strings.LastIndex(out, "\n<"):]), "<>"))
		if want = line[:strings.LastIndexByte(line, ' ')+1] + want; got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// TestBashCompletion loads the script into bash.
func TestBashCompletion(t *testing.T) {
	require(t, "bash")
	dir, script := completionDir(t, "bash")
	for line, want := range completionCases {
		words := strings.ReplaceAll(line, "=", " = ") // as bash cuts them
		test := ". " + script + "\ncompopt() { :; }\nCOMP_WORDS=(" + words + ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_fsh\necho \"${COMPREPLY[*]}\"\n"
		cmd := exec.Command("bash", "--norc", "-c", test)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		word := line[strings.LastIndexByte(line, ' ')+1:]
		if word == want {
			want = ""
		}
		want = want[strings.IndexByte(want[:max(len(want)-1, 0)], '=')+1:]
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", line, got, err, want)
		}
	}
}
