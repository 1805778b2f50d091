package interp

import (
	"sort"
	"strings"

	"github.com/fsh-sh/fsh/interp/parse"
	"mvdan.cc/sh/v3/syntax"
)

// Exported functions travel as variables of these names, as in bash.
const (
	functionPrefix = "BASH_FUNC_"
	functionSuffix = "%%"
)

func functionEntry(name string) (fn string, ok bool) {
	if !strings.HasPrefix(name, functionPrefix) || !strings.HasSuffix(name, functionSuffix) {
		return "", false
	}
	return name[len(functionPrefix) : len(name)-len(functionSuffix)], true
}

// importFunction defines a function from the environment. The value has to
// be one function definition and nothing else: bash once ran what followed.
func (sh *shell) importFunction(name, value string) {
	if !strings.HasPrefix(value, "() ") || strings.ContainsAny(name, "/= \t\n;&|<>()$`\\\"'") || name == "" {
		return
	}
	p := parse.New(parse.String(name+" "+value), parse.Options{Name: name, Bash: true})
	stmts, err := p.Next()
	if err != nil || len(stmts) != 1 {
		return
	}
	s := stmts[0]
	d, ok := s.Cmd.(*syntax.FuncDecl)
	if !ok || d.Name == nil || d.Name.Value != name || s.Background || s.Negated || len(s.Redirs) > 0 {
		return
	}
	if more, _ := p.Next(); more != nil {
		return
	}
	c := &compiler{file: "environment"}
	fn := &function{
		name: name, body: c.stmt(d.Body), file: "environment", exported: true,
		decl: d,
	}
	if c.err == nil {
		sh.funcs.set(name, fn)
	}
}

func (sh *shell) appendFunctions(env []string) []string {
	first := len(env)
	sh.funcs.each(func(name string, fn *function) {
		if fn != nil && fn.exported {
			env = append(env, functionPrefix+name+functionSuffix+"="+exportedText(fn.decl))
		}
	})
	sort.Sort(sort.Reverse(sort.StringSlice(env[first:])))
	return env
}
