package interp

import "errors"

// optionError is an option that a builtin does not have, or that lacks its
// argument.
type optionError struct {
	option  string // "-x"
	lacking bool   // it is there, its argument is not
}

func (e *optionError) Error() string {
	if e.lacking {
		return "No arg for " + e.option + " option"
	}
	return "Illegal option " + e.option
}

// badCallStatus is the status of a builtin that was called wrongly. bash
// keeps 2 for unknown options.
func (sh *shell) badCallStatus(err error) int {
	var option *optionError
	if sh.bash() && !errors.As(err, &option) {
		return 1
	}
	return 2
}

// badCall reports what is wrong with the options of a builtin. bash adds how
// the builtin is to be called, on a line that names no script.
func (sh *shell) badCall(name string, err error) int {
	status := sh.badCallStatus(err)
	var o *optionError
	if !sh.rt.bash || !errors.As(err, &o) {
		return sh.builtinFailed(status, "%s: %s", name, err)
	}
	what := "invalid option"
	if o.lacking {
		what = "option requires an argument"
	}
	sh.errorf("%s: %s: %s", name, o.option, what)
	return sh.usageError(name)
}

// badOption is badCall for an option that does not exist.
func (sh *shell) badOption(name, option string) int {
	return sh.badCall(name, &optionError{option: option})
}

// usageError reports a wrong call.
func (sh *shell) usageError(name string) int {
	text := "usage error"
	if b := sh.rt.builtins[name]; b != nil && b.usage != "" {
		text = "usage: " + b.usage
	}
	if !sh.rt.bash {
		sh.errorf("%s: %s", name, text)
		return 2
	}
	sh.write(2, []byte(name+": "+text+"\n"))
	if sh.special && !sh.bash() && !sh.prompting() {
		sh.jump = flowExit
	}
	return 2
}
