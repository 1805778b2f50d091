// Package completions holds what completes fsh's own command line in other
// shells.
package completions

import "embed"

//go:embed fsh.bash _fsh fsh.fish
var scripts embed.FS

// Script is the text to load into "bash", "zsh" or "fish".
func Script(shell string) (string, bool) {
	name, ok := map[string]string{"bash": "fsh.bash", "zsh": "_fsh", "fish": "fsh.fish"}[shell]
	if !ok {
		return "", false
	}
	text, err := scripts.ReadFile(name)
	return string(text), err == nil
}
