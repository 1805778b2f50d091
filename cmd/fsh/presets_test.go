package main_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/policy"
)

// mirror serves files by path on the loopback, where mirror.test is.
type mirror struct {
	url   string
	port  string
	files map[string]string
	dir   http.Handler // for what is not in files
}

func newMirror(t *testing.T) *mirror {
	m := &mirror{files: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := m.files[r.URL.Path]
		switch {
		case ok:
			if strings.HasSuffix(r.URL.Path, "/") {
				w.Header().Set("Content-Type", "text/html")
			}
			io.WriteString(w, text)
		case m.dir != nil:
			m.dir.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	_, m.port, _ = net.SplitHostPort(server.Listener.Addr().String())
	m.url = "http://mirror.test:" + m.port
	return m
}

func archiveTar(files map[string]string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), ModTime: time.Unix(1e9, 0)})
		io.WriteString(w, text)
	}
	w.Close()
	z.Close()
	return b.String()
}

func archiveZip(files ...string) string { // name, text, …
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, _ := w.Create(files[i]) // into memory
		io.WriteString(f, files[i+1])
	}
	w.Close()
	return b.String()
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// presetCase is a real tool at its usual work, under the preset and with the
// mirror as its only host.
type presetCase struct {
	needs  []string          // programs
	files  map[string]string // of the project
	mirror func(m *mirror)
	env    []string
	script string // prints "ok" at its end
	// fails do not work under the preset.
	fails []string
}

