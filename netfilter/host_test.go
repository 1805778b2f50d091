package netfilter

import (
	"strings"
	"testing"
)

func TestParseHost(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, tt := range []struct{ in, want string }{ // want "": refused
		{"example.com", "example.com"},
		{"EXAMPLE.Com", "example.com"},
		{"example.com.", "example.com"},
		{"example.com..", ""},
		{".example.com", ""},
		{"a..b", ""},
		{".", ""},
		{"", ""},
		{"bücher.example", "xn--bcher-kva.example"},
		{"BÜCHER.example", "xn--bcher-kva.example"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"xn--a.example", ""}, // not valid punycode
		{"ｅｘａｍｐｌｅ。ｃｏｍ", "example.com"},
		{"１２７．０．０．１", "127.0.0.1"},
		{"faß.de", "xn--fa-hia.de"},
		{"_dmarc.example.com", "_dmarc.example.com"},
		{"r3---sn-4g5e.example.com", "r3---sn-4g5e.example.com"},
		{long + ".com", long + ".com"},
		{long + "a.com", ""},
		{strings.Repeat(long+".", 4) + "com", ""},
		// What a C program, a URL parser and we might read differently.
		{"evil.test\x00.good.test", ""},
		{"good.test\r\nHost: evil.test", ""},
		{"good.test\n", ""},
		{"good test", ""},
		{" good.test", ""},
		{"good.test\t", ""},
		{"user@good.test", ""},
		{"good.test@evil.test", ""},
		{"good.test/evil", ""},
		{"good.test#evil", ""},
		{"good.test?evil", ""},
		{"good.test\\evil", ""},
		{"good.test%2eevil", ""},
		{"good.test:80", ""},
		{"good.test\u2100evil", ""}, // maps to a/c
		{"*.good.test", ""},
		{"good.test;evil", ""},
		// Addresses in every form of inet_aton.
		{"127.0.0.1", "127.0.0.1"},
		{"127.0.0.1.", "127.0.0.1"},
		{"2130706433", "127.0.0.1"},
		{"0x7f000001", "127.0.0.1"},
		{"0X7F000001", "127.0.0.1"},
		{"017700000001", "127.0.0.1"},
		{"0177.0.0.01", "127.0.0.1"},
		{"0x7f.1", "127.0.0.1"},
		{"127.1", "127.0.0.1"},
		{"127.0.1", "127.0.0.1"},
		{"10.0.513", "10.0.2.1"},
		{"0", "0.0.0.0"},
		{"0x", "0.0.0.0"},
		{"256.1.1.1", ""},
		{"1.2.3.4.5", ""},
		{"4294967296", ""},
		{"1.2.3.256", ""},
		{"09.1.1.1", ""},
		{"example.1", ""},
		{"example.0x1", ""},
		{"1.2.3.4a", "1.2.3.4a"},
		{"1.example", "1.example"},
		{"::1", "::1"},
		{"[::1]", "::1"},
		{"[::1", ""},
		{"::1]", ""},
		{"[127.0.0.1]", ""},
		{"[good.test]", ""},
		{"::ffff:127.0.0.1", "127.0.0.1"},
		{"[::ffff:7f00:1]", "127.0.0.1"},
		{"0:0:0:0:0:FFFF:127.0.0.1", "127.0.0.1"},
		{"fe80::1%eth0", ""},
		{"[fe80::1%25eth0]", ""},
		{"2001:DB8::1", "2001:db8::1"},
		{"1:2:3", ""},
	} {
		h, err := ParseHost(tt.in)
		if got := h.String(); tt.want == "" && err == nil || tt.want != "" && (err != nil || got != tt.want) {
			t.Errorf("ParseHost(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestParseTarget(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"a.test:443", "a.test:443"},
		{"[::1]:443", "[::1]:443"},
		{"127.1:1", "127.0.0.1:1"},
		{"a.test", ""},
		{"a.test:", ""},
		{"a.test:0", ""},
		{"a.test:65536", ""},
		{"a.test:+80", ""},
		{"a.test:080", ""},
		{"a.test:80:80", ""},
		{"[a.test]:80", ""},
		{"::1:80", ""},
		{":80", ""},
		{"a.test\x00:80", ""},
	} {
		got, err := ParseTarget(tt.in)
		if tt.want == "" && err == nil || tt.want != "" && (err != nil || got.String() != tt.want) {
			t.Errorf("ParseTarget(%q) = %v, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func FuzzParseHost(f *testing.F) {
	for _, s := range []string{"example.com.", "bücher.example", "0x7f.1", "[::ffff:1.2.3.4]", "a\x00b", "xn--a", "1.2.3.4.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHost(s)
		if err != nil {
			if !h.IsZero() {
				t.Errorf("%q: host with an error", s)
			}
			return
		}
		again, err := ParseHost(h.String())
		if err != nil || again != h {
			t.Errorf("%q: canonical form %q reads as %v, %v", s, h, again, err)
		}
		if _, isAddr := h.Addr(); !isAddr && (checkName(h.Name()) != "" || endsInNumber(h.Name())) {
			t.Errorf("%q: name %q is not canonical", s, h.Name())
		}
	})
}
