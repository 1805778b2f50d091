package policy

import (
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
