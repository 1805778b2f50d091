package policy

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestMalformed: each mistake gives one message at its place, with a hint.
func TestMalformed(t *testing.T) {
	tests := []struct{ name, text, want, hint string }{
		// TOML itself.
		{"no value", "version =\n", "1:10: expected value but found '\\n' instead", "toml.io"},
		{"no equals sign", "version\n", "1:8: expected '.' or '=', but got '\\n' instead", "toml.io"},
		{"bare word", "[filesystem]\nallow_read = all\n", `2:14: expected value but found "all" instead`, "toml.io"},
		{"string without end", "[filesystem]\nallow_read = [\"/\n]\n", "2:17: strings cannot contain newlines", "toml.io"},
		{"array without end", "[filesystem]\nallow_read = [\"/\"\n", "2:18: expected a comma (',') or array terminator (']'), but got end of file", "toml.io"},
		{"no comma", "[filesystem]\nallow_read = [\"/\" \"/x\"]\n", "2:19: expected a comma (',') or array terminator (']'), but got '\"'", "toml.io"},
		{"header without end", "[filesystem\nallow_read = []\n", "1:12: expected '.' or ']' to end table name, but got '\\n' instead", "toml.io"},
		{"same key twice", "version = 1\nversion = 1\n", `2:1: key "version" is there twice`, "remove one"},
		{"same table twice", "[network]\n[network]\n", "2:2: key 'network' has already been defined", "toml.io"},
		{"bad escape", "[filesystem]\nallow_read = [\"\\q\"]\n", "2:16: invalid escape in string '\\q'", "toml.io"},
		{"text after a value", "version = 1 2\n", "1:12: expected a top-level item to end with a newline, comment, or EOF, but got '2' instead", "toml.io"},
		{"NUL", "version = 1\n# \x00\n", "2:3: contains a NUL byte", "UTF-8"},
		{"not UTF-8", "version = 1\n# \xff\n", "2:3: not UTF-8", "UTF-8"},
		{"long line", "# " + strings.Repeat("x", maxLine) + "\n", "1:1: a line is longer than 4096 bytes", "one entry per line"},
		{"large", "# " + strings.Repeat("x\n# ", maxFile/4) + "\n\n\n\n\n", "larger than 1 MiB", "policy?"},
		{"deep nesting", "x = " + strings.Repeat("[", 2000), "1:22: nested more than 16 deep", "depth"},
		{"deep key", strings.Repeat("a.", 1000) + "b = 1", "1:17: a key has more than 8 parts", "depth"},
		// Keys.
		{"unknown table", "[filesytem]\n", `1:2: unknown key "filesytem"`, `did you mean "filesystem"?`},
		{"unknown key", "[filesystem]\nallow_reed = []\n", `2:1: unknown key "allow_reed" in [filesystem]`, `did you mean "allow_read"?`},
		{"camel case of other tools", "[filesystem]\n  allowWrite = []\n", `2:3: unknown key "allowWrite" in [filesystem]`, `did you mean "allow_write"?`},
		{"another case", "[Filesystem]\n", `1:2: unknown key "Filesystem"`, `did you mean "filesystem"?`},
		{"unknown key far from all", "frobnicate = 1\n", `1:1: unknown key "frobnicate"`, "known here: command, environment, filesystem, limits, network, privileges, directory, extends, program, version"},
		{"unknown dotted key", "network.domains = []\n", `1:9: unknown key "domains" in [network]`, "known here: allow_local_binding"},
		{"unknown key of a program", "[program.npm]\nfilesystem.allow = []\n", `2:12: unknown key "allow" in [filesystem]`, "known here"},
		{"unknown table of a program", "[program.npm]\nversion = 1\n", `2:1: unknown key "version"`, "known here"},
		{"program in a program", "[program.npm.program.x]\n", `1:14: unknown key "program"`, "known here"},
		// Types.
		{"version as a string", "version = '1'\n", "1:11: version must be a number, not a string", "version = 1"},
		{"version of the future", "version = 2\n", "1:11: version 2 is not known", "version = 1"},
		{"string for a list", "[filesystem]\nallow_read = '/usr'\n", "2:14: filesystem.allow_read must be a list of strings, not a string", `["/usr"]`},
		{"number in a list", "[filesystem]\nallow_read = ['/',\n 1]\n", "3:2: an entry of filesystem.allow_read must be a string, not a number", "quotation"},
		{"list in a list", "[filesystem]\nallow_read = [['/']]\n", "2:15: an entry of filesystem.allow_read must be a string, not a list", ""},
		{"table for a list", "[filesystem.allow_read]\n", "1:1: filesystem.allow_read must be a list of strings, not a table", "[ ]"},
		{"value for a table", "filesystem = 1\n", "1:14: filesystem must be a table, not a number", "[filesystem]"},
		{"array of tables", "[[filesystem]]\n", "1:1: filesystem must be a table, not a list", "[filesystem]"},
		{"string for a boolean", "[network]\nallow_local_binding = 'true'\n", "2:23: network.allow_local_binding must be true or false, not a string", "quotation"},
		{"date", "[limits]\nmemory = 2020-01-01\n", "2:10: limits.memory must be a number or a string, not a date", "size"},
		{"program as a value", "program = 1\n", "1:11: program must be tables, not a number", "[program"},
		{"one program as a value", "program.npm = true\n", "1:15: must be a table, not true or false", "keys"},
		{"directory as a list", "directory = []\n", "1:13: directory must be tables, not a list", "[directory"},
		// Paths.
		{"empty path", "[filesystem]\ndeny_read = ['']\n", "2:14: an empty path", `"."`},
		{"bad glob", "[filesystem]\ndeny_read = ['/a/[x']\n", "2:14: '[' without ']'", `\[`},
		{"odd class", "[filesystem]\ndeny_read = ['/a/[[:alpha:]]']\n", "2:14: a character class that is not plain: [[:alpha:]", "a-z"},
		{"two stars in a name", "[filesystem]\ndeny_read = ['/a/x**']\n", "2:14: '**' beside other characters", "**/name"},
		{"braces", "[filesystem]\ndeny_read = ['/a/{b,c}']\n", "2:14: braces in a path", "one entry each"},
		{"trailing backslash", "[filesystem]\ndeny_read = ['/a\\']\n", "2:14: a backslash at the end", `\\`},
		{"home of another", "[filesystem]\ndeny_read = ['~bob/x']\n", "2:14: a home directory of another user: ~bob", "./~bob"},
		{"unset variable in a denial", "[filesystem]\ndeny_read = ['$GONE/x']\n", "2:14: $GONE is not set", "denies"},
		{"dollar alone", "[filesystem]\nallow_read = ['/$']\n", "2:15: '$' without the name of a variable", "[$]"},
		{"control character", "[filesystem]\nallow_read = [\"/a\\nb\"]\n", "2:15: a path with a control character", "directory"},
		{"long path", "[filesystem]\nallow_read = ['''\n/" + strings.Repeat(strings.Repeat("x", 4000)+"/\\\n", 1) + strings.Repeat("y", 200) + "''']\n", "2:15: a path with a control character", ""},
		{"dots in a pattern", "[filesystem]\nallow_write = ['*/../../..']\n", "2:16: a pattern with '..'", "directory"},
		{"wildcard in private_write", "[filesystem]\nprivate_write = ['~/.cache/*']\n", "2:18: filesystem.private_write takes no wildcards", "each"},
		// Network.
		{"URL", "[network]\nallowed_domains = ['https://x.test/']\n", `2:20: "https://x.test/" is not a host: it is a URL`, "github.com"},
		{"empty host", "[network]\nallowed_domains = ['']\n", `2:20: "" is not a host: it is empty`, ""},
		{"host with a space", "[network]\nallowed_domains = ['a b']\n", `2:20: "a b" is not a host: it has a space or an invisible character`, ""},
		{"wildcard in the middle", "[network]\nallowed_domains = ['a.*.test']\n", `2:20: "a.*.test" is not a host: '*' is not its first label`, ""},
		{"wildcard in a label", "[network]\ndenied_domains = ['*a.test']\n", `2:19: "*a.test" is not a host: '*' must be a whole label`, ""},
		{"port 0", "[network]\nallowed_domains = ['x.test:0']\n", `2:20: "x.test:0" is not a host: "0" is not a port`, ""},
		{"port range backwards", "[network]\nallowed_domains = ['x.test:9-1']\n", `2:20: "x.test:9-1" is not a host: "9-1" is not a port`, ""},
		{"no port", "[network]\nallowed_domains = ['x.test:']\n", `2:20: "x.test:" is not a host: "-" is not a port`, ""},
		{"network with host bits", "[network]\nallowed_domains = ['10.1.2.3/8']\n", `2:20: "10.1.2.3/8" is not a host: it is neither a name nor an address`, ""},
		{"half an address", "[network]\nallowed_domains = ['10.1.2']\n", `2:20: "10.1.2" is not a host: it is a malformed address`, ""},
		{"localhost", "[network]\nallowed_domains = ['localhost:80']\n", `2:20: "localhost:80" is not a host: localhost is the sandbox's own loopback; allow_local_outbound reaches the host's`, ""},
		{"address in hosts", "[network]\nhosts = { '10.0.0.1' = '10.0.0.2' }\n", `2:11: "10.0.0.1" is not one name`, "ports"},
		{"name for an address", "[network]\nhosts = { 'a.test' = 'b.test' }\n", `2:22: "b.test" is not an address`, "IPv4"},
		{"exposed name", "[network]\nexpose_ports = ['localhost:80']\n", `2:17: "localhost:80" is not an address with a port`, "0.0.0.0:3000"},
		{"exposed port as a string", "[network]\nexpose_ports = ['3000']\n", `2:17: "3000" is not an address with a port`, "without quotation marks"},
		{"exposed without an address", "[network]\nexpose_ports = [1, ':80']\n", `2:20: ":80" is not an address with a port`, "0.0.0.0:3000"},
		{"exposed and mapped to another", "[network]\nexpose_ports = ['127.0.0.1:80:81']\n", `2:17: "127.0.0.1:80:81" is not an address with a port`, "0.0.0.0:3000"},
		{"exposed port 0", "[network]\nexpose_ports = ['0.0.0.0:0']\n", `2:17: "0.0.0.0:0" is not an address with a port: 0 is not a port`, ""},
		{"exposed port with zeros", "[network]\nexpose_ports = ['0.0.0.0:080']\n", `2:17: "0.0.0.0:080" is not an address with a port: 080 is not a port`, ""},
		{"exposed multicast", "[network]\nexpose_ports = ['[ff02::1]:80']\n", `2:17: "[ff02::1]:80" is not an address with a port: nobody can have a multicast address`, ""},
		{"exposed zone", "[network]\nexpose_ports = ['[fe80::1%lo]:80']\n", `2:17: "[fe80::1%lo]:80" is not an address with a port: it has a zone`, ""},
		{"exposed boolean", "[network]\nexpose_ports = [true]\n", `2:17: an entry of network.expose_ports must be a port number, not true or false`, ""},
		{"port too large", "[network]\nexpose_ports = [70000]\n", "2:17: 70000 is not a port", "65535"},
		{"ports as a string", "[network]\nallow_local_outbound = '6379'\n", "2:24: network.allow_local_outbound must be true, false or a list of ports, not a string", "[6379]"},
		// The rest.
		{"empty command", "[command]\ndeny = ['  ']\n", "2:9: an empty command", "git push"},
		{"quoted command", "[command]\ndeny = ['git \"push\"']\n", `2:9: "git \"push\"" has quoting or a wildcard`, "spaces"},
		{"bad variable pattern", "[environment]\ndeny = ['A-B']\n", `2:9: "A-B" is not a pattern for names of variables`, "letters"},
		{"bad variable", "[environment]\nset = { '1A' = 'x' }\n", `2:9: "1A" is not the name of a variable`, "letters"},
		{"variable with a number", "[environment]\nset = { A = 1 }\n", "2:13: A must be a string, not a number", "quotation"},
		{"bad size", "[limits]\nmemory = '4G'\n", `2:10: "4G" is not a size`, "GiB"},
		{"overflowing size", "[limits]\nfile_size = '9999999999TiB'\n", `2:13: "9999999999TiB" is not a size`, "GiB"},
		{"bad duration", "[limits]\ncpu_time = '30'\n", `2:12: "30" is not a time of a second or more`, "30m"},
		{"zero", "[limits]\nprocesses = 0\n", "2:13: limits.processes = 0", "leave the key out"},
		{"fraction", "[limits]\nopen_files = 1.5\n", "2:14: limits.open_files must be a number, not a fraction", "number"},
		{"program with a relative path", "[program.'bin/x']\n", `1:10: "bin/x" is neither a name nor an absolute path`, "/usr/bin"},
		{"program with a wildcard", "[program.'*']\n", `1:10: "*" is not the name of a program`, "absolute"},
		{"relative directory", "[directory.'src']\n", `1:12: the directory "src" is relative`, "~/"},
		{"unknown preset", "extends = ['nodee']\n", `1:12: no preset "nodee"`, `did you mean "node"?`},
		{"missing file", "extends = ['./gone.toml']\n", `1:12: extends "CONF/gone.toml": cannot read it: no such file or directory`, ""},
		{"itself", "extends = ['./policy.toml']\n", `1:12: extends in a circle: FILE → FILE`, "remove"},
	}
	if len(tests) < 40 {
		t.Fatalf("only %d mistakes", len(tests))
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"user": test.text})
			p, _, err := Load(w.opts)
			var e *Error
			if !errors.As(err, &e) || p != nil {
				t.Fatalf("no error: %v", err)
			}
			sep := ":"
			if test.want[0] < '0' || test.want[0] > '9' {
				sep = ": "
			}
			want := "FILE" + sep + test.want
			want = strings.NewReplacer("FILE", w.path("user"), "CONF", filepath.Dir(w.path("user"))).Replace(want)
			if err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
			if !strings.Contains(e.Hint, test.hint) {
				t.Errorf("hint %q, want %q", e.Hint, test.hint)
			}
			// A script from elsewhere gets no farther with the same mistake.
			w = newWorld(t, map[string]string{"project": test.text})
			if _, _, err := Load(w.opts); err == nil {
				t.Error("no error as .fsh.toml")
			}
			// Nor as the header of a script, one line further down and two columns
			// to the right. (These say something else, or nothing, there.)
			if strings.Contains(test.text, "directory") || strings.Contains(test.text, "extends") || e.Line == 0 || strings.Contains(test.name, "line") {
				return
			}
			w = newWorld(t, nil)
			w.opts.ScriptName = "script"
			w.opts.Script = "#!/bin/fsh\n#:" + strings.ReplaceAll(strings.TrimSuffix(test.text, "\n"), "\n", "\n#:") + "\necho ran\n"
			_, _, err = Load(w.opts)
			var h *Error
			if !errors.As(err, &h) || h.File != "script" || h.Line != e.Line+1 || h.Col != e.Col+2 || h.Hint != e.Hint {
				t.Errorf("as a header: %v, after %v", err, e)
			}
		})
	}
}

