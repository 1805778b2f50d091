package interp

import (
	"strconv"
	"strings"
)

func runGetopts(sh *shell, args []string) int {
	if len(args) > 1 && args[1] == "--" {
		args = append([]string{args[0]}, args[2:]...)
	}
	if len(args) > 1 && isOption(args[1]) && sh.bash() {
		return sh.badOption(args[0], args[1][:2])
	}
	if len(args) < 3 {
		return sh.usageError(args[0])
	}
	operands := sh.params
	if len(args) > 3 {
		operands = args[3:]
	}
	index, err := strconv.Atoi(sh.getOr("OPTIND", "1"))
	if err != nil {
		index = 1
	}
	r := sh.getopts.step(args[1], operands, index)
	if err := sh.finishGetopts(args[2], r); err != nil {
		sh.assignFailed(args[0], err)
		return sh.badNumber()
	}
	if r.problem != "" && sh.getOr("OPTERR", "1") != "0" {
		sh.write(2, []byte(sh.getoptsText(r.problem)))
	}
	if r.done {
		return 1
	}
	return 0
}

// getoptsText is the message that users of a script see, so in bash it begins
// with the script's name; dash has none before it.
func (sh *shell) getoptsText(problem string) string {
	if !sh.bash() {
		return problem + "\n"
	}
	problem = strings.Replace(problem, "Illegal option -", "illegal option -- ", 1)
	if letter, ok := strings.CutPrefix(problem, "No arg for -"); ok {
		problem = "option requires an argument -- " + letter[:1]
	}
	return sh.name + ": " + problem + "\n"
}

// finishGetopts assigns name, OPTARG and OPTIND.
func (sh *shell) finishGetopts(name string, r getoptsResult) error {
	offset := sh.getopts.offset
	if text := strconv.Itoa(r.index); sh.getOr("OPTIND", "") != text {
		if err := sh.setVar("OPTIND", text); err != nil {
			return err
		}
	}
	sh.getopts.offset = offset // the assignment above reset it
	if r.hasArg {
		if err := sh.setVar("OPTARG", r.arg); err != nil && sh.bash() {
			sh.errorf("%s", err) // bash goes on
		} else if err != nil {
			return err
		}
	} else if err := sh.unsetVar("OPTARG"); err != nil {
		return err
	}
	if !validName(name) {
		if sh.bash() {
			return &nameError{"`" + name + "'", "not a valid identifier"}
		}
		return &nameError{name, "bad variable name"}
	}
	return sh.setVar(name, r.name)
}

// optindChanged is called after every assignment to OPTIND, which makes
// getopts start at the beginning of an argument again.
func (sh *shell) optindChanged() { sh.getopts.offset = 0 }
