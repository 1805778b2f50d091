package interp

// A builtin is a command that the shell runs itself. It gets its own name as
// args[0], reads and writes the shell's virtual descriptors (sh.write,
// sh.readFD) and returns its exit status. Control flow (exit, return, break)
// is left in sh.jump.
type builtin struct {
	name string
	// special marks the builtins of XCU 2.15: found before functions, their
	// prefix assignments persist and their errors end a script.
	special bool
	// own is a command of the program itself, found before functions.
	own bool
	// alias marks another name of a special builtin that is none itself.
	alias bool
	run   func(sh *shell, args []string) int
	usage string
}

// builtinFamilies are all builtins there are. It is a function, not a
// variable, because builtins such as `command` look others up.
func builtinFamilies() [][]builtin {
	return [][]builtin{
		flowBuiltins, sourceBuiltins, variableBuiltins, trapBuiltins,
		jobBuiltins, directoryBuiltins,
		ioBuiltins, historyBuiltins, processBuiltins, nameBuiltins, stackBuiltins, completeBuiltins,
	}
}

// addBuiltins adds a family that not every dialect has.
func (rt *runtime) addBuiltins(family []builtin) {
	for i := range family {
		rt.builtins[family[i].name] = &family[i]
	}
}

func indexBuiltins() map[string]*builtin {
	index := make(map[string]*builtin, 64)
	for _, family := range builtinFamilies() {
		for i := range family {
			index[family[i].name] = &family[i]
		}
	}
	return index
}
