package sandbox

import (
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// A private_write path in a writable tree that does not exist: once a command
// makes the directory, the project's is mounted on it before the command goes
// on. What the command made is removed at the end if nobody used it outside.

// latePrivate are those of one view.
type latePrivate struct {
	v  *view
	mu sync.Mutex
	// todo are not mounted yet.
	todo map[string]clone
	done []string
}

func newLatePrivate(v *view) *latePrivate {
	l := &latePrivate{v: v, todo: map[string]clone{}}
	for _, c := range v.late {
		l.todo[c.path] = c
	}
	return l
}

func (l *latePrivate) wants(path string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.todo[path]
	return ok
}

// covers tells whether path is in a private directory by now.
func (l *latePrivate) covers(path string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.done {
		if below(path, d) {
			return true
		}
	}
	return false
}

// mount puts the private directory on one that was just made.
func (l *latePrivate) mount(path string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.todo[path]
	if !ok {
		return nil
	}
	delete(l.todo, path)
	failed := make(chan error)
	go func() {
		// With the keeper's rights and in its namespaces; the thread ends with
		// the goroutine.
		runtime.LockOSThread()
		failed <- l.v.mountLate(c)
	}()
	if err := <-failed; err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	l.done = append(l.done, path)
	return nil
}

func (v *view) mountLate(c clone) error {
	tree, err := copyTreeAt(c.at, c.from, c.set)
	if err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		unix.Close(tree)
		return err
	}
	if err := unix.Setns(v.ns, unix.CLONE_NEWNS); err != nil {
		unix.Close(tree)
		return err
	}
	return place(tree, c.path)
}

// lateMade remembers a directory that a command made for a private one.
func (k *keeper) lateMade(path string) {
	key, ok := keyOf(unix.AT_FDCWD, path)
	k.mu.Lock()
	defer k.mu.Unlock()
	if ok && k.late != nil {
		k.late[path] = key
	}
}

// removeLate removes them, in the host's view, unless they are used.
func (k *keeper) removeLate() {
	for path, key := range k.late {
		if now, ok := keyOf(unix.AT_FDCWD, path); ok && now == key {
			_ = unix.Rmdir(path)
		}
	}
}
