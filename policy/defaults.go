package policy

import (
	"path/filepath"
)

// secretPaths, below a home directory, hold keys, passwords, sessions and
// what was typed. They cannot be read unless a trusted file or a flag names
// one exactly. Sources: nono's list (peers §1a) and the manuals of the tools.
var secretPaths = []string{
	// Keys and password stores.
	".ssh", ".gnupg", ".pki", ".password-store", ".keys", ".secrets", ".credentials",
	".local/share/keyrings", ".local/share/kwalletd", ".config/keepassxc", ".config/op", ".config/Bitwarden*",
	// Clouds and infrastructure.
	".aws", ".azure", ".config/gcloud", ".gcloud", ".kube", ".docker", ".config/containers/auth.json",
	".vault-token", ".terraform.d", ".terraformrc", ".config/doctl", ".oci", ".s3cfg", ".config/rclone", ".boto",
	// Version control, registries, package managers.
	".netrc", "_netrc", ".git-credentials", ".config/git/credentials", ".config/gh", ".config/glab-cli", ".config/hub",
	".npmrc", ".yarnrc", ".yarnrc.yml", ".bunfig.toml", ".pypirc", ".cargo/credentials*", ".gem/credentials",
	".config/composer/auth.json", ".composer/auth.json", ".m2/settings.xml", ".m2/settings-security.xml",
	".gradle/gradle.properties", ".config/pip/pip.conf", ".pip/pip.conf",
	// Databases.
	".pgpass", ".my.cnf", ".mylogin.cnf", ".pg_service.conf",
	// Browsers and mail.
	".mozilla", ".thunderbird", ".config/google-chrome*", ".config/chromium", ".config/BraveSoftware",
	".config/microsoft-edge*", ".config/vivaldi", ".config/opera", ".config/Signal", ".config/Slack", ".config/discord",
	// Histories: what was typed, passwords by mistake included.
	".bash_history", ".zsh_history", ".zhistory", ".histfile", ".ash_history", ".ksh_history", ".sh_history", ".history",
	".local/share/fish", ".python_history", ".node_repl_history", ".psql_history", ".mysql_history",
	".sqlite_history", ".rediscli_history", ".lesshst", ".viminfo",
	// Agents that hold tokens of their own.
	".claude/.credentials.json", ".claude.json", ".codex/auth.json", ".config/github-copilot", ".gemini/oauth_creds.json",
}

// notSecret, below a home directory, are no secrets in the middle of some: by
// which keys other machines are known, without which ssh trusts none of them.
var notSecret = []string{".ssh/known_hosts"}

// systemSecrets are the same for the machine. Backups end with '-' or are in
// /var/backups.
var systemSecrets = []string{
	"/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers", "/etc/sudoers.d",
	"/etc/ssh/ssh_host_*_key", "/etc/ssl/private", "/etc/krb5.keytab", "/etc/wireguard", "/etc/ppp/*-secrets",
	"/etc/NetworkManager/system-connections", "/etc/security/opasswd", "/etc/netplan", "/var/backups/*shadow*",
	"/etc/letsencrypt", "/etc/pki/tls/private", "/etc/ipsec.secrets", "/etc/openvpn", "/etc/kubernetes", "/etc/rancher",
	"/etc/credstore", "/etc/credstore.encrypted", "/var/lib/systemd/credential.secret",
	"/etc/wpa_supplicant", "/var/lib/iwd", "/var/lib/bluetooth",
	// Snapshots of all of the above (snapper(8), btrfs).
	"/.snapshots", "/home/.snapshots",
}