var presetCases = map[string]presetCase{
	"base": {
		files:  map[string]string{"a": "x"},
		script: "mkdir d && mv a d/b && [ \"$(cat d/b)\" = x ] && : >/tmp/x && echo ok",
		fails:  []string{": >~/x", ": >../x", "mkdir ~/.ssh", "cat ~/.netrc"},
	},
	"git": {
		needs: []string{"git"},
		mirror: func(m *mirror) {
			m.files["/repo.git/HEAD"] = "ref: refs/heads/main\n"
		},
		script: `export GIT_CONFIG_NOSYSTEM=1; git init -q -b main up && cd up && echo 1 >f && git add f &&
			git -c user.name=n -c user.email=e@example.com commit -qm one && git update-server-info && cd .. &&
			git clone -q up copy && [ -f copy/f ] && git ls-remote $MIRROR/none.git 2>&1 | grep -q 'not found' && git -C copy log --oneline | grep -q one && echo ok`,
		fails: []string{"git init -q x && git -C x config --global user.name y", "git ls-remote http://elsewhere.test/x.git"},
	},
	"c": {
		needs:  []string{"gcc", "make"},
		files:  map[string]string{"Makefile": "hello: hello.c\n\t$(CC) -o $@ hello.c\n", "hello.c": "#include <stdio.h>\nint main(void) { puts(\"ok\"); return 0; }\n"},
		script: "make -s && ./hello",
		fails:  []string{"cp hello.c /usr/include/x.h"},
	},
	"go": {
		needs: []string{"go"},
		files: map[string]string{"go.mod": "module example.com/app\n\ngo 1.21\n\nrequire mirror.test/lib v1.0.0\n", "app.go": "package app\n\nimport \"mirror.test/lib\"\n\nconst X = lib.X\n"},
		env:   []string{"GOSUMDB=off", "GOTOOLCHAIN=local", "GOFLAGS=-mod=mod -p=1"},
		mirror: func(m *mirror) {
			m.files["/mirror.test/lib/@v/v1.0.0.info"] = `{"Version":"v1.0.0"}`
			m.files["/mirror.test/lib/@v/v1.0.0.mod"] = "module mirror.test/lib\n"
			m.files["/mirror.test/lib/@v/v1.0.0.zip"] = archiveZip("mirror.test/lib@v1.0.0/go.mod", "module mirror.test/lib\n", "mirror.test/lib@v1.0.0/lib.go", "package lib\n\nconst X = 1\n")
		},
		script: "export GOPROXY=$MIRROR; go mod download && go build ./... && [ -d ~/go/pkg/mod/mirror.test ] && echo ok",
		fails:  []string{"GOPROXY=http://elsewhere.test go mod download mirror.test/lib@v1.0.1"},
	},
	"node": {
		needs: []string{"node", "npm"},
		files: map[string]string{"package.json": `{"name":"app","version":"1.0.0","dependencies":{"lib":"1.0.0"}}`},
		mirror: func(m *mirror) {
			tgz := archiveTar(map[string]string{"package/package.json": `{"name":"lib","version":"1.0.0"}`, "package/index.js": "module.exports = 'ok'\n"})
			m.files["/lib/-/lib-1.0.0.tgz"] = tgz
			m.files["/lib"] = fmt.Sprintf(`{"name":"lib","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"lib","version":"1.0.0","dist":{"tarball":"%s/lib/-/lib-1.0.0.tgz"}}}}`, m.url)
		},
		script: "npm install --silent --no-audit --no-fund --no-update-notifier --registry=$MIRROR && [ -d ~/.npm/_cacache ] && node -e \"console.log(require('lib'))\"",
		fails:  []string{"echo x >~/.npmrc", "node -e \"require('fs').writeFileSync(process.env.HOME+'/x','')\""},
	},
	"python": {
		needs: []string{"python3"},
		mirror: func(m *mirror) {
			const name = "lib-1.0.0-py3-none-any.whl"
			wheel := archiveZip("lib/__init__.py", "X = 'ok'\n", "lib-1.0.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: lib\nVersion: 1.0.0\n",
				"lib-1.0.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
				"lib-1.0.0.dist-info/RECORD", "lib/__init__.py,,\nlib-1.0.0.dist-info/METADATA,,\nlib-1.0.0.dist-info/WHEEL,,\nlib-1.0.0.dist-info/RECORD,,\n")
			m.files["/simple/lib/"] = fmt.Sprintf(`<a href="/files/%s#sha256=%s">%s</a>`, name, sum(wheel), name)
			m.files["/files/"+name] = wheel
		},
		script: `python3 -m pip install -q --disable-pip-version-check --no-deps --target site --index-url $MIRROR/simple --trusted-host mirror.test lib &&
			PYTHONPATH=site python3 -c 'import lib; print(lib.X)'`,
		fails: []string{"python3 -c 'open(\"/etc/shadow\")'", "echo x >~/.pypirc"},
	},
	"rust": {
		needs: []string{"cargo", "rustc"},
		// Vendored: not every cargo in use knows sparse registries.
		files: map[string]string{"Cargo.toml": "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[lib]\npath = \"lib.rs\"\n[dependencies]\nvendored = \"1\"\n",
			"lib.rs":                               "pub use vendored::X;\n",
			".cargo/config.toml":                   "[source.crates-io]\nreplace-with = \"vendor\"\n[source.vendor]\ndirectory = \"vendor\"\n",
			"vendor/vendored/Cargo.toml":           "[package]\nname = \"vendored\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[lib]\npath = \"lib.rs\"\n",
			"vendor/vendored/lib.rs":               "pub const X: u8 = 1;\n",
			"vendor/vendored/.cargo-checksum.json": `{"files":{},"package":"` + sum("vendored") + `"}`},
		script: "cargo check -q && [ -d target ] && mkdir -p ~/.cargo/registry/x ~/.cargo/git/x && echo ok",
		fails:  []string{"mkdir -p ~/.cargo/bin", "echo x >~/.cargo/config.toml"},
	},
	"agent": {
		needs:  []string{"git"},
		files:  map[string]string{".env": "KEY=1\n", "sub/.env": "KEY=1\n", "f": "x", ".git/hooks/h": "", ".git/config": ""},
		env:    []string{"OPENAI_API_KEY=mine", "GITHUB_TOKEN=secret"},
		script: `git --version >/dev/null && [ "$OPENAI_API_KEY" = mine ] && [ -z "$GITHUB_TOKEN" ] && echo y >f && sh -c 'echo ok'`,
		fails:  []string{"cat .env", "cat sub/.env", "git push", "sh -c 'git -C . push'", "npm publish", "echo x >.git/hooks/h", "echo x >.git/hooks/pre-commit"},
	},
}

