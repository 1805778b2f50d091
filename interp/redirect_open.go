package interp

import (
	"errors"
	"syscall"

	"mvdan.cc/sh/v3/syntax"
)

var redirFlags = map[syntax.RedirOperator]int{
	syntax.RdrOut:   syscall.O_WRONLY | syscall.O_CREAT | syscall.O_TRUNC,
	syntax.RdrClob:  syscall.O_WRONLY | syscall.O_CREAT | syscall.O_TRUNC,
	syntax.AppOut:   syscall.O_WRONLY | syscall.O_CREAT | syscall.O_APPEND,
	syntax.AppClob:  syscall.O_WRONLY | syscall.O_CREAT | syscall.O_APPEND,
	syntax.RdrIn:    syscall.O_RDONLY,
	syntax.RdrInOut: syscall.O_RDWR | syscall.O_CREAT,
}

func (sh *shell) openRedirect(op syntax.RedirOperator, path string) (*file, error) {
	flags, ok := redirFlags[op]
	if !ok {
		return nil, syscall.EINVAL
	}
	if flags&(syscall.O_WRONLY|syscall.O_RDWR) != 0 && sh.opts.on(optRestricted) {
		return nil, errRestricted
	}
	if op == syntax.RdrOut && sh.opts.on(optNoclobber) {
		return sh.openNoclobber(path)
	}
	return sh.open(path, flags, op.String())
}

// openNoclobber creates a file, or opens one that is not regular. The file
// is never truncated: it may have become another one in between.
func (sh *shell) openNoclobber(path string) (*file, error) {
	f, err := sh.open(path, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL, ">")
	if err != syscall.EEXIST {
		return f, err
	}
	if f, err = sh.open(path, syscall.O_WRONLY, ">"); err != nil {
		return nil, sh.overwrites()
	}
	var st syscall.Stat_t
	if fd, err := f.sysFD(); err != nil || syscall.Fstat(fd, &st) != nil || st.Mode&syscall.S_IFMT == syscall.S_IFREG {
		f.drop()
		return nil, sh.overwrites()
	}
	return f, nil
}

var errOverwrites = errors.New("cannot overwrite existing file")

// overwrites is what noclobber prevents.
func (sh *shell) overwrites() error {
	if sh.bash() {
		return errOverwrites
	}
	return syscall.EEXIST
}

// open opens a path for the shell itself. The names of the shell's own
// descriptors are duplicates of them.
func (sh *shell) open(path string, flags int, what string) (*file, error) {
	if n, ok := descriptorPath(path); ok {
		if f := sh.fdFile(n); f != nil {
			return f.hold(), nil
		}
		return nil, syscall.ENOENT
	}
	if path == "" {
		return nil, syscall.ENOENT
	}
	for {
		fd, err := sh.openSlowly(&OpenRequest{
			Dir: sh.dir, Path: path, Flags: flags, Mode: 0o666, Umask: sh.umask,
			Cancel: sh.attn.interrupted(), Where: sh.where(what),
		})
		if err == nil {
			return newFile(fd), nil
		}
		if err != syscall.EINTR {
			return nil, err
		}
		// A fifo without a peer: traps run while it is waited for.
		if sh.jump = sh.attend(); sh.jump != flowNext {
			return nil, err
		}
	}
}

func (sh *shell) where(name string) Where { return Where{File: sh.file, Line: sh.line, Name: name} }
