package main_test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Programs that restrict themselves by Landlock do so in sessions that were started by
// something with a limit of real time, too.
func TestOwnDomainsBelowALimit(t *testing.T) {
	require(t, "python3")
	const below = `import os, resource, sys
resource.setrlimit(15, (1000, 1000)) # RLIMIT_RTTIME
os.execv(sys.argv[1], sys.argv[1:])`
	const restrict = `import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0) # PR_SET_NO_NEW_PRIVS
rules = libc.syscall(444, struct.pack("Q", 2), 8, 0) # landlock_create_ruleset, LANDLOCK_ACCESS_FS_WRITE_FILE
print("restricted" if libc.syscall(446, rules, 0) == 0 else os.strerror(ctypes.get_errno()))
try: open("w/f", "a")
except OSError as e: print(e.strerror)`
	dir := visibleDir(t)
	put(t, filepath.Join(dir, "w/f"), "x", 0o644)
	cmd := exec.Command("python3", "-c", below, fshBinary(t), "--allow-write="+filepath.Join(dir, "w"), "-c",
		`echo x >w/before && python3 -c "$0"; python3 -c "$0"; sh -c 'echo x >w/after' && ls w`, restrict)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
	const want = "restricted\nPermission denied\n"
	if got := outcomeOf(t, cmd); got.stdout != want+want+"after\nbefore\nf\n" {
		t.Errorf("%+v", got)
	}
}
