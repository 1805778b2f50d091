package policy_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/fsh-sh/fsh/policy"
)

// A program of one's own asks what a policy allows, and why.
func ExampleLoad() {
	dir, err := os.MkdirTemp("/var/tmp", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "policy.toml")
	text := "version = 1\n[filesystem]\nallow_write = ['/srv/data']\ndeny_write = ['/srv/data/keep']\n[command]\ndeny = ['git push']\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	rules, warnings, err := policy.Load(policy.Options{Dir: "/srv", Home: "/home/user", PolicyFile: file, SystemFile: filepath.Join(dir, "none")})
	if err != nil {
		fmt.Println(err) // a *policy.Error has a place and a hint
		return
	}
	fmt.Println("warnings:", len(warnings))
	for _, path := range []string{"/srv/data/new", "/srv/data/keep/x", "/home/user/.ssh/id"} {
		v := rules.Explain("write", path)
		fmt.Println(path, v.Allowed, v.Rule.Key, v.Rule.Value)
	}
	_, denied := rules.DeniedCommand([]string{"git", "-C", "/srv", "push"})
	fmt.Println("git push denied:", denied)
	// Output:
	// warnings: 0
	// /srv/data/new true filesystem.allow_write /srv/data
	// /srv/data/keep/x false filesystem.deny_write /srv/data/keep
	// /home/user/.ssh/id false filesystem.deny_read ~/.ssh
	// git push denied: true
}