// TestUnreadable: what is no readable file is an error, and never blocks.
func TestUnreadable(t *testing.T) {
	tests := []struct {
		name string
		make func(path string) error
		want string
	}{
		{"directory", func(p string) error { return os.Mkdir(p, 0o755) }, "is a directory"},
		{"fifo", func(p string) error { return syscall.Mkfifo(p, 0o644) }, "is not a regular file"},
		{"link to nothing", func(p string) error { return os.Symlink("/nowhere/at/all", p) }, "is a link to nothing"},
		{"link in a circle", func(p string) error { return os.Symlink(p, p) }, "cannot read it: too many levels of symbolic links"},
		{"device", func(p string) error { return os.Symlink("/dev/zero", p) }, "is not a regular file"},
		{"writable by everybody", func(p string) error { os.WriteFile(p, nil, 0o644); return os.Chmod(p, 0o666) }, "writable by everybody"},
		{"writable by a group", func(p string) error {
			return errors.Join(os.WriteFile(p, nil, 0o644), os.Chown(p, -1, 12), os.Chmod(p, 0o664))
		}, "writable by group 12"},
		{"huge", func(p string) error { os.WriteFile(p, nil, 0o644); return os.Truncate(p, 100<<20) }, "larger than 1 MiB"},
		{"not permitted", func(p string) error { return os.WriteFile(p, nil, 0) }, "cannot read it: permission denied"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "writable by a group" && os.Geteuid() != 0 {
				t.Skip("needs root to give a file to a group")
			}
			if test.name == "not permitted" {
				readAsNobody(t)
			}
			w := newWorld(t, map[string]string{"../../.config/fsh/other": ""})
			if err := test.make(w.path("user")); err != nil {
				t.Fatal(err)
			}
			_, _, err := Load(w.opts)
			if want := w.path("user") + ": " + test.want; test.want != "" && (err == nil || err.Error() != want) {
				t.Errorf("got %v, want %s", err, want)
			}
			w.opts.PolicyFile = w.path("user")
			if _, _, err := Load(w.opts); err == nil {
				t.Error("no error with --policy")
			}
		})
	}
	w := newWorld(t, map[string]string{"real": "version = 1"})
	if err := os.Symlink("real", w.path("project")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(w.opts); err == nil || err.Error() != w.path("project")+": is a symbolic link" {
		t.Errorf("linked .fsh.toml: %v", err)
	}
}

