package interp

import (
	"slices"
	"strconv"
)

// argumentStack is BASH_ARGC and BASH_ARGV: the arguments of the functions
// and files being run, innermost last. It is kept while extdebug is on.
type argumentStack [][]string

// beginArguments starts the stack, with those of the script.
func (sh *shell) beginArguments() {
	if sh.arguments == nil {
		sh.arguments = argumentStack{slices.Clone(sh.params)}
	}
}

// pushArguments notes the arguments of a call; drop ends it.
func (sh *shell) pushArguments(args []string) (drop func()) {
	if !sh.shopts.on(shoptExtdebug) {
		return func() {}
	}
	outer := sh.arguments
	sh.arguments = append(outer[:len(outer):len(outer)], slices.Clone(args))
	return func() { sh.arguments = outer }
}

// array is the value of one of the variables: the last argument comes first.
func (s argumentStack) array(name string) *indexedArray {
	a := &indexedArray{}
	for _, args := range slices.Backward(s) {
		if name == "BASH_ARGC" {
			a.set(a.next(), strconv.Itoa(len(args)))
			continue
		}
		for _, arg := range slices.Backward(args) {
			a.set(a.next(), arg)
		}
	}
	return a
}
