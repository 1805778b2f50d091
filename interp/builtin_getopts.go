package interp

import "strings"

// getoptsState is the part of getopts' progress that $OPTIND does not show:
// how far inside an argument of several letters it is.
type getoptsState struct {
	offset int // of the next letter; 0 at the start of an argument
}

// getoptsResult is one step of getopts.
type getoptsResult struct {
	index   int // new OPTIND
	name    string
	arg     string
	hasArg  bool
	problem string // message, without silent mode
	done    bool
}

// step finds the next option. index is $OPTIND.
func (g *getoptsState) step(spec string, args []string, index int) getoptsResult {
	silent := strings.HasPrefix(spec, ":")
	if index < 1 {
		index = 1
	}
	if index > len(args) {
		g.offset = 0
		return getoptsResult{index: len(args) + 1, name: "?", done: true}
	}
	arg := args[index-1]
	if g.offset >= len(arg) {
		g.offset = 0
	}
	if g.offset == 0 {
		if len(arg) < 2 || arg[0] != '-' {
			return getoptsResult{index: index, name: "?", done: true}
		}
		if arg == "--" {
			return getoptsResult{index: index + 1, name: "?", done: true}
		}
		g.offset = 1
	}
	c := arg[g.offset : g.offset+1]
	g.offset++
	rest := arg[g.offset:]
	at := strings.Index(spec, c)
	if c == ":" || at < 0 {
		r := getoptsResult{index: g.advance(index, rest), name: "?"}
		if silent {
			r.arg, r.hasArg = c, true
		} else {
			r.problem = "Illegal option -" + c
		}
		return r
	}
	if at+1 == len(spec) || spec[at+1] != ':' {
		return getoptsResult{index: g.advance(index, rest), name: c}
	}
	g.offset = 0
	switch {
	case rest != "":
		return getoptsResult{index: index + 1, name: c, arg: rest, hasArg: true}
	case index < len(args):
		return getoptsResult{index: index + 2, name: c, arg: args[index], hasArg: true}
	case silent:
		return getoptsResult{index: index + 1, name: ":", arg: c, hasArg: true}
	}
	return getoptsResult{index: index + 1, name: "?", problem: "No arg for -" + c + " option"}
}

// advance returns OPTIND after a letter without argument.
func (g *getoptsState) advance(index int, rest string) int {
	if rest != "" {
		return index
	}
	g.offset = 0
	return index + 1
}
