package noauthority_test

import (
	"crypto/ecdsa"
	"testing"
	"time"

	"github.com/elazarl/goproxy"

	_ "github.com/fsh-sh/fsh/netfilter/internal/noauthority"
)

// TestGoproxyHasNoAuthority: what goproxy parsed when it was initialised is the pair
// that nobody trusts.
func TestGoproxyHasNoAuthority(t *testing.T) {
	ca := goproxy.GoproxyCa
	if _, ok := ca.PrivateKey.(*ecdsa.PrivateKey); !ok {
		t.Fatalf("the key is a %T", ca.PrivateKey)
	}
	if leaf := ca.Leaf; leaf == nil || !leaf.NotAfter.Before(time.Unix(2, 0)) || leaf.IsCA {
		t.Errorf("the certificate: %+v", leaf)
	}
}
