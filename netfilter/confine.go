package netfilter

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// confine takes from this process what a proxy does not need: other
// descriptors than 0, 1, 2 and keep, capabilities, files, programs, and being
// looked at. Each step holds for all threads. The first failure is returned
// and the process must not serve.
//
// What a thread can only do to itself stops all of them for each call: there
// were eight, a third of this process's start. Hence one domain for all that
// Landlock does, and no_new_privs by way of the filter.
func confine(keep int) error {
	steps := []struct {
		name string
		do   func() error
	}{
		{"close descriptors", func() error { return closeInherited(keep) }},
		{"not dumpable", func() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }},
		{"drop capabilities", dropCapabilities},
		{"seccomp", restrictCalls},
		{"landlock", restrictFiles},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return fmt.Errorf("restrict the network proxy: %s: %w", s.name, err)
		}
	}
	return nil
}

// closeInherited closes descriptors that came through execve: those without
// close-on-exec, which everything opened by Go has.
func closeInherited(keep int) error {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, n := range names {
		fd, err := strconv.Atoi(n.Name())
		if err != nil || fd <= 2 || fd == keep {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			unix.Close(fd)
		}
	}
	return nil
}

// dropCapabilities empties the sets that can be used; the ambient one follows
// the others (capabilities(7)). The bounding set stays: it limits what
// execve(2) can give, which the filter refuses altogether, and emptying it
// takes a stop of all threads for each of its 41 members.
func dropCapabilities() error { return cap.NewSet().SetProc() }

// resolverFiles is what net's resolver reads; the certificates are for an
// https upstream proxy.
var (
	resolverFiles = []string{"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/protocols"}
	certificates  = []string{"/etc/ssl/certs", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
		"/etc/pki/tls", "/etc/pki/ca-trust", "/usr/share/pki"}
)

// restrictFiles leaves reading the resolver's files. Where resolv.conf is a
// link (systemd-resolved, resolvconf), its target is replaced by rename, so
// the target's directory is readable; a replaced plain file cannot be read
// again, see hostResolver.
// Best effort means: as much as this kernel's Landlock can; all of the other
// steps hold without it.
func restrictFiles() error {
	rules := []landlock.Rule{
		landlock.ROFiles(resolverFiles...).IgnoreIfMissing(),
		landlock.RODirs(certificates...).IgnoreIfMissing(),
	}
	if target, err := filepath.EvalSymlinks("/etc/resolv.conf"); err == nil {
		if dir := filepath.Dir(target); dir != "/etc" && dir != "/" {
			rules = append(rules, landlock.RODirs(dir).IgnoreIfMissing())
		}
	}
	most := landlock.V8
	most.HandledAccessNet = 0 // connections are what this process is for
	return most.BestEffort().Restrict(rules...)
}
