package policy

import "testing"

func BenchmarkLoad(b *testing.B) {
	w := newWorld(b, map[string]string{"user": "filesystem.allow_write = ['.']\nnetwork.allowed_domains = ['a.test']\n"})
	for b.Loop() {
		if _, _, err := Load(w.opts); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWhy(b *testing.B) {
	w := newWorld(b, nil)
	p, _ := w.load()
	for b.Loop() {
		p.Why("write", w.proj+"/src/main.c")
	}
}
