package sandbox

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"

	"github.com/fsh-sh/fsh/policy"
)

// LayerReport says whether one layer of the sandbox works on this machine.
type LayerReport struct {
	Layer string `json:"layer"`
	// Works is found out by using the layer, never by looking at versions.
	Works bool `json:"works"`
	// Unknown: it was not reached, because a layer before it failed.
	Unknown bool `json:"unknown,omitempty"`
	// Optional: without it something holds less exactly; no policy is refused.
	Optional bool   `json:"optional,omitempty"`
	Gives    string `json:"gives"`         // what it is for
	Why      string `json:"why,omitempty"` // why not
	// Remedy are commands or settings, the likeliest first.
	Remedy []string `json:"remedy,omitempty"`
	// Note is something to know about a layer that works.
	Note string `json:"note,omitempty"`
}

// The layers in the order in which a session needs them. Those from Landlock
// on do without namespaces.
var layerOrder = []LayerReport{
	{Layer: "user namespace", Gives: "rights to build the sandbox, without being root"},
	{Layer: "proc", Gives: "a pid namespace: no process outside is seen or signalled"},
	{Layer: "mounts", Gives: "writable trees with denials inside of them, private /tmp, hidden secrets"},
	{Layer: "network", Gives: "network rules by name"},
	{Layer: "Landlock", Gives: "a second wall for files, signals and sockets; the first one without namespaces"},
	{Layer: "seccomp", Gives: "the table of system calls"},
}

// Layers tries every layer with real sessions of a policy, one as usual and
// one without namespaces. fallback tells whether sessions of it start: as usual,
// or without namespaces where these are refused.
func Layers(p *policy.Policy, dir string) (reports []LayerReport, fallback bool) {
	try := func(bare bool) error {
		s, err := New(Config{Policy: p, Dir: dir})
		if err != nil {
			return err
		}
		defer s.Close()
		s.strict, s.onlyBare = true, bare
		r, err := s.startRunner(p)
		if err == nil {
			closeAll([]int{r.sock, r.events})
		}
		return err
	}
	full := try(false)
	var bare error
	if full != nil {
		bare = try(true)
	}
	reports = slices.Clone(layerOrder)
	settleAll(reports, full, bare)
	return append(reports, processesReport(), memoryReport()), full == nil || refusedNamespaces(full) && bare == nil
}

// settleAll fills in the reports of layerOrder by the errors of a session as usual
// and, where that failed, of one without namespaces. What fails for want of
// Landlock or seccomp had its user namespace: the first process in it needs them.
func settleAll(reports []LayerReport, full, bare error) {
	const namespaces = 4 // layers that the second does without
	if failedLayer(reports[namespaces:], full) >= 0 {
		reports[0].Works = true
		unreached(reports[1:namespaces])
	} else {
		settle(reports[:namespaces], full)
	}
	if full == nil {
		bare = nil
	}
	settle(reports[namespaces:], bare)
}

// failedLayer is the report of the layer that an error names, or -1.
func failedLayer(reports []LayerReport, err error) int {
	var se *SetupError
	if !errors.As(err, &se) {
		return -1
	}
	return slices.IndexFunc(reports, func(r LayerReport) bool { return strings.HasPrefix(se.Layer, r.Layer) })
}

func unreached(reports []LayerReport) {
	for i := range reports {
		reports[i].Unknown, reports[i].Why = true, "not reached"
	}
}

// settle fills in reports, of layers in order, by the error of a session.
func settle(reports []LayerReport, err error) {
	failed := failedLayer(reports, err)
	if failed < 0 && err != nil {
		failed = 0
	}
	for i := range reports {
		r := &reports[i]
		switch {
		case failed < 0 || i < failed:
			r.Works = true
		case i == failed:
			r.Why, r.Remedy = err.Error(), remedies(r.Layer, err)
		default:
			unreached(reports[i : i+1])
		}
		if r.Works && r.Layer == "Landlock" {
			if abi, err := ll.LandlockGetABIVersion(); err == nil {
				r.Note = landlockNote(abi)
			}
		}
	}
}

