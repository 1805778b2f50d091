package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// Where user namespaces are refused (containers, Ubuntu's AppArmor) there are
// no mounts and no namespaces. The keeper then starts runners with Landlock and
// seccomp alone: "bare". What may be read is every tree without a secret in it;
// nothing of the host may be written; connections lead to the proxies; calls that change
// the attributes of files, which Landlock does not know, are made by the keeper
// in the process's place. A policy that needs more is refused by name.

// WeakerNamespaces is what a session without namespaces is marked with.
const WeakerNamespaces = "namespaces"

// Layers that --allow-weaker can name.
const (
	WeakerMounts   = "mounts"   // writable trees without the denials inside of them
	WeakerNet      = "net"      // the host's network, whatever the rules say
	WeakerCommands = "commands" // rules about commands hold for the shell's own only
	WeakerLimits   = "limits"   // without the number of processes
)

// WeakerLayers are what --allow-weaker may name.
func WeakerLayers() []string {
	return []string{WeakerMounts, WeakerNet, WeakerCommands, WeakerLimits}
}

// bareNote is what people are told once per session.
const bareNote = "weaker sandbox: user namespaces are refused here, so Landlock and seccomp work alone: " +
	"the network is reachable by the proxy variables only, names in secret directories can be listed, the host's processes are visible, and nothing but caches and TMPDIR is writable"

// bareNeeds lists what a policy asks for that a bare sandbox does not have:
// layer and rule.
func bareNeeds(p *policy.Policy, pl *Plan) [][2]string {
	var needs [][2]string
	need := func(layer, rule string) { needs = append(needs, [2]string{layer, rule}) }
	for _, r := range p.Filesystem.AllowWrite {
		need(WeakerMounts, fmt.Sprintf("allow_write %q (protected names inside of it)", r.Pattern))
	}
	n := &p.Network
	for _, r := range n.UnixSockets {
		need(WeakerNet, fmt.Sprintf("allow_unix_sockets %q", r.Pattern))
	}
	if n.LocalBinding {
		need(WeakerNet, "allow_local_binding")
	}
	if n.LocalOutbound.Mode != "none" && n.LocalOutbound.Mode != "" {
		need(WeakerNet, "allow_local_outbound")
	}
	if len(n.ExposePorts) > 0 {
		need(WeakerNet, "expose_ports")
	}
	if pl.Commands {
		need(WeakerCommands, "rules about commands")
	}
	if p.Privileges.FileOwnership && os.Geteuid() == 0 {
		need(WeakerMounts, "privileges.file_ownership")
	}
	// The kernel would count all processes of the user.
	if p.Limits.Processes > 0 && pl.Group == "" {
		need(WeakerLimits, "limits.processes")
	}
	return needs
}

// bareAllowed refuses a policy that needs what is missing, and gives the
// layers that were given up by an explicit word.
func (s *Session) bareAllowed(p *policy.Policy, pl *Plan, why error) (weaker []string, err error) {
	for _, n := range bareNeeds(p, pl) {
		if !slices.Contains(s.cfg.Weaker, n[0]) {
			return nil, &SetupError{Layer: n[0], Err: fmt.Errorf("%s cannot be enforced here: %w", n[1], why),
				Hint: "fsh doctor says how to allow user namespaces; --allow-weaker=" + n[0] + " goes on without"}
		}
		if !slices.Contains(weaker, n[0]) {
			weaker = append(weaker, n[0])
		}
	}
	return weaker, nil
}

// refusedNamespaces tells whether an error means that this machine does not
// let us make a sandbox of namespaces. What has run out may be there the next
// time, and is no reason for less of a sandbox.
func refusedNamespaces(err error) bool {
	for _, short := range []error{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EAGAIN} {
		if errors.Is(err, short) {
			return false
		}
	}
	var se *SetupError
	return errors.As(err, &se) && (se.Layer == "user namespace" || se.Layer == "proc")
}

// fallBack replaces a keeper that could not be by a bare one.
func (s *Session) fallBack(why error) error {
	if s.sock >= 0 { // it has told why, and is ending
		s.reapKeeper()
	}
	s.mu.Lock()
	s.lost, s.ended = nil, make(chan struct{})
	s.mu.Unlock()
	s.bare = why
	return s.startKeeperBy(forkBareKeeper)
}