// startFiles, below a home directory, run or configure what runs later,
// outside the sandbox. They cannot be written in an otherwise writable home
// unless a trusted file or a flag names one exactly. ~/.local/bin is not among
// them: who allows ~/.local allows programs to be installed.
var startFiles = []string{
	".profile", ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".inputrc",
	".zshrc", ".zprofile", ".zshenv", ".zlogin", ".zlogout", ".kshrc", ".mkshrc", ".config/fish",
	".gitconfig", ".config/git", ".config/systemd/user", ".config/autostart", ".config/environment.d",
	".local/share/applications", ".local/share/systemd/user", ".xprofile", ".xsessionrc", ".xinitrc", ".pam_environment",
	".tmux.conf", ".config/tmux", ".screenrc", ".vimrc", ".vim", ".config/nvim", ".emacs", ".emacs.d", ".config/emacs",
	".gdbinit", ".config/gdb", ".npmrc", ".yarnrc", ".cargo/config", ".cargo/config.toml", ".config/pip", ".pip",
	".xsession", ".bash_completion", ".config/bash_completion", ".local/share/bash-completion", ".config/zsh", ".lessfilter",
	".forward", ".procmailrc", ".mailcap", ".rhosts", ".shosts", ".k5login", ".local/share/dbus-1", ".config/plasma-workspace",
	".config/sway", ".config/i3", ".config/hypr", ".config/kitty", ".config/wezterm", ".wezterm.lua", ".config/alacritty",
	".local/share/nvim/site", ".config/helix", ".config/zed", ".config/kak", ".config/micro", ".config/VSCodium/User", ".config/Cursor/User",
	".hgrc", ".config/hg", ".config/jj", ".irbrc", ".pryrc", ".Rprofile", ".sqliterc", ".psqlrc", ".ipython/profile_default",
	".gemrc", ".gradle/init.gradle", ".gradle/init.d", ".ansible.cfg", ".config/mise", ".config/containers", ".cargo/env", ".oh-my-zsh",
	".ripgreprc", ".wgetrc", ".curlrc", ".direnvrc", ".config/direnv", ".config/Code/User", ".claude", ".codex", ".gemini", ".cursor",
}

// protectedNames cannot be written wherever they are in a writable tree: git's
// executable indirection, and what direnv, editors, agents and fsh itself take
// orders from when they enter a directory. A tree always contains files that
// run later, such as a Makefile, so this list is no boundary.
var protectedNames = []string{
	".git/hooks", ".git/config", ".git/config.worktree", ".git/commondir",
	".gitmodules", ".githooks", ".husky", ".hg/hgrc", ".hg/hgrc-not-shared", ".jj/repo/config.toml",
	".envrc", ".fsh.toml", ".fsh",
	".vscode", ".idea", ".exrc", ".nvimrc", ".nvim.lua", ".vimrc", ".devcontainer",
	".claude", ".cursor", ".codex", ".gemini", ".mcp.json", ".windsurf", ".aider.conf.yml", ".zed", ".helix",
	// Where the tree is somebody's home, or is copied to one.
	".profile", ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".inputrc",
	".zshrc", ".zprofile", ".zshenv", ".zlogin", ".zlogout", ".kshrc", ".mkshrc",
	".gitconfig", ".ripgreprc", ".tmux.conf", ".gdbinit",
}

// privateCaches, below the home, are what the common build tools write while
// they work. Each costs a mount per session; presets name the others.
var privateCaches = []string{
	".npm", ".cache/yarn", ".cache/pnpm", ".local/share/pnpm",
	".cache/pip", ".cache/uv", ".cache/pypoetry",
	".cache/go-build", "go/pkg",
	".cargo/registry", ".cargo/git", ".cache/ccache",
	".m2/repository", ".gradle/caches",
}

// secretVariables are not passed on unless a trusted file or a flag names one
// exactly, in letters of either case.
var secretVariables = []string{
	"*_TOKEN", "*_TOKEN_*", "*_SECRET*", "SECRET_*", "*PASSWORD*", "*PASSWD*", "*PASSPHRASE*", "*CREDENTIAL*",
	"*_API_KEY*", "*_APIKEY*", "*_PRIVATE_KEY*", "*_ACCESS_KEY*", "*_AUTH", "AWS_*", "AZURE_*", "DATABASE_URL", "PGPASS*",
	"TOKEN", "SECRET", "API_KEY", "*_KEY", "*AUTHTOKEN*", "*_PAT", "*_PASS", "SSHPASS", "*_PWD", "*_JWT", "*_JWT_*", "*_COOKIE*",
	"*_CONNECTION_STRING*", "*_DSN", "DOCKER_AUTH_CONFIG", "REDIS_URL", "AMQP_URL", "MONGO*_UR?",
}

