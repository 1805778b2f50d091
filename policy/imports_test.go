package policy

import (
	"errors"
	"strings"
	"testing"
)

// TestImport: what settings meant elsewhere they mean here, or it is said.
func TestImport(t *testing.T) {
	for _, test := range []struct {
		name, src, want string
		notes           []string
	}{
		{"empty", "{}", "", nil},
		{"fence", `// the usual
{ "$schema": "x", "extends": "code", /* two
lines */ "allowPty": true,
  "network": { "allowedDomains": ["github.com", "*.npmjs.org", "db.internal:5432", "10.0.0.1", "::1", "*",],
    "deniedDomains": ["169.254.169.254", "*.sentry.io"], "allowLocalBinding": true, "allowLocalOutbound": true, "allowLocalOutboundPorts": [6379, 5432],
    "allowUnixSockets": ["/var/run/docker.sock"], "httpProxyPort": 3128, "allowAllUnixSockets": true },
  "filesystem": { "allowWrite": [".", "/tmp", "~/.cache/**", "~/gone", "**/*.log"], "denyWrite": ["**/.env.{local,prod}", "~/.x/"], "denyRead": ["~/.ssh/**"], "allowExecute": ["/x"] },
  "command": { "deny": ["git push", "npm  publish", "dd if=", "rm \"x\""], "allow": ["git push origin docs"], "useDefaults": false },
  "ssh": { "allowedHosts": ["x"] }, "frob": 1 }`,
			`[filesystem]
allow_write = [
  ".",
  "~/.cache",
  "**/*.log",
]
deny_read = [
  "~/.ssh",
]
deny_write = [
  "**/.env.local",
  "**/.env.prod",
  "~/.x",
]

[network]
allow_local_binding = true
allow_local_outbound = [6379, 5432]
allow_unix_sockets = [
  "/var/run/docker.sock",
]
allowed_domains = [
  "github.com:*",
  "*.npmjs.org:*",
  "db.internal:5432",
  "10.0.0.1:*",
  "[::1]:*",
  "*:*",
]
denied_domains = [
  "169.254.169.254:*",
  "*.sentry.io:*",
]

[command]
allow = [
  "git push origin docs",
]
deny = [
  "git push",
  "npm publish",
]
use_defaults = false
`, []string{"allowPty is left out", `"dd if=" is left out`, `"rm \"x\"" is left out`, "extends code is left out", `"/tmp" is left out`, `"~/gone" is left out: it does not exist`,
				"filesystem.allowExecute is left out", "allowAllUnixSockets is left out", "network.httpProxyPort is left out", "frob is not known", "ssh is left out"}},
		{"srt", `{"network": {"allowedDomains": ["localhost", "https://x"], "allowLocalOutbound": false}, "filesystem": {"denyRead": [], "allowRead": ["./x"], "allowWrite": []},
  "unsetEnvVars": ["A", "B-C"], "setEnvVars": {"CI": "1"}, "ignoreViolations": {}}`,
			"[network]\nallow_local_outbound = false\n\n[environment]\ndeny = [\n  \"A\",\n]\nset = { CI = \"1\" }\n",
			[]string{"allowRead is left out", "ignoreViolations is left out", `"localhost" is left out`, `"https://x" is left out`, `"B-C" is no name`}},
		{"reading denied by default", `{"filesystem": {"defaultDenyRead": true, "strictDenyRead": true, "allowRead": ["~/src"]}}`,
			"[filesystem]\nallow_read = [\n  \"~/src\",\n]\n", nil},
		{"strict without a list", `{"filesystem": {"defaultDenyRead": true}}`, "[filesystem]\nallow_read = [\n  \"/usr\",\n  \"/bin\",\n", nil},
		{"open", `{"network": {"defaultAction": "allow"}}`, "[network]\nallowed_domains = [\n  \"*:*\",\n]\n", nil},
		{"inside other settings", `{"permissions": {}, "sandbox": {"network": {"allowedDomains": ["a.example"]}}}`, "[network]\nallowed_domains = [\n  \"a.example:*\",\n]\n", []string{`only the table "sandbox"`}},
	} {
		im, err := Import("settings.json", []byte(test.src), func(p string) bool { return p != "~/gone" })
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		_, body, _ := strings.Cut(im.TOML, "version = 1\n")
		if body = strings.TrimPrefix(body, "\n"); body != test.want && (test.name != "strict without a list" || !strings.HasPrefix(body, test.want)) {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, body, test.want)
		}
		if len(im.Notes) != len(test.notes) {
			t.Errorf("%s: notes %q", test.name, im.Notes)
		}
		for _, note := range test.notes {
			if !strings.Contains(im.TOML, note) {
				t.Errorf("%s: no note %q in %q", test.name, note, im.Notes)
			}
		}
		w := newWorld(t, map[string]string{"user": im.TOML})
		if _, _, err := Load(w.opts); err != nil {
			t.Errorf("%s: what was imported cannot be loaded: %v\n%s", test.name, err, im.TOML)
		}
	}
}

