package main

import (
	"crypto/sha256"
	"testing"
)

// TestCheckSum: a script that was replaced after its policy was read is not run.
func TestCheckSum(t *testing.T) {
	sum := sha256.Sum256([]byte("as it was"))
	for text, in := range map[string]*invocation{"as it was": {sum: sum[:]}, "without a policy": {}} {
		if err := in.checkSum(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := (&invocation{sum: sum[:]}).checkSum("another"); err == nil {
		t.Error("another text passes")
	}
}
