package interp

import (
	"fmt"
	"testing"

	"github.com/fsh-sh/fsh/interp/internal/difftest"
)

// compareRows runs each row in fsh and in a reference shell: output and status
// have to be the same. Messages are left out.
func compareRows(t *testing.T, reference string, rows []string) {
	if testing.Short() {
		t.Skip("starts two shells per row")
	}
	shell, fsh := difftest.Shell(t, reference), difftest.Fsh(t)
	for i, script := range rows {
		t.Run(fmt.Sprint(reference, i), func(t *testing.T) {
			t.Parallel()
			want := difftest.Run(t, difftest.Case{Shell: shell, Script: script})
			got := difftest.Run(t, difftest.Case{Shell: fsh, Dialect: reference, Script: script})
			if got.Out != want.Out || got.State != want.State {
				t.Errorf("%s\n got: %q (%s)\nwant: %q (%s)", script, got.Out, got.State, want.Out, want.State)
			}
		})
	}
}

func TestBuiltinsLikeDash(t *testing.T) {
	compareRows(t, "dash", builtinRows)
	compareRows(t, "dash", builtinContextRows)
	compareRows(t, "dash", dashRows)
}

func TestBuiltinsLikeBash(t *testing.T) {
	compareRows(t, "bash", builtinRows)
	compareRows(t, "bash", builtinContextRows)
	compareRows(t, "bash", bashRows)
	compareRows(t, "bash", bashContextRows)
	compareRows(t, "bash", bashProbes)
	compareRows(t, "bash", bashLanguageRows)
	compareRows(t, "bash", bashCompleteRows)
	compareRows(t, "bash", bashDetails)
	compareRows(t, "bash", bashCoprocRows)
	compareRows(t, "bash", bashScopeRows)
	compareRows(t, "bash", bashScriptRows)
	compareRows(t, "bash", bashNamerefRows)
	compareRows(t, "bash", bashTrapRows)
	compareRows(t, "bash", bashHistoryRows)
	compareRows(t, "bash", bashFailureRows)
	compareRows(t, "bash", bashHuntedRows)
	compareRows(t, "bash", bashMessageRows)
	compareRows(t, "bash", bashJobRows)
}
