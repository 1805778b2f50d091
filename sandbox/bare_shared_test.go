package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// bareShared: what is to be in /dev/shm is made in the session's own directory, files
// without a name in /tmp are, too, and nothing that a process puts there leads out.
func bareShared(t *testing.T, rr *rawRunner, home, temp string) {
	t.Helper()
	before, err := filepath.Glob("/dev/shm/fsh-test*")
	must(t, err)
	shm := temp + "/shm/"
	must(t, os.Symlink(home+"/.bashrc", shm+"fsh-test-link"))
	must(t, os.Symlink(home+"/project/n", shm+"fsh-test-new"))
	must(t, unix.Mkfifo(shm+"fsh-test-fifo", 0o600))
	must(t, os.Mkdir(shm+"fsh-test-dir", 0o700))
	outside := home + "/project/made"
	rr.checkAll(
		check{"touch,/dev/shm/fsh-test-a", "ok"}, check{"rdwr,/dev/shm/fsh-test-a", "ok"}, check{"trunc,/dev/shm//fsh-test-a", "ok"},
		check{"link,/dev/shm/fsh-test-a,/dev/shm/fsh-test-b", "ok"}, check{"unlink,/dev/shm/fsh-test-a", "ok"}, check{"unlink,/dev/shm/fsh-test-a", "ENOENT"},
		check{"rdwr,/dev/shm/fsh-test-a", "ENOENT"}, check{"rdwr,/dev/shm/fsh-test-b", "ok"}, check{"tmpfile,/tmp", "ok"}, check{"tmpfile,/dev/shm/", "ok"},
		check{"name-tmp,/tmp," + temp + "/named", "ok"},

		check{"read,/dev/shm/fsh-test-b", "ENOENT"}, // the machine's, of which there is none
		check{"link,/dev/shm/fsh-test-b," + outside, "ENOENT"}, check{"link," + home + "/public,/dev/shm/fsh-test-c", "EXDEV"},
		check{"touch,/dev/shm/../shm/fsh-test-d", "EACCES"}, check{"touch,/dev/shm/fsh-test-dir/x", "ENOENT"}, check{"touch,/dev/shm/..", "EISDIR"},
		check{"touch,/dev/./shm/fsh-test-d", "EACCES"}, check{"touch,/tmp/fsh-test-d", "EACCES"}, check{"unlink,/dev/shm/fsh-test-dir", "EISDIR"},
		check{"tmpfile,/tmp/.", "EACCES"}, check{"tmpfile," + home, "EACCES"}, check{"name-tmp,/tmp," + outside, "EACCES"},
		check{"rdwr,/dev/shm/fsh-test-link", "ELOOP"}, check{"touch,/dev/shm/fsh-test-link", "ELOOP"}, check{"touch,/dev/shm/fsh-test-new", "ELOOP"},
		check{"rdwr,/dev/shm/fsh-test-fifo", "EACCES"}, check{"append,/dev/shm/fsh-test-fifo", "ENXIO"}, check{"rdwr,/dev/shm/fsh-test-dir", "EISDIR"},
	)
	if out, status := rr.sh("umask 27; python3 -c \"import os; os.close(os.open('/dev/shm/fsh-test-m', os.O_CREAT|os.O_RDWR, 0o666))\" && stat -c %a " + shm + "fsh-test-m"); status == 0 && strings.TrimSpace(out) != "640" {
		t.Errorf("mode %q", out)
	}
	for _, f := range []string{outside, home + "/project/n"} {
		if _, err := os.Lstat(f); err == nil {
			t.Error("came to be:", f)
		}
	}
	if after, err := filepath.Glob("/dev/shm/fsh-test*"); err != nil || len(after) != len(before) {
		t.Error("on the machine:", after, err)
	}
}
