package policy

// KernelPlace is a part of /proc or /sys that a session has hidden or
// read-only whatever its policy says. They matter most for root, who owns these
// files even without capabilities.
type KernelPlace struct {
	Path   string
	Hidden bool // false: read-only
	Why    string
}

// KernelPlaces are all of them.
func KernelPlaces() []KernelPlace {
	return []KernelPlace{
		{"/proc/sys", false, "kernel settings"},
		{"/proc/sysrq-trigger", false, "reboots the machine"},
		{"/proc/irq", false, "interrupt routing"},
		{"/proc/bus", false, "raw device access"},
		{"/proc/fs", false, "file system settings"},
		{"/proc/acpi", true, "firmware"},
		{"/proc/scsi", true, "raw device access"},
		{"/proc/kcore", true, "kernel memory"},
		{"/proc/keys", true, "keyrings are not namespaced"},
		{"/proc/key-users", true, "keyrings are not namespaced"},
		{"/proc/latency_stats", true, "kernel addresses"},
		{"/proc/timer_list", true, "kernel addresses"},
		{"/proc/vmallocinfo", true, "kernel addresses"},
		{"/proc/slabinfo", true, "what the whole machine does"},
		{"/proc/pagetypeinfo", true, "what the whole machine does"},
		{"/proc/kpagecount", true, "other processes' memory"},
		{"/proc/kpageflags", true, "other processes' memory"},
		{"/proc/kpagecgroup", true, "other processes' memory"},
		{"/proc/sched_debug", true, "other users' processes"},
		{"/sys/kernel/debug", true, "kernel internals"},
		{"/sys/kernel/tracing", true, "kernel internals"},
		{"/sys/kernel/security", true, "security modules' settings"},
		{"/sys/fs/bpf", true, "pinned programs"},
		{"/sys/firmware", true, "firmware and its tables"},
	}
}

// kernel tells what a session does about a path in /proc or /sys, before any
// entry is asked. Its /proc is its own, so that nothing of it needs to be allowed.
func (p *Policy) kernel(path, action string) (rule Rule, allowed, decides bool) {
	write := action != "read"
	for _, place := range KernelPlaces() {
		if within(path, place.Path) && (write || place.Hidden) {
			state := map[bool]string{true: "hidden", false: "read-only"}[place.Hidden]
			return Rule{Text: place.Path + " is " + state + " in every session: " + place.Why, Origin: Origin{Layer: "defaults"}}, false, true
		}
	}
	if action == "create" && (within(path, "/proc") || within(path, "/sys")) {
		return Rule{Text: "nothing can be made in /proc and /sys", Origin: Origin{Layer: "defaults"}}, false, true
	}
	if within(path, "/proc") {
		return Rule{Text: "the session has a /proc of its own", Origin: Origin{Layer: "defaults"}}, true, true
	}
	return Rule{}, false, false
}
