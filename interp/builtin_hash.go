package interp

import (
	"fmt"
	"sort"
	"strings"
)

// hashCall is a parsed hash command.
type hashCall struct {
	reset  bool   // -r
	delete bool   // -d
	print  bool   // -t
	reuse  bool   // -l
	path   string // -p
}

func runHash(sh *shell, args []string) int {
	var c hashCall
	opts := optionScanner{args: args[1:], spec: "rdtlvp:"} // -v of dash
	if sh.bash() {
		opts.spec = "rdtlp:"
	}
	if sh.bash() && !sh.opts.on(optHashall) {
		sh.errorf("%s: hashing disabled", args[0])
		return 1
	}
	for opts.next() {
		switch opts.letter {
		case 'r':
			c.reset = true
		case 'd':
			c.delete = true
		case 't':
			c.print = true
		case 'l':
			c.reuse = true
		case 'p':
			c.path = opts.value
		}
	}
	if opts.err != nil {
		return sh.badCall(args[0], opts.err)
	}
	if c.reset {
		sh.hashed = table[string]{}
	}
	if !sh.mayHash(&c, args[0]) {
		return 1
	}
	names := opts.rest()
	if len(names) == 0 {
		return sh.hashNothing(&c, args[0])
	}
	out, status := sh.scratch[:0], 0
	for _, name := range names {
		line, ok := sh.hashName(&c, name)
		if !ok {
			sh.errorf("%s: %s: not found", args[0], name)
			status = 1
		} else if line != "" && len(names) > 1 {
			line = name + "\t" + line
		}
		out = append(out, line...)
	}
	return max(status, sh.emit(args[0], out))
}

// mayHash checks the path of -p, which a restricted shell looks up itself.
func (sh *shell) mayHash(c *hashCall, name string) bool {
	switch {
	case sh.mayNotName(name, c.path):
		return false
	case c.path == "":
		return true
	case sh.isDirectory(c.path):
		sh.errorf("%s: %s: Is a directory", name, c.path)
		return false
	case !sh.opts.on(optRestricted):
		return true
	}
	found, err := sh.searchPath(c.path, sh.path())
	if err != nil {
		sh.errorf("%s: %s: not found", name, c.path)
		return false
	}
	c.path = found
	return true
}

// hashNothing is hash without operands.
func (sh *shell) hashNothing(c *hashCall, name string) int {
	switch {
	case sh.bash() && (c.print || c.delete):
		letter := "t"
		if c.delete {
			letter = "d"
		}
		sh.errorf("%s: -%s: option requires an argument", name, letter)
		return 1
	case c.reset:
		return 0
	}
	return sh.emit(name, sh.appendHashed(sh.scratch[:0], c.reuse))
}

// hashName applies one operand and returns what to print.
func (sh *shell) hashName(c *hashCall, name string) (line string, ok bool) {
	known, isKnown := sh.hashed.get(name)
	isKnown = isKnown && known != ""
	switch {
	case c.path != "":
		sh.hashed.set(name, c.path)
		sh.hit(name, -sh.hits[name])
	case c.delete:
		sh.hashed.set(name, "")
		return "", isKnown
	case c.print && isKnown && c.reuse:
		return "builtin hash -p " + quoteForShell(known) + " " + name + "\n", true
	case c.print && isKnown:
		sh.hit(name, 1)
		return known + "\n", true
	case c.print:
		return "", false
	case strings.Contains(name, "/"):
		return "", sh.bash() || sh.executable(name)
	case sh.builtin(name) != nil:
		return "", true
	default:
		if f, _ := sh.funcs.get(name); f != nil {
			return "", true
		}
		sh.hashed.set(name, "")
		found := sh.fileMeanings(name, lookupKinds{onlyFiles: true})
		if len(found) == 0 {
			return "", false
		}
		sh.hashed.set(name, found[0].text)
		sh.hit(name, -sh.hits[name])
	}
	return "", true
}

// hit counts a use of a remembered command, which bash shows.
func (sh *shell) hit(name string, by int) {
	if !sh.rt.bash || by == 0 {
		return
	}
	if sh.hits == nil || sh.hitsShared {
		hits := make(map[string]int, len(sh.hits)+1)
		for k, n := range sh.hits {
			hits[k] = n
		}
		sh.hits, sh.hitsShared = hits, false
	}
	sh.hits[name] += by
}

// hashBuckets is the size of the table in whose order bash lists commands.
const hashBuckets = 256

// appendHashed prints the remembered commands.
func (sh *shell) appendHashed(dst []byte, reuse bool) []byte {
	var names []string
	sh.hashed.each(func(name, path string) {
		if path != "" {
			names = append(names, name)
		}
	})
	sort.Strings(names)
	if sh.bash() {
		sort.SliceStable(names, func(i, j int) bool {
			return assocHash(names[i])%hashBuckets < assocHash(names[j])%hashBuckets
		})
	}
	switch {
	case !sh.bash() || reuse:
	case len(names) == 0:
		return append(dst, "hash: hash table empty\n"...)
	default:
		dst = append(dst, "hits\tcommand\n"...)
	}
	for _, name := range names {
		path, _ := sh.hashed.get(name)
		switch {
		case reuse:
			dst = fmt.Appendf(dst, "builtin hash -p %s %s\n", quoteForShell(path), name)
		case sh.bash():
			dst = fmt.Appendf(dst, "%4d\t%s\n", sh.hits[name], path)
		default:
			dst = append(append(dst, path...), '\n')
		}
	}
	return dst
}
