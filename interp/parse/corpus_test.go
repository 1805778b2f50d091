package parse

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/fsh-sh/fsh/interp/internal/difftest"
)

type script struct {
	path string
	bash bool
	text []byte
}

// corpus finds the shell scripts of this system, once per test binary.
var corpus = sync.OnceValue(func() []script {
	var found []script
	roots := []string{"/bin", "/etc", "/lib", "/opt", "/sbin", "/usr", "/var/lib/dpkg/info", "../../build/sources"}
	for _, root := range roots {
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil
			}
			if !mayBeScript(d.Name()) {
				return nil
			}
			if s, ok := readScript(path); ok {
				found = append(found, s)
			}
			return nil
		})
	}
	return found
})

// mayBeScript saves opening every file of the system.
func mayBeScript(name string) bool {
	switch filepath.Ext(name) {
	case "", ".sh", ".bash", ".preinst", ".postinst", ".prerm", ".postrm", ".config":
		return true
	}
	return false
}

func readScript(path string) (script, bool) {
	f, err := os.Open(path)
	if err != nil {
		return script{}, false
	}
	defer f.Close()
	var head [64]byte
	n, _ := f.Read(head[:])
	line, _, _ := bytes.Cut(head[:n], []byte("\n"))
	if !bytes.HasPrefix(line, []byte("#!")) {
		return script{}, false
	}
	bash := bytes.Contains(line, []byte("bash"))
	if !bash && !bytes.Contains(line, []byte("/sh")) && !bytes.Contains(line, []byte("dash")) {
		return script{}, false
	}
	text, err := os.ReadFile(path)
	const huge = 4 << 20
	return script{path, bash, text}, err == nil && len(text) < huge
}

// wantCorpus is how many real scripts the parsers have to agree on at least.
const wantCorpus = 300

// needCorpus skips the test on systems without enough scripts to tell.
func needCorpus(t *testing.T) []script {
	t.Helper()
	scripts := corpus()
	if len(scripts) < wantCorpus {
		difftest.Lacks(t, "only %d shell scripts on this system, want %d", len(scripts), wantCorpus)
	}
	return scripts
}