func TestBadFlags(t *testing.T) {
	for _, test := range []struct{ kind, value, want, hint string }{
		{"allow-net", "x.test:http", `--allow-net=x.test:http: "x.test:http" is not a host: "http" is not a port`, "github.com"},
		{"allow-read", "", "--allow-read=: an empty path", "current"},
		{"deny-write", "/[", "--deny-write=/[: '[' without ']'", ""},
		{"deny-env", "a b", `--deny-env=a b: "a b" is not a pattern for names of variables`, ""},
		{"allow-reed", "/", "--allow-reed=/: unknown flag", `did you mean "allow-read"?`},
	} {
		w := newWorld(t, nil)
		w.opts.Flags = []Flag{{Kind: test.kind, Value: test.value}}
		_, _, err := Load(w.opts)
		var e *Error
		if !errors.As(err, &e) || err.Error() != test.want || !strings.Contains(e.Hint, test.hint) {
			t.Errorf("%s=%s: %v", test.kind, test.value, err)
		}
	}
}

func TestExtendsInACircle(t *testing.T) {
	w := newWorld(t, map[string]string{"user": "extends = ['./a.toml']", "../../.config/fsh/a.toml": "\nextends = ['./b.toml']", "../../.config/fsh/b.toml": "extends = ['./a.toml']"})
	_, _, err := Load(w.opts)
	dir := filepath.Dir(w.path("user"))
	want := dir + "/b.toml:1:12: extends in a circle: " + strings.Join([]string{w.path("user"), dir + "/a.toml", dir + "/b.toml", dir + "/a.toml"}, " → ")
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// readAsNobody takes root's right to read every file from this thread until the
// test ends: setfsuid(2).
func readAsNobody(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	runtime.LockOSThread()
	syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0)
	t.Cleanup(func() {
		syscall.RawSyscall(syscall.SYS_SETFSUID, 0, 0, 0)
		runtime.UnlockOSThread()
	})
}
