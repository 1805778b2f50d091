package parse

import "strings"

// keyword is a reserved word. Those from kwThen on cannot start a command.
type keyword uint8

const (
	kwNone keyword = iota
	kwBang
	kwBrace
	kwCase
	kwFor
	kwIf
	kwUntil
	kwWhile
	kwDblBrack
	kwFunction
	kwSelect
	kwTime
	kwCoproc

	kwThen
	kwElif
	kwElse
	kwFi
	kwDo
	kwDone
	kwEsac
	kwEndBrace
	kwIn // of for and case, which look at the text
)

func lookupKeyword(s string, bash bool) keyword {
	switch s {
	case "!":
		return kwBang
	case "{":
		return kwBrace
	case "}":
		return kwEndBrace
	case "case":
		return kwCase
	case "do":
		return kwDo
	case "done":
		return kwDone
	case "elif":
		return kwElif
	case "else":
		return kwElse
	case "esac":
		return kwEsac
	case "fi":
		return kwFi
	case "for":
		return kwFor
	case "if":
		return kwIf
	case "then":
		return kwThen
	case "until":
		return kwUntil
	case "while":
		return kwWhile
	}
	// XCU 2.4 leaves the rest to the shell.
	switch {
	case s == "[[":
		return kwDblBrack
	case s == "function":
		return kwFunction
	case s == "select":
		return kwSelect
	case s == "time":
		return kwTime
	case s == "in" && !bash: // a name of commands in bash
		return kwIn
	case s == "coproc" && bash:
		return kwCoproc
	}
	return kwNone
}

// commandWord looks at the word where a command may start: it expands aliases
// and sets p.kw and p.kwEnd.
func (p *Parser) commandWord() {
	for p.kwAt != p.i {
		p.kw, p.kwAt = kwNone, p.i
		p.aliasNext = false
		if p.tok != tWord {
			return
		}
		lit, end := p.litAhead()
		if lit == "" {
			return
		}
		if len(lit) <= len("function") {
			p.kw, p.kwEnd = lookupKeyword(lit, p.opt.Bash), end
		}
		if p.kw != kwNone || !p.alias(lit, end) {
			return
		}
	}
}

// alias expands the alias of the word up to end, if there is one, and reads
// the first token of its text.
func (p *Parser) alias(lit string, end int) bool {
	if p.opt.Aliases == nil || p.inAlias(lit) {
		return false
	}
	text, ok := p.opt.Aliases(lit)
	if !ok || strings.IndexByte(text, 0) >= 0 {
		return false
	}
	pos := p.pos()
	if len(p.stack) > maxDepth {
		p.tooDeep()
	}
	p.advance(end)
	p.push(input{src: text, line: p.line, lineOff: p.lineOff, kind: aliasInput, alias: lit, fixed: pos, isFixed: true})
	p.next()
	return true
}

// inAlias reports whether the alias is being expanded.
func (p *Parser) inAlias(name string) bool {
	for in, i := &p.input, len(p.stack)-1; in.kind == aliasInput; i-- {
		if in.alias == name {
			return true
		}
		in = &p.stack[i]
	}
	return false
}

// takeKeyword consumes the reserved word p.kw and reads the next token.
func (p *Parser) takeKeyword() {
	p.advance(p.kwEnd)
	p.next()
}

// want consumes the given reserved word, where a command could start.
func (p *Parser) want(kw keyword, text string) {
	p.commandWord()
	if p.tok != tWord || p.kw != kw {
		p.unexpected(text)
	}
	p.takeKeyword()
}
