package sandbox

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// A private_write path that does not exist on the host has to, as long as
// something is mounted there. Such directories are made, written down in a
// file next to the private directories, and removed by the last session that
// ends: removing one earlier would take the mount of another session with it.
// What a killed keeper leaves the next session removes when it ends.

// placeholders is the file, with a shared lock for each living session.
type placeholders struct {
	mu   sync.Mutex // a view may still be under construction when all ends
	file *os.File
}

// openPlaceholders waits while another session tidies up.
func openPlaceholders(path string) (*placeholders, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_SH); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &placeholders{file: f}, nil
}

// coverMade puts a mount over the directory that all made ones lie in. What is
// mounted on them then goes with it in one step: to remove a directory that is
// mounted on makes the kernel wait for all processors, every time. In a
// writable tree a mount would be in the way of renames.
func (v *view) coverMade() error {
	if len(v.made) == 0 {
		return nil
	}
	dir := filepath.Dir(v.made[0])
	for _, p := range v.made {
		for !below(p, dir) {
			dir = filepath.Dir(dir)
		}
	}
	if dir == "/" || v.writable(dir) || v.hiddenBy(dir) != "" {
		return nil
	}
	v.common = dir
	return cover(dir, 0)
}

// rememberView is called in a view that is complete.
func (k *keeper) rememberView(v *view) {
	if v.common == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.marked = append(k.marked, marked{v.ns, v.common})
}

// marked is a mount namespace and its path of coverMade.
type marked struct {
	ns   int
	path string
}

// dissolve takes down what coverMade put up, in a view that nobody uses any
// more. A failure costs only time.
func (m marked) dissolve() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with the goroutine
		if unix.Unshare(unix.CLONE_FS) == nil && unix.Setns(m.ns, unix.CLONE_NEWNS) == nil {
			_ = unix.Unmount(m.path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		}
	}()
	<-done
}

// make makes the missing directories of path, each written down first.
func (p *placeholders) make(path string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.makeAll(path)
}

func (p *placeholders) makeAll(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	if err := p.makeAll(filepath.Dir(path)); err != nil {
		return err
	}
	if _, err := p.file.WriteString(path + "\n"); err != nil {
		return err
	}
	err := os.Mkdir(path, 0o700)
	if os.IsExist(err) {
		return nil // by another session
	}
	return err
}

// tidy removes the directories if no other session lives. A directory that is
// not empty has come to be used by somebody, and stays. Nothing can be made
// afterwards.
func (p *placeholders) tidy() {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.file.Close()
	if unix.Flock(int(p.file.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return
	}
	var made []string
	for sc := bufio.NewScanner(p.file); sc.Scan(); {
		made = append(made, sc.Text())
	}
	for i := len(made) - 1; i >= 0; i-- {
		if filepath.IsAbs(made[i]) {
			_ = unix.Rmdir(made[i])
		}
	}
	_ = p.file.Truncate(0)
}
