package sandbox

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/fsh-sh/fsh/policy"
)

// Every string of a plan survives the way to the keeper, whatever its bytes.
func TestPlanOnTheWire(t *testing.T) {
	odd := "/p\xffq/\xed\xa0\x80\n"
	pl := &Plan{}
	fillStrings(reflect.ValueOf(pl).Elem(), odd)
	text, err := json.Marshal(pl.translate(wirePath))
	if err != nil {
		t.Fatal(err)
	}
	var got Plan
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	got = *got.translate(fromWirePath)
	for i := range got.Limits { // names of fsh's own
		got.Limits[i].Name = odd
	}
	got.Net, got.Steps[0].Op = odd, Op(odd)
	got.Reach, got.Net = pl.Reach, pl.Net // hosts are ASCII
	got.Steps[0].Op = pl.Steps[0].Op
	if got.have = pl.have; !reflect.DeepEqual(&got, pl) {
		t.Errorf("got  %q\nwant %q", &got, pl)
	}
	a, b := policy.Policy{Dir: "/"}, policy.Policy{Dir: "/"}
	a.Filesystem.AllowWrite, b.Filesystem.AllowWrite = paths("/\xff"), paths("/\xfe")
	if a.Digest() == b.Digest() {
		t.Error("different policies have the same digest")
	}
}

// fillStrings sets every string below v, with one element in each list.
func fillStrings(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(s)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fillStrings(v.Field(i), s)
		}
	case reflect.Slice:
		if v.CanSet() {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fillStrings(v.Index(0), s)
		}
	}
}
