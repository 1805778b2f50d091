package main_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestHonestTools: what tools do besides what a rule is about works in the sandbox,
// and where a container leaves but a part of it.
func TestHonestTools(t *testing.T) {
	for name, c := range map[string]struct{ needs, script, want string }{
		"copies": {"install", `umask 022; cd "$TMPDIR"; echo x >a; chmod 640 a; touch -d @86400 a
			cp -p a b; cp -a a c; install -m 750 a d; install -d -m 700 e; mv a e/; cp -a e f; tar -cf t.tar f; mkdir g; tar -xpf t.tar -C g
			stat -c '%n %a' c d e g/f; stat -c '%n %a %Y' b f/a g/f/a`,
			"c 640\nd 750\ne 700\ng/f 700\nb 640 86400\nf/a 640 86400\ng/f/a 640 86400\n"},
		"owners": {"chown", `cd "$TMPDIR"; : >f; for c in 'chown 12345' 'chgrp 12345' 'chown -h 12345:12345'; do $c f 2>&1 | sed 's/.*: //'; done
			chown "$(id -u):$(id -g)" f && chown "$(id -u)" f && chgrp "$(id -g)" f && echo kept`,
			strings.Repeat("Operation not permitted\n", 3) + "kept\n"},
		"semaphores, shared memory and files without a name": {"python3", `python3 -c '
import multiprocessing, tempfile
from multiprocessing import shared_memory
def square(x): return x * x
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool: print(sum(pool.map(square, range(10))))
    s = shared_memory.SharedMemory(create=True, size=10); s.buf[0] = 7
    t = shared_memory.SharedMemory(s.name); print(t.buf[0]); t.close(); s.close(); s.unlink()
    with tempfile.TemporaryFile(dir="/tmp") as f: print(f.write(b"x"))'`, "285\n7\n1\n"},
		"from one directory to another": {"git", `cd "$TMPDIR"; mkdir a b; echo x >a/f; ln a/f b/hard && mv a b/ && stat -c %h b/a/f
			export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
			git init -q --bare r.git && git clone -q r.git w 2>/dev/null && cd w && git commit -q --allow-empty -m m && git push -q origin HEAD && echo pushed`, "2\npushed\n"},
		"a repository in the temporary directory": {"git", `cd "$TMPDIR"; git init -q r; cd r; : >f; git add f; git rev-parse -q --verify none; echo $?`, "1\n"},
		"set-group-ID bits of a mode that mkdir is given": {"perl",
			`umask 022; cd "$TMPDIR"; perl -e 'mkdir "d", 02755 or die $!' && stat -c %a d`, "755\n"},
	} {
		for _, where := range []string{"nowhere", "docker"} {
			t.Run(name+" in "+where, func(t *testing.T) {
				t.Parallel()
				require(t, c.needs)
				got := outcomeOf(t, contained(t, where, home(t), "-c", c.script))
				if got.status != 0 || got.stdout != c.want || where == "nowhere" && got.stderr != "" || strings.Contains(got.stderr, "not permitted") || strings.Contains(got.stderr, "tracked") {
					t.Errorf("%+v", got)
				}
			})
		}
	}
}

