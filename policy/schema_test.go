package policy

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSchemaIsCurrent: FSH_UPDATE=1 writes it.
func TestSchemaIsCurrent(t *testing.T) {
	want, err := makeSchema()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("FSH_UPDATE") != "" {
		if err := os.WriteFile("policy.schema.json", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, Schema()); diff != "" {
		t.Errorf("run FSH_UPDATE=1 go test ./policy -run Schema:\n%s", diff)
	}
}

// TestFormHasTheKeysOfTheDecoder in both directions, each with a text.
func TestFormHasTheKeysOfTheDecoder(t *testing.T) {
	want := []string{"directory", "extends", "program", "version"}
	for table, keys := range tables {
		want = append(want, table)
		for key := range keys {
			want = append(want, table+"."+key)
		}
	}
	slices.Sort(want)
	var got []string
	for _, k := range Keys() {
		got = append(got, k.Key)
		if !strings.HasSuffix(k.Doc, ".") {
			t.Errorf("%s: %q is no sentence", k.Key, k.Doc)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// reference is docs/policy.md: every key, from the types that the schema is made
// of, with the built-in values that no file shows.
func reference() string {
	var b strings.Builder
	b.WriteString("# Keys of a policy\n\nMade from the types of package policy: `FSH_UPDATE=1 go test ./policy -run Reference`.\n" +
		"`fsh policy explain [KEY]` says the same. Lists of all files are joined; a denial beats\n" +
		"what allows; of `true` and `false`, `false` wins, of limits the least, of `hosts` and\n" +
		"`set` the innermost: defaults, `/etc/fsh/policy.toml` (a ceiling), the user's file, the\n" +
		"`.fsh.toml` of each directory from the outermost on, a script's `#:` lines, options.\n")
	for _, k := range Keys() {
		if _, table := tables[k.Key]; table {
			fmt.Fprintf(&b, "\n## [%s]\n\n%s\n", k.Key, k.Doc)
			continue
		}
		if !strings.Contains(k.Key, ".") {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n", k.Key, k.Doc)
			continue
		}
		fmt.Fprintf(&b, "\n`%s`: %s\n", k.Key, k.Doc)
	}
	fmt.Fprintf(&b, "\n## Presets\n\n`%s`: names for `extends`.\n", strings.Join(Presets(), "`, `"))
	return b.String()
}

// TestReferenceIsCurrent: FSH_UPDATE=1 writes it.
func TestReferenceIsCurrent(t *testing.T) {
	const file = "../docs/policy.md"
	if os.Getenv("FSH_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(reference(), string(got)); diff != "" {
		t.Errorf("run FSH_UPDATE=1 go test ./policy -run Reference:\n%s", diff)
	}
}