// landlockNote is what a kernel's ABI leaves to the other layers.
func landlockNote(abi int) string {
	note := fmt.Sprintf("ABI %d", abi)
	if abi < unixABI {
		note += "; fsh makes the connections of commands itself, to keep them from sockets with a path; there are none of unix datagrams"
	}
	return note
}

func processesReport() LayerReport {
	r := LayerReport{Layer: "limits", Gives: "limits.processes for root"}
	switch {
	case os.Geteuid() != 0:
		r.Works, r.Note, r.Gives = true, "by RLIMIT_NPROC", "limits.processes"
	case pidsGroup() != "":
		r.Works, r.Note = true, "by a control group below "+pidsGroup()
	default:
		r.Why = "no control group with the pids controller can be made"
		r.Remedy = []string{"systemd-run --scope -p Delegate=yes -- fsh …"}
	}
	return r
}

// remedies are the ways to get a layer, by what is known to keep it from
// users. Settings are read only for this advice.
func remedies(layer string, err error) []string {
	setting := func(file, value string) bool {
		text, err := os.ReadFile("/proc/sys/" + file)
		return err == nil && strings.TrimSpace(string(text)) == value
	}
	var list []string
	container := inContainer()
	switch layer {
	case "user namespace":
		if setting("user/max_user_namespaces", "0") {
			list = append(list, "sysctl -w user.max_user_namespaces=15000   (and in a file in /etc/sysctl.d, to keep it)")
		}
		if setting("kernel/unprivileged_userns_clone", "0") {
			list = append(list, "sysctl -w kernel.unprivileged_userns_clone=1   (and in a file in /etc/sysctl.d)")
		}
		if setting("kernel/apparmor_restrict_unprivileged_userns", "1") {
			list = append(list, installProfile)
		}
		if name := confiningProfile(); name != "" && !container {
			list = append(list, apparmorRemedies(name)...)
		}
		if container {
			list = append(list, "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined …"+
				"   (podman: --security-opt seccomp=unconfined --security-opt unmask=ALL)")
		}
	case "proc":
		if container {
			list = append(list, "docker run --security-opt systempaths=unconfined …   (podman: --security-opt unmask=ALL)")
		} else {
			list = append(list, "mount /proc without anything over it")
		}
	case "Landlock":
		list = append(list, "Linux 6.12 or newer, booted with landlock in lsm= (see /sys/kernel/security/lsm)")
	case "network":
		list = append(list, "a kernel with nf_tables and CONFIG_NFT_REDIR; modprobe nft_redir")
	}
	var se *SetupError
	if len(list) == 0 && errors.As(err, &se) && se.Hint != "" {
		list = append(list, se.Hint)
	}
	if len(list) == 0 && layer == "seccomp" {
		list = append(list, "a kernel with CONFIG_SECCOMP_FILTER")
	}
	return list
}

// installProfile gives fsh a profile of its own.
const installProfile = "fsh doctor --apparmor | sudo tee /etc/apparmor.d/fsh && sudo apparmor_parser -r /etc/apparmor.d/fsh"

// apparmorRemedies are for a process that a profile confines.
func apparmorRemedies(name string) []string {
	return []string{
		fmt.Sprintf("start fsh where the AppArmor profile %q does not confine it, or add to that profile:  userns, capability, mount, umount, pivot_root,", name),
		installProfile + "   (if that profile starts programs in theirs: px, pix)",
	}
}

// inContainer looks for what container managers leave, and for a filter that
// was there before us.
func inContainer() bool {
	for _, file := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(file); err == nil {
			return true
		}
	}
	text, err := os.ReadFile("/proc/self/status")
	return err == nil && strings.Contains(string(text), "\nSeccomp:\t2")
}