// TestVariablesInstead: programs are told to do without what they cannot have,
// unless the user says otherwise.
func TestVariablesInstead(t *testing.T) {
	dir := home(t)
	if err := os.MkdirAll(dir+"/.emacs.d/eln-cache", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ env, option, want string }{
		{"X=", "-e", "/tmp detect_leaks=0\n"},
		{"EMACSNATIVELOADPATH=/usr/lib/eln", "-e", "/usr/lib/eln detect_leaks=0\n"},
		{"LSAN_OPTIONS=", "-e", "/tmp \n"},
		{"LSAN_OPTIONS=verbosity=1", "-e", "/tmp verbosity=1\n"},
		{"X=", "--allow-write=" + dir + "/.emacs.d/eln-cache", " detect_leaks=0\n"},
	} {
		cmd := contained(t, "nowhere", dir, c.option, "-c", `echo "$EMACSNATIVELOADPATH $LSAN_OPTIONS"; mkdir /tmp/28.2`)
		cmd.Env = append(cmd.Env, c.env)
		if got := outcomeOf(t, cmd); got.status != 0 || got.stdout != c.want {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// TestPersonalities: what programs ask the kernel for that is about themselves, and
// what would make others weaker is refused.
func TestPersonalities(t *testing.T) {
	for _, c := range []struct {
		needs, script, want string
		status              int
	}{
		{"setarch", "setarch -R echo fixed", "fixed\n", 0},
		{"setarch", "setarch -R -X echo no 2>/dev/null", "", 1}, // READ_IMPLIES_EXEC
		{"setpriv", "setpriv --no-new-privs echo as before", "as before\n", 0},
		{"setpriv", "setpriv --reuid 12345 --clear-groups echo no 2>/dev/null", "", 127},
	} {
		for _, where := range []string{"nowhere", "docker"} {
			t.Run(c.script+" in "+where, func(t *testing.T) {
				t.Parallel()
				require(t, c.needs)
				if got := outcomeOf(t, contained(t, where, home(t), "-c", c.script)); got.stdout != c.want || got.status != c.status {
					t.Errorf("%+v", got)
				}
			})
		}
	}
}

// TestScreen: it has terminals and a place for its sockets, for root, too.
func TestScreen(t *testing.T) {
	require(t, "screen")
	got := outcomeOf(t, contained(t, "nowhere", home(t), "-c", `mkfifo /tmp/p && screen -dmS x sh -c 'tty >/tmp/p; read x </tmp/p' &&
		read tty </tmp/p && screen -S x -X quit && echo "${tty%[0-9]*}"`))
	if got.status != 0 || got.stdout != "/dev/pts/\n" {
		t.Errorf("%+v", got)
	}
}

// TestOutputsOfTheShell: a script whose output goes through a program of its own (a
// log, as in `exec > >(tee log)`) ends, and what that program has to say is said.
func TestOutputsOfTheShell(t *testing.T) {
	for script, want := range map[string]string{
		`exec > >(tee "$TMPDIR/log") 2>&1; echo x; ls -d /; trap 'echo bye' EXIT; exit 3`:  "x\n/\nbye\n",
		`exec > >(cat; echo end); echo x; exit 3`:                                          "x\nend\n",
		`exec 3> >(sed s/^/3:/); echo x >&3; exit 3`:                                       "3:x\n",
		`exec 2> >(cat) > >(sed s/x/y/); echo x; exit 3`:                                   "y\n",
		`exec > >(cat); (sleep 0.1; echo late) & echo x; wait; exit 3`:                     "x\nlate\n",
		`: <(sleep 1000); exec 4< <(sleep 1000); coproc cat; echo x; exit 3`:               "x\n",
		`sleep 1000 > >(cat >/dev/null) & (echo $BASHPID >/dev/null; sleep 1000) & exit 3`: "",
	} {
		for _, where := range []string{"nowhere", "docker"} {
			t.Run(script+" in "+where, func(t *testing.T) {
				t.Parallel()
				if got := outcomeOf(t, contained(t, where, home(t), "--bash", "-c", script)); got.status != 3 || got.stdout != want {
					t.Errorf("%+v", got)
				}
			})
		}
	}
}

// TestSanitized: what is built with AddressSanitizer ends as it does outside.
func TestSanitized(t *testing.T) {
	require(t, "gcc")
	for _, where := range []string{"nowhere", "docker"} {
		dir := home(t)
		if err := os.WriteFile(dir+"/x.c", []byte("int main(void) { return 3; }\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("gcc", "-fsanitize=address", "-o", dir+"/x", dir+"/x.c").CombinedOutput(); err != nil {
			t.Skipf("no AddressSanitizer: %s", out)
		}
		got := outcomeOf(t, contained(t, where, dir, "-c", "~/x"))
		if got.status != 3 || strings.Contains(got.stderr, "Sanitizer") {
			t.Errorf("%s: %+v", where, got)
		}
	}
}

// TestUmaskAtTheStart: whatever it is, the sandbox's own places are not made by it.
func TestUmaskAtTheStart(t *testing.T) {
	for mask, want := range map[string]string{"0777": "---------- d---------", "0000": "-rw-rw-rw- drwxrwxrwx", "0077": "-rw------- drwx------"} {
		dir := home(t)
		cmd := contained(t, "nowhere", dir, "--allow-write="+dir, "-c", `umask; echo x >f; mkdir d; echo $(stat -c %A f d); stat -c %A /tmp`)
		self, err := os.Executable() // what cmd would execute
		if err != nil {
			t.Fatal(err)
		}
		cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", `umask ` + mask + `; exec "$@"`, "sh", self}, cmd.Args[1:]...)
		if got := outcomeOf(t, cmd); got.status != 0 || got.stdout != mask+"\n"+want+"\ndrwxrwxrwt\n" {
			t.Errorf("%s: %+v", mask, got)
		}
	}
}
