package main_test

import (
	"os"
	"strings"
	"testing"
)

// TestFullPlaces: what fills up is an error of who writes, with the reason; the
// shell goes on. All private places together have one size.
func TestFullPlaces(t *testing.T) {
	dir := visibleDir(t)
	put(t, dir+"/p.toml", "version = 1\n[limits]\nmemory = \"64MiB\"\n", 0o644)
	got := fsh(t, dir, "--policy="+dir+"/p.toml", "-c", `
		for place in /tmp /var/tmp /dev/shm; do dd if=/dev/zero of=$place/f bs=1M count=25 2>/dev/null || echo full $place; done
		dd if=/dev/zero of=/tmp/g bs=1k 2>/dev/null
		echo more >/tmp/x || echo builtin
		/bin/echo more >/tmp/y || echo program
		cat <<-END | wc -c
			$(head -c 200000 /dev/zero | tr '\0' x)
		END
		cat <(/bin/echo substituted)
		rm /tmp/f && echo again >/tmp/x && cat /tmp/x`)
	want := "full /dev/shm\nbuiltin\nprogram\n200001\nsubstituted\nagain\n"
	if got.stdout != want || got.status != 0 || strings.Count(got.stderr, "No space left on device") != 2 {
		t.Errorf("%+v, want %q", got, want)
	}
	if os.Geteuid() != 0 {
		return // only root can fill a /tmp that is nobody else's
	}
	for _, place := range []string{"/tmp", "/var/tmp", dir} {
		status, stdout, stderr := runIn(t, "/", []string{"HOME=" + dir, "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, []string{"unshare", "-m", "sh", "-c",
			`mount -t tmpfs -o size=16k x "$1" && dd if=/dev/zero of="$1/f" bs=1k 2>/dev/null
			exec "$0" -c 'echo x >/tmp/x; cat /tmp/x; mkdir -p ~/.npm/d && /bin/echo ok'`, fshBinary(t), place})
		if status != 0 || stdout != "x\nok\n" {
			t.Errorf("%s is full: %d %q %q", place, status, stdout, stderr)
		}
	}
}
