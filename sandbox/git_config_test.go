package sandbox

import (
	"fmt"
	"testing"
)

// TestConfigOrders: settings that make git run something are found however
// they are written, and harmless ones of the same sections are not.
func TestConfigOrders(t *testing.T) {
	for text, want := range map[string]string{
		"[core]\n\tfsmonitor = /x":                  "[{core.fsmonitor /x}]",
		"[core] fsmonitor = false":                  "[]",
		"[filter \"a]b\"] clean = \"x y\"":          "[{filter.clean x y}]",
		"[alias]\n\tst = !x":                        "[{alias.st !x}]",
		"[sendemail \"work\"]\n\tsmtpServer = /x":   "[{sendemail.smtpserver /x}]",
		"[sendemail]\n\ttoCmd = x\n\tto = a@b.test": "[{sendemail.tocmd x}]",
		"[sendemail]\n\tsendmailCmd = x":            "[{sendemail.sendmailcmd x}]",
		"[imap]\n\ttunnel = x\n\thost = h.test":     "[{imap.tunnel x}]",
		"[instaweb]\n\thttpd = x\n\tport = 1":       "[{instaweb.httpd x}]",
		"[init]\n\ttemplateDir = /x":                "[{init.templatedir /x}]",
		"[init]\n\tdefaultBranch = main":            "[]",
		"[user]\n\tname = n\n[remote \"o\"]\n\turl = https://h.test/r\n\tfetch = +refs/heads/*:refs/remotes/o/*": "[]",
	} {
		if got := fmt.Sprint(configOrders(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