// hijackVariables make a program run code of the caller's choice, or take its
// configuration from a place of the caller's. They are dropped for a program whose
// own table gives it rights.
var hijackVariables = []string{
	// The loader, the C library and what libraries load.
	"LD_*", "GCONV_PATH", "LOCPATH", "NLSPATH", "GLIBC_TUNABLES", "HOSTALIASES", "RES_OPTIONS", "LOCALDOMAIN",
	"OPENSSL_*", "SSLKEYLOGFILE", "SASL_PATH", "SASL_CONF_PATH", "KRB5_CONFIG", "PKCS11_*", "P11_KIT_*", "GIO_*", "QT_PLUGIN_PATH", "GTK_PATH", "GTK_MODULES",
	// Languages.
	"NODE_OPTIONS", "NODE_PATH", "PYTHON*", "PERL5*", "PERLLIB", "RUBY*", "GEM_*", "BUNDLE_*", "LUA_INIT*", "LUA_PATH*", "LUA_CPATH*",
	"PHPRC", "PHP_INI_SCAN_DIR", "R_PROFILE*", "R_ENVIRON*", "R_LIBS*", "JULIA_*", "ERL_*", "TCLLIBPATH", "CLASSPATH",
	"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "MAVEN_*", "MVN_*", "GRADLE_*", "DOTNET_*", "CORECLR_*", "COR_PROFILER*",
	// Build tools and package managers.
	"GOFLAGS", "GOENV", "GOROOT", "GOTOOLDIR", "GOTOOLCHAIN", "GOPROXY", "GONOSUMDB", "GOAUTH", "CARGO_*", "RUSTC*", "RUSTFLAGS", "RUSTUP_*",
	"npm_config_*", "NPM_CONFIG_*", "YARN_*", "PNPM_*", "BUN_*", "PIP_*", "UV_*", "POETRY_*", "CONDA_*", "COMPOSER_*",
	"MAKEFLAGS", "MAKEFILES", "GNUMAKEFLAGS", "TAR_OPTIONS", "CMAKE_TOOLCHAIN_FILE", "CMAKE_PROJECT_*",
	// Tools that fetch, and clients.
	"GIT_*", "CURL_HOME", "WGETRC", "SYSTEM_WGETRC", "RSYNC_RSH", "RSYNC_CONNECT_PROG", "CVS_RSH", "SVN_SSH", "HGRCPATH", "HGPLAIN*",
	"SSH_ASKPASS", "KUBECONFIG", "DOCKER_*", "BOTO_CONFIG", "CLOUDSDK_*", "TF_CLI_*", "ANSIBLE_*", "PSQLRC", "PGSERVICEFILE", "PGSYSCONFDIR",
	// Shells, editors, pagers.
	"BASH_ENV", "BASH_FUNC_*", "ENV", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "ZDOTDIR", "SHELL",
	"EDITOR", "VISUAL", "EMACS*", "PAGER", "MANPAGER", "BROWSER", "LESSOPEN", "LESSCLOSE", "LESSKEY*", "VIMINIT", "EXINIT", "VIMRUNTIME", "INPUTRC",
	"XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_HOME", "XDG_DATA_DIRS",
}

