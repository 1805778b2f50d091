package sandbox

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/fsh-sh/fsh/policy"
)

// Every field of a plan survives the way to the keeper, whatever is in it.
func TestPlanOnTheWire(t *testing.T) {
	odd := "/p\xffq/\xed\xa0\x80\n"
	pl := &Plan{}
	fill(reflect.ValueOf(pl).Elem(), odd)
	prefix := netip.MustParsePrefix("fd00::/8")
	pl.Reach[0].Prefix, pl.Reach[0].Except = netip.MustParsePrefix("10.0.0.0/8"), []netip.Prefix{prefix, prefix}
	rules := &policy.Policy{Home: "/home/a", Dir: "/"}
	for _, req := range []viewRequest{{Plan: pl, WantPid: 77, Policy: rules}, {Plan: &Plan{}}} {
		var e encoder
		if err := req.encode(&e); err != nil {
			t.Fatal(err)
		}
		var got viewRequest
		if err := got.decode(e.b); err != nil {
			t.Fatal(err)
		}
		got.Plan.have = req.Plan.have
		if !reflect.DeepEqual(got, req) {
			t.Errorf("got  %+v\nwant %+v", got, req)
		}
		for i := range e.b { // as any message that was cut short
			if new(viewRequest).decode(e.b[:i]) == nil {
				t.Fatalf("%d of %d bytes are taken for a request", i, len(e.b))
			}
		}
		if new(viewRequest).decode(append(e.b, 0)) == nil {
			t.Error("a request with something behind it is taken")
		}
	}
	var e encoder
	if (&viewRequest{Plan: &Plan{Read: []string{"/a\x00b"}}}).encode(&e) == nil {
		t.Error("a path with a NUL becomes another one")
	}
	a, b := policy.Policy{Dir: "/"}, policy.Policy{Dir: "/"}
	a.Filesystem.AllowWrite, b.Filesystem.AllowWrite = paths("/\xff"), paths("/\xfe")
	if a.Digest() == b.Digest() {
		t.Error("different policies have the same digest")
	}
}

// fill sets every string, number and condition below v, with one element in
// each list.
func fill(v reflect.Value, text string) {
	if v.CanSet() {
		switch v.Kind() {
		case reflect.String:
			v.SetString(text)
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int, reflect.Int64:
			v.SetInt(4711)
		case reflect.Uint16, reflect.Uint64:
			v.SetUint(4712)
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0), text)
		}
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	}
}
