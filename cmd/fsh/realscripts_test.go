package main_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// realScript is one real piece of software that must behave under fsh, inside
// the default policy plus writes to its own directory, as under a reference
// shell: same standard output, same exit status.
type realScript struct {
	name string
	// source is a Debian source package (scripts/fetch-sources) unpacked in
	// the working directory first.
	source string
	// needs are programs that have to be installed.
	needs []string
	// prepare is run by dash, unconfined, in both working directories.
	prepare string
	// run is the command line; %SH% is the shell under test. It is itself
	// run by the shell under test.
	run string
	// reference is the shell to compare with.
	reference string
}

var realScripts = []realScript{
	{name: "config.guess", source: "sed", reference: "dash", run: `. ./build-aux/config.guess`},
	{name: "hello", source: "hello", needs: []string{"gcc", "make"}, reference: "dash",
		run: `CONFIG_SHELL=%SH% . ./configure && make >make.log 2>&1 && ./hello && ./hello -g again`},
	{name: "configure of sed", source: "sed", needs: []string{"gcc", "make"}, reference: "dash", run: `. ./configure`},
	{name: "configure of dash", source: "dash", needs: []string{"gcc", "make"}, reference: "dash", run: `. ./configure`},
	{name: "ldd", needs: []string{"ldd"}, reference: "bash", run: `. /usr/bin/ldd /bin/ls | sed 's/(0x[0-9a-f]*)//'`},
	{name: "shunit2", needs: []string{"shunit2"}, reference: "dash", prepare: shunit2Suite, run: `. ./suite.sh`},
	{name: "bats", needs: []string{"bats"}, reference: "bash", prepare: batsSuite, run: `bats suite.bats`},
	{name: "git", needs: []string{"git"}, reference: "dash", prepare: gitPrepare, run: `
		export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
		git clone -q origin clone && cd clone && echo more >>file &&
		git -c user.name=n -c user.email=e@x.test commit -qam second && git log --format='%H %s' && git status --short`},
	{name: "make and gcc", needs: []string{"gcc", "make"}, reference: "dash", prepare: `
		printf 'all: prog\n\t./prog\nprog: prog.c\n\tgcc -O1 -o $@ $<\n' >Makefile
		printf '#include <stdio.h>\nint main(void) { puts("built"); return 3; }\n' >prog.c`,
		run: `make 2>/dev/null; echo $?; ./prog; echo $?`},
	{name: "python venv", needs: []string{"/usr/bin/python3"}, reference: "dash",
		run: `/usr/bin/python3 -m venv --without-pip env && . env/bin/activate && python -c 'import sys; print(sys.prefix != sys.base_prefix)' && deactivate`},
}

const shunit2Suite = `cat >suite.sh <<'E'
testArithmetic() { assertEquals 'sum' 5 $((2+3)); }
testSubstitution() { assertEquals "a b" "$(printf '%s %s' a b)"; }
testStatus() { (exit 7); assertEquals 7 $?; assertTrue '[ -d . ]'; assertFalse '[ -f nothing ]'; }
testFiles() { echo text >"$SHUNIT_TMPDIR/f"; assertTrue "[ -s '$SHUNIT_TMPDIR/f' ]"; assertContains 'haystack' 'hay'; }
testFailing() { assertEquals 'on purpose' 1 2; }
oneTimeSetUp() { one=1; }
setUp() { two=2; }
testFixtures() { assertEquals 3 $((one+two)); assertNull ''; assertNotNull x; }
. shunit2
E`

const batsSuite = `cat >suite.bats <<'E'
setup() { dir=$BATS_TEST_TMPDIR; }
@test "addition" { result=$((2 + 2)); [ "$result" -eq 4 ]; }
@test "run and output" { run sh -c 'echo out; exit 3'; [ "$status" -eq 3 ]; [ "$output" = out ]; [ "${lines[0]}" = out ]; }
@test "files" { echo x >"$dir/f"; [ -s "$dir/f" ]; }
@test "fails" { false; }
@test "skipped" { skip "a reason"; }
E`

const gitPrepare = `mkdir origin && cd origin && export GIT_CONFIG_GLOBAL=/dev/null &&
GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'; export GIT_AUTHOR_DATE GIT_COMMITTER_DATE
git init -q -b main . && echo text >file && git add file && git -c user.name=n -c user.email=e@x.test commit -qm first`

func TestRealScripts(t *testing.T) {
	for _, script := range realScripts {
		t.Run(script.name, func(t *testing.T) {
			t.Parallel()
			for _, program := range append(script.needs, script.reference) {
				require(t, program)
			}
			want := script.runIn(t, script.reference)
			got := script.runIn(t, fshBinary(t))
			if got.status != want.status {
				t.Errorf("exit status %d, under %s %d\n%s", got.status, script.reference, want.status, got.stderr)
			}
			if got.stdout != want.stdout {
				t.Errorf("standard output differs from that under %s:\n%s\nstderr:\n%s",
					script.reference, diff(t, want.stdout, got.stdout), got.stderr)
			}
		})
	}
}

type outcome struct {
	signal         syscall.Signal // that ended it
	status         int
	stdout, stderr string
}

// runIn runs the script in a fresh directory under one shell.
func (s realScript) runIn(t *testing.T, shell string) outcome {
	t.Helper()
	dir := t.TempDir()
	if s.source != "" {
		unpack(t, s.source, dir)
	}
	if s.prepare != "" {
		cmd := exec.Command("dash", "-ec", s.prepare)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("prepare: %v\n%s", err, out)
		}
	}
	argv := []string{shell}
	inside := shell
	if filepath.Base(shell) == "fsh" {
		argv = append(argv, "--allow-write=.")
		if s.reference == "bash" {
			argv = append(argv, "--bash")
		}
		inside = "/run/fsh/fsh"
	}
	cmd := exec.Command(argv[0], append(argv[1:], "-c", strings.ReplaceAll(s.run, "%SH%", inside), s.name)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+t.TempDir(), "LC_ALL=C", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	timer := time.AfterFunc(4*time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{status: cmd.ProcessState.ExitCode(), stdout: strings.ReplaceAll(stdout.String(), dir, "DIR"), stderr: stderr.String()}
}

// require skips the test when the program is not installed, or fails it when
// FSH_REQUIRE says that nothing may be missing.
func require(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		lacking(t, program+" is not installed")
	}
}

func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("FSH_REQUIRE") == "all" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// fshBinary is the binary under test, built by `make build`.
func fshBinary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("FSH_TEST_BINARY")
	if path == "" {
		path = "../../build/fsh"
	}
	abs, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(abs)
	}
	if err != nil {
		t.Fatalf("no fsh binary, run the tests by `make test`: %v", err)
	}
	return abs
}

// unpack unpacks a Debian source package's upstream tarball into dir.
func unpack(t *testing.T, pkg, dir string) {
	t.Helper()
	sources := os.Getenv("FSH_TEST_SOURCES")
	if sources == "" {
		sources = "../../build/sources"
	}
	found, err := filepath.Glob(filepath.Join(sources, pkg+"_*.orig.tar.?z"))
	if err != nil || len(found) == 0 {
		lacking(t, "no source package "+pkg+", run scripts/fetch-sources")
	}
	if out, err := exec.Command("tar", "-xf", found[0], "-C", dir, "--strip-components=1", "--no-same-owner").CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
}

func diff(t *testing.T, want, got string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"want": want, "got": got} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("diff", "-u", "want", "got")
	cmd.Dir = dir
	out, _ := cmd.Output() // 1 means that they differ, as expected
	return string(out)
}
