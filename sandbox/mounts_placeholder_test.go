package sandbox

import (
	"os"
	"path/filepath"
	"testing"
)

// A session that ends while one of its views is still being made leaves no
// directory behind.
func TestPlaceholdersAfterTheEnd(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "list")
	p, err := openPlaceholders(list)
	must(t, err)
	must(t, p.make(dir+"/a/b"))
	p.tidy()
	if err := p.make(dir + "/a/c"); err == nil {
		t.Error("made after the end")
	}
	if _, err := os.Lstat(dir + "/a"); !os.IsNotExist(err) {
		t.Errorf("left behind: %v", err)
	}
	if text, err := os.ReadFile(list); err != nil || len(text) > 0 {
		t.Errorf("the list: %q %v", text, err)
	}
}
