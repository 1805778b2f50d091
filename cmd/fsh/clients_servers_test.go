package main_test

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// internet is what the clients of TestClients talk to: servers on both
// loopback addresses, one port each, that go by names under .test.
type internet struct {
	t     *testing.T
	ports map[string]int // by the name that scripts use
	dir   string         // its files, for the clients to read

	mu    sync.Mutex
	asked map[string]int // requests by host
}

func startInternet(t *testing.T, dir string) *internet {
	in := &internet{t: t, dir: dir, ports: map[string]int{}, asked: map[string]int{}}
	cert := in.certificate("allowed.test", "six.test", "denied.test")
	in.web("WEB", nil)
	in.web("TLS", &tls.Config{Certificates: []tls.Certificate{cert}})
	in.serve("ECHO", func(c net.Conn) { io.Copy(c, c) })
	in.serve("SSH", func(c net.Conn) {
		io.WriteString(c, "SSH-2.0-test\r\n")
		bufio.NewReader(c).ReadString('\n')
	})
	in.serve("PG", postgres)
	return in
}

// listen gives both loopback addresses the same free port.
func (in *internet) listen(name string) (out []net.Listener) {
	for range 50 {
		l4, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			in.t.Fatal(err)
		}
		port := l4.Addr().(*net.TCPAddr).Port
		l6, err := net.Listen("tcp6", fmt.Sprintf("[::1]:%d", port))
		if err != nil {
			l4.Close()
			continue
		}
		in.t.Cleanup(func() { l4.Close(); l6.Close() })
		in.ports[name] = port
		return []net.Listener{l4, l6}
	}
	in.t.Fatal("no port is free on both families")
	return nil
}

func (in *internet) serve(name string, handle func(net.Conn)) {
	for _, l := range in.listen(name) {
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					c.SetDeadline(time.Now().Add(time.Minute))
					handle(c)
				}()
			}
		}()
	}
}

// postgres refuses every session with a message of its own.
func postgres(c net.Conn) {
	for {
		var size [4]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		body := make([]byte, min(binary.BigEndian.Uint32(size[:])-4, 10000))
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		if binary.BigEndian.Uint32(body) == 80877103 { // SSLRequest
			c.Write([]byte("N"))
			continue
		}
		text := "SFATAL\x00VFATAL\x00C28000\x00Mhello from postgres\x00\x00"
		c.Write(append(binary.BigEndian.AppendUint32([]byte("E"), uint32(len(text)+4)), text...))
		return
	}
}

func (in *internet) web(name string, config *tls.Config) {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello from "+hostOf(r)+"\n") })
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "took %d %v\n", n, err)
	})
	mux.Handle("/repo/", http.FileServer(http.Dir(in.dir)))
	in.npm(mux)
	in.pip(mux)
	in.gomod(mux)
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in.mu.Lock()
		in.asked[hostOf(r)]++
		in.mu.Unlock()
		mux.ServeHTTP(w, r)
	})}
	for _, l := range in.listen(name) {
		if config != nil {
			l = tls.NewListener(l, config)
		}
		go server.Serve(l)
	}
	in.t.Cleanup(func() { server.Close() })
}

func hostOf(r *http.Request) string { return strings.Split(r.Host, ":")[0] }

// certificate makes an authority, whose certificate is left in ca.pem, and one
// certificate for all names.
func (in *internet) certificate(names ...string) tls.Certificate {
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			in.t.Fatal(err)
		}
		return k
	}
	caKey, leafKey := key(), key()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter}
	caDER, err1 := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	leafDER, err2 := x509.CreateCertificate(rand.Reader, leaf, ca, &leafKey.PublicKey, caKey)
	if err1 != nil || err2 != nil {
		in.t.Fatal(err1, err2)
	}
	in.file("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}))
	return tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}
}

func (in *internet) file(name string, text []byte) {
	if err := os.WriteFile(filepath.Join(in.dir, name), text, 0o644); err != nil {
		in.t.Fatal(err)
	}
}

// gitRepository makes a repository that any web server can serve.
func (in *internet) gitRepository() {
	script := `git init -q work && cd work && echo "hello from git" >file && git add file &&
git -c user.name=t -c user.email=t@example.test commit -qm m && cd .. && git clone -q --bare work repo && git -C repo update-server-info`
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = in.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + in.dir, "GIT_CONFIG_NOSYSTEM=1"}
	if out, err := cmd.CombinedOutput(); err != nil {
		in.t.Fatalf("git: %v\n%s", err, out)
	}
}

// npm is a registry with one package.
func (in *internet) npm(mux *http.ServeMux) {
	var tgz bytes.Buffer
	z := gzip.NewWriter(&tgz)
	w := tar.NewWriter(z)
	for name, text := range map[string]string{
		"package/package.json": `{"name":"hellopkg","version":"1.0.0"}`, "package/index.js": "module.exports = 'hello from npm'\n",
	} {
		w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))})
		io.WriteString(w, text)
	}
	w.Close()
	z.Close()
	mux.HandleFunc("/npm/hellopkg", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"name":"hellopkg","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"hellopkg","version":"1.0.0",
"dist":{"tarball":"http://%s/npm/hellopkg-1.0.0.tgz"}}}}`, r.Host)
	})
	mux.HandleFunc("/npm/hellopkg-1.0.0.tgz", func(w http.ResponseWriter, _ *http.Request) { w.Write(tgz.Bytes()) })
}

func zipOf(files map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, _ := z.Create(name)
		io.WriteString(w, text)
	}
	z.Close()
	return b.Bytes()
}

// pip is an index with one package.
func (in *internet) pip(mux *http.ServeMux) {
	const info = "hellopkg-1.0.dist-info/"
	wheel := zipOf(map[string]string{
		"hellopkg.py": "print('hello from pip')\n", info + "RECORD": "",
		info + "METADATA": "Metadata-Version: 2.1\nName: hellopkg\nVersion: 1.0\n",
		info + "WHEEL":    "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
	})
	const file = "hellopkg-1.0-py3-none-any.whl"
	mux.HandleFunc("/pip/hellopkg/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<html><body><a href="/wheel/%s">%s</a></body></html>`, file, file)
	})
	mux.HandleFunc("/wheel/"+file, func(w http.ResponseWriter, _ *http.Request) { w.Write(wheel) })
}

// gomod is a module proxy with one module.
func (in *internet) gomod(mux *http.ServeMux) {
	const at = "/go/example.test/hi/@v/v1.0.0"
	for suffix, text := range map[string][]byte{
		".info": []byte(`{"Version":"v1.0.0","Time":"2020-01-01T00:00:00Z"}`),
		".mod":  []byte("module example.test/hi\n"),
		".zip":  zipOf(map[string]string{"example.test/hi@v1.0.0/go.mod": "module example.test/hi\n", "example.test/hi@v1.0.0/hi.go": "package hi\n"}),
	} {
		mux.HandleFunc(at+suffix, func(w http.ResponseWriter, _ *http.Request) { w.Write(text) })
	}
}
