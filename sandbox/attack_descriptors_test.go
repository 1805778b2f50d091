package sandbox

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A descriptor from outside leads past the mounts of the view: to the file on
// the machine's own. It gives what it was opened for, and no more.
func TestAttackDescriptorsFromOutside(t *testing.T) {
	dir := attackTree(t)
	for file, named := range map[string]string{"ro/f": "EXDEV", "w/f": "EXDEV", "w/vendor/f": "EACCES", "w/.git/config": "EACCES"} {
		t.Run(file, func(t *testing.T) {
			in, err := os.Open(dir + "/" + file)
			must(t, err)
			defer in.Close()
			rr := inside(t, attackPolicy(dir))
			rr.stdin = in
			rr.attacks(dir, []attack{
				{"append", "append,/proc/self/fd/0", "EACCES", "append,/proc/self/fd/1"},
				{"read and write", "rdwr,/proc/self/fd/0", "EACCES", "read,/proc/self/fd/0"},
				{"empty it", "trunc,/proc/self/fd/0", "EACCES", "rdwr,/proc/self/fd/2"},
				{"create", "touch,/dev/stdin", "EACCES", "touch,/dev/stdout"},
				{"truncate", "truncate,/proc/self/fd/0", "EACCES", ""},
				{"of the thread", "rdwr,/proc/thread-self/fd/0", "EACCES", "rdwr,/proc/thread-self/fd/1"},
				{"a name for it", "link-fd,0,@/w/named", named, "link,@/w/aaaaaa,@/w/named2"},
				{"another one for it", "link-open,0,@/w/named", named, "name-tmp,@/w,@/w/named3"},
			})
			if b, err := os.ReadFile(dir + "/" + file); err != nil || len(b) == 0 {
				t.Errorf("%q %v", b, err)
			}
		})
		must(t, os.RemoveAll(dir+"/w/named2"))
		must(t, os.RemoveAll(dir+"/w/named3"))
	}
}

// What was opened to append to stays as long as it was.
func TestAttackLogFromOutside(t *testing.T) {
	dir := attackTree(t)
	log, err := os.OpenFile(dir+"/ro/f", os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	defer log.Close()
	rr := inside(t, attackPolicy(dir))
	rr.stdin = log
	rr.attacks(dir, []attack{
		{"truncate", "truncate,/dev/stdin", "EACCES", "append,/dev/stdin"},
		{"read and write", "rdwr,/dev/stdin", "EACCES", "raw-creat,/dev/stdin"},
	})
	if b, err := os.ReadFile(dir + "/ro/f"); err != nil || string(b) != "x" {
		t.Errorf("%q %v", b, err)
	}
}

// The keeper may look into every process. That helps nobody inside to.
func TestAttackProcOfOthersByTheKeeper(t *testing.T) {
	dir := attackTree(t)
	p, q := attackPolicy(dir), attackPolicy(dir)
	q.Filesystem.DenyWrite = append(q.Filesystem.DenyWrite, paths("/usr")...)
	s := newTestSession(t, p)
	rr, other := newRawRunner(t, s, p), newRawRunner(t, s, q)
	foreign, own := other.sleeper("SECRET=1"), rr.sleeper("")
	for _, pid := range []int{1, rr.r.pid, other.r.pid, foreign} {
		for _, file := range []string{"mem", "clear_refs", "environ", "maps", "oom_score_adj"} {
			name := fmt.Sprintf("/proc/%d/%s", pid, file)
			rr.checkAll(check{"rdwr," + name, "EACCES"}, check{"own-append," + name, "EACCES"}, check{"trunc," + name, "EACCES"},
				check{fmt.Sprintf("rdwr,/proc/%d/task/%d/%s", pid, pid, file), "EACCES"},
				check{"rdwr,/proc/self/root" + name, "EACCES"})
		}
		rr.checkAll(check{fmt.Sprintf("openat,/proc/%d,mem", pid), "EACCES"}, check{fmt.Sprintf("rdwr,/proc/%d/fd/0", pid), "EACCES"},
			check{fmt.Sprintf("rdwr,/proc/%d/root%s/w/f", pid, dir), "EACCES"})
	}
	rr.checkAll(
		check{"rdwr,/proc/self/mem", "ok"}, check{"rdwr,/proc/thread-self/mem", "ok"}, check{"own-append,/proc/self/comm", "ok"},
		check{fmt.Sprintf("own-append,/proc/%d/oom_score_adj", own), "ok"},
		check{fmt.Sprintf("own-append,/proc/%d/mem", own), "EACCES"},
		check{fmt.Sprintf("read,/proc/%d/mem", own), "ok"},
	)
	if err := unix.Kill(s.pid, 0); err != nil {
		t.Error(err)
	}
}

// A pipe has no path, so no rule is about it: tee /dev/stderr is usual.
func TestPipeIsOpenedByItsLink(t *testing.T) {
	dir := attackTree(t)
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	defer w.Close()
	rr := inside(t, attackPolicy(dir))
	rr.stdin = w
	rr.attacks(dir, []attack{
		{"a directory it is not", "list,/dev/stdin/", "ENOTDIR", "append,/dev/stdin"},
		{"create only if absent", "create,/dev/stdin", "EEXIST", "raw-creat,/dev/stdin"},
		{"a closed one", "append,/dev/fd/77", "ENOENT", "rdwr,/proc/thread-self/fd/0"},
	})
}