// barePlan completes a plan for a bare keeper, or refuses the policy.
func (s *Session) barePlan(p *policy.Policy, pl *Plan) error {
	weaker, err := s.bareAllowed(p, pl, s.bare)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.temp == "" {
		if s.temp, err = anyTempDir(p.Home); err != nil {
			return &SetupError{Layer: "private directories", Err: err, Hint: "make the state directory or /tmp writable"}
		}
	}
	pl.Temp, pl.BareNet = s.temp, slices.Contains(weaker, WeakerNet)
	s.bareEnv = bareEnviron(pl)
	s.tellBare(weaker)
	return nil
}

// weakened are the layers that a session does without.
type weakened struct {
	mu     sync.Mutex
	layers []string
}

// add notes layers and gives those that are new.
func (w *weakened) add(layers []string) (fresh []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range layers {
		if !slices.Contains(w.layers, l) {
			w.layers, fresh = append(w.layers, l), append(fresh, l)
		}
	}
	return fresh
}

// Weakened are the layers that the session does without: namespaces, where the
// machine refuses them, and what --allow-weaker has given up. Nil: none so far.
func (s *Session) Weakened() []string {
	s.weak.mu.Lock()
	defer s.weak.mu.Unlock()
	return slices.Clone(s.weak.layers)
}

// tellBare says once what is weaker.
func (s *Session) tellBare(weaker []string) {
	fresh := s.weak.add(append([]string{WeakerNamespaces}, weaker...))
	if len(fresh) == 0 {
		return
	}
	note := "weaker sandbox"
	if fresh[0] == WeakerNamespaces {
		note, fresh = bareNote, fresh[1:]
	}
	if len(fresh) > 0 {
		note += "; given up by --allow-weaker: " + strings.Join(fresh, ", ")
	}
	s.emit(events.Event{Kind: events.Warning, Message: note, Hint: "fsh doctor says how to have the whole sandbox"})
}

// cacheVariables lead the usual tools to a directory for a cache, by the last
// parts of its usual path.
var cacheVariables = []struct{ path, name string }{
	{".npm", "npm_config_cache"}, {".cache/yarn", "YARN_CACHE_FOLDER"}, {".cache/pip", "PIP_CACHE_DIR"},
	{".cache/uv", "UV_CACHE_DIR"}, {".cache/pypoetry", "POETRY_CACHE_DIR"}, {".cache/go-build", "GOCACHE"},
	{"go/pkg", "GOMODCACHE"}, {".cargo/registry", "CARGO_HOME"}, {".cache/ccache", "CCACHE_DIR"},
	{".gradle/caches", "GRADLE_USER_HOME"},
}

// bareEnviron are the variables that stand for private places.
func bareEnviron(pl *Plan) []string {
	env := []string{"TMPDIR=" + pl.Temp}
	for _, s := range pl.Steps {
		if s.Op != OpPrivate {
			continue
		}
		for _, v := range cacheVariables {
			if strings.HasSuffix(s.Path, "/"+v.path) {
				env = append(env, v.name+"="+pl.barePrivate(s))
			}
		}
	}
	return env
}

// homelessEnviron is the same where a home that does not exist would have to
// be shown in the root directory: the caches are in /tmp.
func homelessEnviron(home string, pl *Plan) []string {
	for d := filepath.Clean(home); d != "/"; d = filepath.Dir(d) {
		if _, err := os.Lstat(d); err == nil || !filepath.IsAbs(d) {
			return nil
		}
	}
	var env []string
	for _, s := range pl.Steps {
		for _, v := range cacheVariables {
			if s.Op == OpPrivate && s.Path == filepath.Join(home, v.path) {
				env = append(env, v.name+"=/tmp/fsh-caches/"+v.path)
			}
		}
	}
	return env
}

