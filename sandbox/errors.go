package sandbox

import (
	"debug/elf"
	"errors"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// SetupError says that a part of the sandbox cannot be had. The shell ends
// with status 125; it never goes on without the part.
type SetupError struct {
	Layer string // "user namespace", "Landlock", "seccomp", "proc", "network", "mounts", "keeper"
	Err   error
	Hint  string // what the user can do; may be empty
}

func (e *SetupError) Error() string { return "sandbox: " + e.Layer + ": " + e.Err.Error() }
func (e *SetupError) Unwrap() error { return e.Err }

// setupError wraps err unless it already names its layer.
func setupError(layer string, err error, hint string) error {
	var se *SetupError
	if err == nil || errors.As(err, &se) {
		return err
	}
	return &SetupError{Layer: layer, Err: err, Hint: hint}
}

// usernsError explains a refused user namespace (user_namespaces(7)).
func usernsError(err error) error {
	hint := ""
	switch {
	case errors.Is(err, syscall.ENOSPC):
		hint = "raise the limit: sysctl user.max_user_namespaces=15000"
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		// What else can be the cause is looked for in remedies.
		hint = "run fsh outside of a chroot, and of a container, a service (RestrictNamespaces=) or a security module's domain that forbids new namespaces"
	case errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOSYS):
		hint = "this kernel is built without namespaces"
	}
	return &SetupError{Layer: "user namespace", Err: err, Hint: hint}
}

// yamaScope is a setting of the Yama security module.
const yamaScope = "/proc/sys/kernel/yama/ptrace_scope"

// yamaRefuses is why nobody can answer a command's system calls, with a setting
// that no process may look into another with: Documentation/admin-guide/LSM/
// Yama.rst in the kernel's sources. It cannot be taken back.
func yamaRefuses(file string) error {
	text, err := os.ReadFile(file)
	if err != nil || strings.TrimSpace(string(text)) != "3" {
		return nil
	}
	return &SetupError{
		Layer: "seccomp", Err: errors.New("calls of commands cannot be looked at: kernel.yama.ptrace_scope is 3"),
		Hint: "set kernel.yama.ptrace_scope to 2 or less in /etc/sysctl.d and boot again",
	}
}

// errnoName is the symbol of an errno, or the error's text.
func errnoName(err error) string {
	var no syscall.Errno
	if errors.As(err, &no) {
		if name := unix.ErrnoName(no); name != "" {
			return name
		}
	}
	return err.Error()
}

// explainDynamic says why a program with a dynamic loader, as cgo links it,
// cannot be its own pid 1: nothing but the program itself may be executed
// there.
func explainDynamic(err error) error {
	self, openErr := elf.Open("/proc/self/exe")
	if openErr != nil {
		return err
	}
	defer self.Close()
	for _, p := range self.Progs {
		if p.Type == elf.PT_INTERP {
			return &SetupError{Layer: "keeper", Err: errors.New("this program is linked dynamically"),
				Hint: "build it with CGO_ENABLED=0"}
		}
	}
	return err
}