// commandDenials stop what a script run as root would do to the machine.
// Those that only need privileges that no sandboxed command has are left out.
var commandDenials = [][]string{
	{"shutdown"}, {"reboot"}, {"halt"}, {"poweroff"}, {"init", "0"}, {"init", "6"},
	{"systemctl", "poweroff"}, {"systemctl", "reboot"}, {"systemctl", "halt"},
	{"insmod"}, {"rmmod"}, {"modprobe"}, {"kexec"},
	{"mkfs"}, {"mkfs.ext2"}, {"mkfs.ext3"}, {"mkfs.ext4"}, {"mkfs.xfs"}, {"mkfs.btrfs"}, {"mkfs.vfat"}, {"mkfs.ntfs"},
	{"mke2fs"}, {"mkswap"}, {"wipefs"}, {"sfdisk"}, {"cfdisk"}, {"sgdisk"}, {"fdisk"}, {"parted"},
	{"telinit", "0"}, {"telinit", "6"}, {"systemctl", "kexec"}, {"systemctl", "suspend"}, {"systemctl", "hibernate"},
	{"docker", "run", "--privileged"}, {"docker", "run", "-v", "/:/"}, {"docker", "run", "-v", "/:/host"},
	{"podman", "run", "--privileged"},
}

func defaultRule(key, value string) Rule {
	return Rule{Key: key, Value: value, Origin: Origin{Layer: "defaults"}}
}

// below lists entries for every home: the user's own first, with the spelling
// that messages show, then everybody's.
func below(key, home string, names []string) []Path {
	var paths []Path
	add := func(prefix, shown string) {
		for _, name := range names {
			p := Path{Pattern: prefix + "/" + name, Rule: defaultRule(key, shown+"/"+name)}
			if p.Glob = hasMeta(p.Pattern); !p.Glob {
				p.Pattern = unquoteGlob(p.Pattern)
			}
			paths = append(paths, p)
		}
	}
	if home != "" {
		add(quoteGlob(home), "~")
	}
	if home != "/root" {
		add("/root", "/root")
	}
	add("/home/*", "/home/*")
	return paths
}

func literalPath(key, path, shown string) Path {
	return Path{Pattern: filepath.Clean(path), Rule: defaultRule(key, shown)}
}

// liftable are the built-in denials that a trusted entry can lift.
type liftable struct{ denyRead, denyWrite, protected []Path }

func builtinDenials(home string) liftable {
	var d liftable
	d.denyRead = below("filesystem.deny_read", home, secretPaths)
	for _, name := range notSecret {
		if home != "" {
			d.denyRead = except(d.denyRead, Path{Pattern: home + "/" + name})
		}
	}
	for _, s := range systemSecrets {
		d.denyRead = append(d.denyRead, Path{Pattern: s, Glob: hasMeta(s), Rule: defaultRule("filesystem.deny_read", s)})
	}
	d.denyWrite = below("filesystem.deny_write", home, startFiles)
	for _, name := range protectedNames {
		d.protected = append(d.protected, Path{Pattern: name, Rule: defaultRule("filesystem.protected", name)})
	}
	return d
}

// ownFiles are fsh's: its state (trust, history, private places) is invisible
// and its policies are read-only inside. Nothing lifts these.
func (o *Options) ownFiles(files []string) (denyRead, denyWrite []Path) {
	state := []string{o.Getenv("XDG_STATE_HOME"), o.Getenv("XDG_DATA_HOME")}
	if o.Home != "" {
		state = append(state, o.Home+"/.local/state", o.Home+"/.local/share")
	}
	for _, dir := range state {
		if filepath.IsAbs(dir) {
			denyRead = append(denyRead, literalPath("filesystem.deny_read", dir+"/fsh", dir+"/fsh"))
		}
	}
	writes := append([]string{systemFile[:len("/etc/fsh")]}, files...)
	if dir := o.configDir(); dir != "" {
		writes = append(writes, dir)
	}
	if o.Home != "" {
		writes = append(writes, o.Home+"/.config/fsh")
	}
	for _, path := range writes {
		if filepath.IsAbs(path) {
			denyWrite = append(denyWrite, literalPath("filesystem.deny_write", path, path))
		}
	}
	return denyRead, denyWrite
}