// TestPresets: the real tool works under each, with nothing but a mirror on
// the loopback, and what it may not does not.
func TestPresets(t *testing.T) {
	for _, name := range policy.Presets() {
		c, ok := presetCases[name]
		if !ok {
			t.Errorf("no test of preset %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) { testPreset(t, name, c) })
	}
}

func testPreset(t *testing.T, name string, c presetCase) {
	env, missing := toolEnv(t, c.needs)
	if missing != "" {
		lacking(t, "no "+missing+" that this user can run")
	}
	home := visibleDir(t)
	dir := filepath.Join(home, "app")
	for file, text := range c.files {
		put(t, filepath.Join(dir, file), text, 0o644)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(home, ".netrc"), "machine x\n", 0o600)
	m := newMirror(t)
	if c.mirror != nil {
		c.mirror(m)
	}
	put(t, filepath.Join(home, "p.toml"), fmt.Sprintf("version = 1\nextends = [%q]\n[network]\nallowed_domains = [\"mirror.test:%s\"]\nhosts = { \"mirror.test\" = \"127.0.0.1\" }\n", name, m.port), 0o644)
	script := "set -e\n" + c.script + "\nset +e\n"
	for i, fail := range c.fails {
		script += fmt.Sprintf("( %s ) >/dev/null 2>&1 && echo 'works: %d'\n", fail, i)
	}
	cmd := exec.Command(fshBinary(t), "-m", "--policy="+home+"/p.toml", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(append(env, "HOME="+home, "MIRROR="+m.url), c.env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	timer := time.AfterFunc(3*time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	out, _ := cmd.Output()
	if string(out) != "ok\n" {
		t.Errorf("%s\n%s", out, stderr.String())
	}
	if left := tree(t, home); strings.Contains(left, "_cacache") || strings.Contains(left, "go-build/") {
		t.Errorf("a cache was left in the home:\n%s", left)
	}
}

// visibleDir is a directory that no private place hides, or writing to a home
// in it would only change a fresh one.
func visibleDir(t *testing.T) string {
	for _, parent := range []string{os.TempDir(), "/var/lib", os.Getenv("HOME"), "."} {
		parent, err := filepath.Abs(parent)
		if err != nil || strings.HasPrefix(parent+"/", "/tmp/") || strings.HasPrefix(parent+"/", "/var/tmp/") {
			continue
		}
		if dir, err := os.MkdirTemp(parent, "fsh-visible"); err == nil {
			t.Cleanup(func() {
				exec.Command("chmod", "-R", "u+w", dir).Run() // go's module cache
				os.RemoveAll(dir)
			})
			return dir
		}
	}
	t.Fatal("no writable directory but private places: set TMPDIR")
	return ""
}

// toolEnv finds programs that this user can run, whatever their home is, and
// is the environment to run them with. Stand-ins that look for the program below
// the home are passed over where there is another one.
func toolEnv(t *testing.T, needs []string) (env []string, missing string) {
	path := "/usr/local/bin:/usr/bin:/bin"
	for _, name := range needs {
		file := ""
		for _, dir := range filepath.SplitList(os.Getenv("PATH") + ":/usr/bin") {
			real, err := filepath.EvalSymlinks(filepath.Join(dir, name))
			if err == nil && !strings.Contains(real, "rustup") && !strings.Contains(real, "/.pyenv/") && !strings.Contains(real, "/.cargo/") {
				file = filepath.Join(dir, name)
				break
			}
		}
		if out, err := exec.Command("sh", "-c", "rustc --print sysroot").Output(); file == "" && err == nil {
			file = filepath.Join(strings.TrimSpace(string(out)), "bin", name)
		}
		if file == "" {
			return nil, name
		}
		path = filepath.Dir(file) + ":" + path
	}
	env = []string{"PATH=" + path, "LC_ALL=C"}
	for _, name := range needs {
		cmd := exec.Command("sh", "-c", "command -v "+name)
		cmd.Env = env
		if cmd.Run() != nil {
			return nil, name
		}
	}
	return env, ""
}