// bareEnviron replaces, for a command, what leads to places that the session
// does not have. Where the script has set a variable itself that
// stays.
func (s *Session) bareEnviron(env []string) []string {
	if len(s.bareEnv) == 0 {
		return env
	}
	env = slices.Clone(env)
	for _, kv := range s.bareEnv {
		name, value, _ := strings.Cut(kv, "=")
		has := func(e string) bool { return strings.HasPrefix(e, name+"=") && e != name+"=" }
		if i := slices.IndexFunc(env, has); i < 0 {
			env = append(env, kv)
		} else if !below(strings.TrimPrefix(env[i], name+"="), s.temp) && os.Getenv(name) == strings.TrimPrefix(env[i], name+"=") {
			env[i] = name + "=" + value // the user's, which cannot be written
		}
	}
	return env
}

// Environ is the environment that the shell itself should start with, or nil
// for no change. Only where the kernel's settings or a filter make it likely
// that namespaces are refused the sandbox is started to find out; elsewhere
// it stays as lazy as it is.
func (s *Session) Environ(env []string) ([]string, error) {
	if Inside() || !likelyRefused() {
		return nil, nil
	}
	s.System()
	if _, err := s.runner(s.policy()); err != nil {
		return nil, err
	}
	if s.bare == nil {
		return nil, nil
	}
	return s.bareEnviron(env), nil
}

// likelyRefused looks at what usually keeps user namespaces from being made. It
// decides nothing but when the sandbox is started.
func likelyRefused() bool {
	for file, refusing := range map[string]string{
		"/proc/sys/user/max_user_namespaces":                     "0",
		"/proc/sys/kernel/unprivileged_userns_clone":             "0",
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
	} {
		if text, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(text)) == refusing {
			return true
		}
	}
	text, err := os.ReadFile("/proc/self/status")
	return err == nil && strings.Contains(string(text), "\nSeccomp:\t2") || maskedProc() || confiningProfile() != ""
}

// maskedProc tells whether something is mounted on parts of /proc, as containers
// do: then no other one can be mounted (mount_namespaces(7)). A mount on an empty
// directory, where systemd has one, does not count.
func maskedProc() bool {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 4 && strings.HasPrefix(f[4], "/proc/") && f[4] != "/proc/sys/fs/binfmt_misc" {
			return true
		}
	}
	return false
}

// ownPaths are the candidates of a command where this program is not at
// Marker; nil: as they are.
func (s *Session) ownPaths(paths []string) []string {
	if s.bare == nil || len(paths) != 1 || paths[0] != Marker+"/fsh" {
		return nil
	}
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil
	}
	return []string{exe}
}

// barePrivate is the directory that stands for a private path: the project's,
// or one that ends with the session.
func (pl *Plan) barePrivate(s Step) string {
	if s.From != "" {
		return s.From
	}
	return filepath.Join(pl.Temp, "private"+strings.ReplaceAll(s.Path, "/", "!"))
}

// anyTempDir makes the session's TMPDIR, in /tmp where a home cannot be written,
// as users of containers often have it.
func anyTempDir(home string) (string, error) {
	err := error(unix.ENOENT)
	if state := stateDir(home); state != "" {
		var dir string
		if dir, err = tempDir(filepath.Join(state, "tmp")); err == nil {
			return dir, nil
		}
	}
	if dir, err := tempDir("/tmp/fsh-" + strconv.Itoa(os.Geteuid())); err == nil {
		return dir, nil
	}
	return "", err
}

// tempDir makes a directory in base; those of dead sessions are removed.
func tempDir(base string) (dir string, err error) {
	for range 3 { // the last session in it removes base
		if err = os.MkdirAll(base, 0o700); err != nil {
			return "", err
		}
		if err = ownDirectory(base); err == nil {
			dir, err = os.MkdirTemp(base, "session-")
		}
		if !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return "", err
	}
	list, err := os.ReadDir(base)
	for _, e := range list { // a lock is held as long as the session lives
		removeIfFree(filepath.Join(base, e.Name()))
	}
	return dir, err
}

// removeIfFree removes a directory that no session has locked.
func removeIfFree(dir string) {
	fd, err := openClosed(unix.AT_FDCWD, dir)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	// One that is brand new may be about to be locked.
	if unix.Fstat(fd, &st) != nil || unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) != nil || !old(&st) {
		return
	}
	_ = removeTree(dir)
}

// old tells that a directory was made a minute ago or before.
func old(st *unix.Stat_t) bool {
	var now unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_REALTIME, &now)
	return err == nil && now.Sec-st.Ctim.Sec > 60
}
