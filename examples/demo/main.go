// Demo runs examples/install.sh under fsh in a throw-away home, against a
// download server on the loopback, and shows what was allowed and blocked.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	if filepath.Base(os.Args[0]) == "curl" {
		os.Exit(curl(os.Args[1:]))
	}
	fsh := flag.String("fsh", "build/fsh", "the fsh to run")
	script := flag.String("script", "examples/install.sh", "the install script")
	rules := flag.String("policy", "examples/policy.toml", "its policy")
	flag.Parse()
	if err := demo(*fsh, *script, *rules); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func demo(fsh, script, rules string) error {
	home, err := makeHome()
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	url, err := serve()
	if err != nil {
		return err
	}
	path, err := path(home)
	if err != nil {
		return err
	}
	fmt.Printf("$ fsh -m -d --policy=%s %s %s\n", rules, script, url)
	cmd := exec.Command(fsh, "-m", "-d", "--policy="+rules, script, url)
	cmd.Env = append(os.Environ(), "HOME="+home, "PATH="+path)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the install script failed: %w", err)
	}
	return report(home)
}

// makeHome makes a home directory with something to lose.
func makeHome() (string, error) {
	// Not in /tmp: that is private to the sandbox, and nothing there to lose.
	dir, err := filepath.Abs("build")
	if err != nil {
		return "", err
	}
	base, err := os.MkdirTemp(dir, "home-")
	if err != nil {
		return "", err
	}
	files := map[string]string{
		".profile":         "# an ordinary profile\n",
		".ssh/id_ed25519":  "-----BEGIN OPENSSH PRIVATE KEY-----\nnot a real key\n",
		".local/bin/.keep": "",
	}
	for name, text := range files {
		path := filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return base, nil
}

// serve starts the download server and returns its URL under the name that
// the policy pins to the loopback.
func serve() (string, error) {
	archive, err := release()
	if err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if file, ok := strings.CutSuffix(name, ".sha256"); ok {
			fmt.Fprintf(w, "%x  %s\n", sha256.Sum256(archive), file)
			return
		}
		w.Write(archive)
	})
	go func() {
		if err := http.Serve(l, handler); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "demo: server:", err)
		}
	}()
	return fmt.Sprintf("http://downloads.test:%d", l.Addr().(*net.TCPAddr).Port), nil
}

// release is the tarball: one program, bin/hello.
func release() ([]byte, error) {
	const program = "#!/bin/sh\necho 'hello: Hello, world!'\n"
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	header := &tar.Header{Name: "bin/hello", Mode: 0o755, Size: int64(len(program))}
	if err := tw.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := tw.Write([]byte(program)); err != nil {
		return nil, err
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// report shows what the script changed in the home.
func report(home string) error {
	fmt.Println("\nWhat the script left in the home:")
	profile, err := os.ReadFile(filepath.Join(home, ".profile"))
	if err != nil {
		return err
	}
	fmt.Printf("~/.profile:\n%s", strings.ReplaceAll(string(profile), home, "~"))
	_, err = os.Stat(filepath.Join(home, ".local/bin/hello"))
	if err != nil {
		return err
	}
	fmt.Println("~/.local/bin/hello: installed")
	return nil
}
