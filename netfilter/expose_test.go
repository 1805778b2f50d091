package netfilter

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/fsh-sh/fsh/policy"
)

func TestExposedAt(t *testing.T) {
	for list, want := range map[string]string{
		`[]`:                           `[]`,
		`[80]`:                         `[127.0.0.1:80 [::1]:80]`,
		`[80, "127.0.0.1:80", 81]`:     `[127.0.0.1:80 [::1]:80 127.0.0.1:81 [::1]:81]`,
		`[80, "0.0.0.0:80"]`:           `[[::1]:80 0.0.0.0:80]`,
		`["[::]:80", 80, "0.0.0.0:1"]`: `[[::]:80 127.0.0.1:80 0.0.0.0:1]`,
		`["192.0.2.1:80", "[::]:80", "0.0.0.0:80", "0.0.0.0:80"]`: `[[::]:80 0.0.0.0:80]`,
	} {
		var entries []policy.Exposed
		if err := json.Unmarshal([]byte(list), &entries); err != nil {
			t.Fatal(list, err)
		}
		if got := fmt.Sprint(exposedAt(entries)); got != want {
			t.Errorf("%s: %s, want %s", list, got, want)
		}
	}
}