func TestImportMistakes(t *testing.T) {
	for src, want := range map[string]string{
		"":                                   "s.json:1:1: unexpected end of JSON input",
		"{\n \"a\": }":                       "s.json:2:7: invalid character '}' looking for beginning of value",
		"[]":                                 "s.json:1:1: is no table of settings",
		"null":                               "s.json:1:1: is no table of settings",
		`{"network": []}`:                    "s.json:1:13: network must be a table",
		`{"network": {"allowedDomains": 1}}`: "s.json:1:32: network.allowedDomains must be a list of strings",
		`{"network": {"allowLocalOutboundPorts": [0]}}`:             "s.json:1:41: network.allowLocalOutboundPorts must be a list of ports",
		`{"filesystem": {"denyRead": [1]}}`:                         "s.json:1:29: filesystem.denyRead must be a list of strings",
		`{"command": {"useDefaults": "no"}}`:                        "s.json:1:29: command.useDefaults must be true or false",
		"{} /* open":                                                "s.json:1:4: a comment has no end",
		"\ufeff{\n// x\n\"command\": /* y */ {\"deny\": 1,},}":      "s.json:3:29: command.deny must be a list of strings",
		`{"a": 1, "network": {}, "a": 2}`:                           "s.json:1:25: \"a\" is given twice",
		"{\"network\": {\"x\": [{\"y\": 1,\n\"y\": 2}]}}":           "s.json:2:1: \"y\" is given twice",
		`{"setEnvVars": ["A"]}`:                                     "s.json:1:16: setEnvVars must be a table",
		`{"network": {"defaultAction": "ask"}}`:                     "s.json:1:31: network.defaultAction must be \"allow\" or \"deny\"",
		`{"sandbox": {"network": {"allowedDomains": "x"}}}`:         "s.json:1:44: sandbox.network.allowedDomains must be a list of strings",
		strings.Repeat(`{"a":`, 11000) + strings.Repeat("}", 11000): "s.json:1:50001: invalid character '{' exceeded max depth",
	} {
		_, err := Import("s.json", []byte(src), nil)
		var e *Error
		if !errors.As(err, &e) || err.Error() != want || e.Hint == "" {
			t.Errorf("%q: %v, want %s", src, err, want)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(`{"network": {"allowedDomains": ["a", "\"\\\n#"]}, "filesystem": {"denyRead": ["{a,b}", "/**", "x'\u0000"]}, "setEnvVars": {"a b": "c"}}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		im, err := Import("s.json", src, nil)
		if err != nil {
			return
		}
		if _, err := parse("x", im.TOML); err != nil {
			t.Errorf("%q: %v\n%s", src, err, im.TOML)
		}
	})
}

// TestImportOfPortsTurnedOff: what is not carried over is said.
func TestImportOfPortsTurnedOff(t *testing.T) {
	got, err := Import("s.json", []byte(`{"network": {"allowLocalOutbound": false, "allowLocalOutboundPorts": [5432]}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got.TOML, "5432") || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "allowLocalOutboundPorts") {
		t.Errorf("%q\n%s", got.Notes, got.TOML)
	}
}
