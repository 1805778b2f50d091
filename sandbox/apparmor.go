package sandbox

import (
	"os"
	"strings"
)

// apparmorLabel is where AppArmor tells what confines a process, apparmor(7).
const apparmorLabel = "/proc/self/attr/apparmor/current"

// confiningProfile is the AppArmor profile that may refuse this process something,
// "" if there is none.
func confiningProfile() string {
	text, err := os.ReadFile(apparmorLabel)
	if err != nil {
		return ""
	}
	return confiningLabel(string(text))
}

// confiningLabel takes a label, "name (mode)", apart: in some modes nothing is
// refused, aa_getcon(2).
func confiningLabel(label string) string {
	label = strings.Trim(label, "\n\x00")
	name, mode, ok := strings.Cut(label, " (")
	if !ok || mode == "unconfined)" || mode == "complain)" {
		return ""
	}
	return name
}
