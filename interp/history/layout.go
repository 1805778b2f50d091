package history

import (
	"slices"
	"strings"
)

// Layout follows the lines of one command, to tell how the next one is joined
// to those before. It reads as much of the grammar as that takes.
type Layout struct {
	stack     []byte // ' " ` ( of $(, { of ${, = of a=(
	heres     []hereDoc
	body      int // lines of the here-document being read
	tokens    [4]token
	word      bool   // the token being read has begun
	text      []byte // of it
	command   bool   // the next word is in a command's place
	pattern   bool   // the next words are patterns of case
	cases     int    // around
	escaped   bool   // the line before ended in a backslash
	commented bool   // it ended in a comment
	lines     int
}

type hereDoc struct {
	end  string
	tabs bool
}

// token is an operator, a word or a reserved word.
type token struct {
	text string
	kind byte // 'o', 'w', 'r', or 'p' of the ) behind a pattern
}

// Quotes is what the next line stands in, for [Expander.Expand].
func (l *Layout) Quotes() []byte { return l.stack }

// InBody reports whether the next line belongs to a here-document.
func (l *Layout) InBody() bool { return len(l.heres) > 0 && (l.quote() == 0 || l.quote() == '(') }

// Commented reports whether a line is a comment on its own.
func Commented(line string) bool { return strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") }

// Join is the command of the lines so far with another one, which has no
// newline. literal keeps the newlines.
func (l *Layout) Join(command, line string, literal bool) string {
	switch {
	case l.InBody():
		if l.quote() != 0 {
			return command + "\n" + line
		}
		if l.body == 0 && !strings.HasSuffix(command, "\n") {
			command += "\n"
		}
		return command + line + "\n"
	case l.escaped && l.quote() == 0 && strings.HasSuffix(command, `\`):
		return command[:len(command)-1] + line
	case l.commented || literal:
		return command + "\n" + line
	}
	between := l.between(line)
	if strings.HasSuffix(command, "\n") && between == "; " {
		between = " "
	}
	return command + between + line
}

// between is what stands for the newline in front of a line.
func (l *Layout) between(line string) string {
	switch l.quote() {
	case 0:
	case '=':
		return " "
	default:
		return "\n"
	}
	last, before := l.tokens[0], l.tokens[1]
	switch {
	case last.text == ")" && last.kind == 'o' && before.text != "(":
		return "; "
	case before.kind == 'r' && before.text == "function", before.kind == 'r' && before.text == "case":
		return " "
	case before.kind == 'r' && (before.text == "for" || before.text == "select"):
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), "in") {
			return " "
		}
		return ";"
	case last.kind == 'o' || last.kind == 'p' || last.kind == 'r' && slices.Contains(opening, last.text):
		return " "
	}
	return "; "
}

// opening are reserved words after which no command has to be ended.
var opening = []string{"{", "case", "do", "else", "if", "then", "until", "while", "in"}

func (l *Layout) quote() byte {
	if len(l.stack) == 0 {
		return 0
	}
	return l.stack[len(l.stack)-1]
}

// Add reads a line without its newline.
func (l *Layout) Add(line string) {
	if l.lines == 0 {
		l.command = true
	}
	l.lines++
	if l.InBody() {
		l.addBody(line)
		return
	}
	l.escaped, l.commented = false, false
	for i := 0; i < len(line); {
		i = l.next(line, i)
	}
	if !l.escaped && len(l.stack) == 0 {
		l.endWord()
		if strings.TrimSpace(line) == "" {
			l.push(token{"\n", 'o'})
		}
		l.command = !l.pattern
	}
}

func (l *Layout) addBody(line string) {
	l.body++
	doc := l.heres[0]
	if doc.tabs {
		line = strings.TrimLeft(line, "\t")
	}
	if line == doc.end {
		l.heres = l.heres[1:]
		if len(l.heres) == 0 {
			l.body = 0
		}
	}
}

// next reads one character or operator of a line.
func (l *Layout) next(line string, i int) int {
	c, quote := line[i], l.quote()
	switch {
	case quote == '\'':
		l.stack = enterQuote(l.stack, c)
		return i + 1
	case c == '\\':
		l.escaped = i+1 == len(line)
		if !l.escaped && quote == 0 {
			l.put(line[i : i+2])
		}
		return i + 2
	case quote != '"' && strings.HasPrefix(line[i:], "$'"):
		l.stack = append(l.stack, ansi)
		l.put("$")
		return i + 2
	case strings.HasPrefix(line[i:], "$(") || strings.HasPrefix(line[i:], "${"):
		l.stack = append(l.stack, line[i+1])
		l.put("$")
		return i + 2
	case quote == '{' && c == '}' || quote == '=' && c == ')':
		l.stack = l.stack[:len(l.stack)-1]
		return i + 1
	case quote == '=' && (c == '\'' || c == '"'):
		l.stack = append(l.stack, c)
		return i + 1
	case quote == '(' && strings.HasPrefix(line[i:], "<<") && !strings.HasPrefix(line[i:], "<<<"):
		return l.hereDocument(line, i+2)
	case quote == 0 && (strings.HasPrefix(line[i:], "<(") || strings.HasPrefix(line[i:], ">(")):
		l.stack = append(l.stack, '(')
		l.put(line[i : i+1])
		return i + 2
	case quote != 0 || c == '\'' || c == '"' || c == '`':
		l.stack = enterQuote(l.stack, c)
		l.word = l.word || quote == 0
		return i + 1
	}
	return l.plain(line, i)
}

// plain reads what is not quoted.
func (l *Layout) plain(line string, i int) int {
	c := line[i]
	switch {
	case c == ' ' || c == '\t':
		l.endWord()
		return i + 1
	case c == '#' && !l.word:
		l.commented = true
		return len(line)
	case c == '(' && l.word && strings.HasSuffix(string(l.text), "="):
		l.stack = append(l.stack, '=')
		return i + 1
	case strings.HasPrefix(line[i:], "<<") && !strings.HasPrefix(line[i:], "<<<"):
		l.endWord()
		return l.hereDocument(line, i+2)
	case strings.IndexByte(metas, c) >= 0:
		l.endWord()
		end := max(operatorEnd(line, i), i+1)
		l.operator(line[i:end])
		return end
	}
	l.put(line[i : i+1])
	return i + 1
}

func (l *Layout) put(text string) {
	l.word = true
	l.text = append(l.text, text...)
}

// hereDocument reads the word behind <<.
func (l *Layout) hereDocument(line string, i int) int {
	doc := hereDoc{}
	if i < len(line) && line[i] == '-' {
		doc.tabs = true
		i++
	}
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i++
	}
	end := wordEnd(line, i)
	doc.end = strings.NewReplacer("'", "", `"`, "", `\`, "").Replace(line[i:end])
	l.heres = append(l.heres, doc)
	l.push(token{doc.end, 'w'})
	return end
}

func (l *Layout) push(t token) {
	copy(l.tokens[1:], l.tokens[:])
	l.tokens[0] = t
}

// operator notes an operator, and what may follow it.
func (l *Layout) operator(op string) {
	switch op {
	case ")":
		if l.pattern {
			l.pattern, l.command = false, true
			l.push(token{op, 'p'})
			return
		}
	case ";;", ";&", ";;&":
		l.pattern = l.cases > 0
	}
	l.push(token{op, 'o'})
	l.command = strings.IndexByte("<>", op[0]) < 0 && !l.pattern
}

// reserved are the words that mean something in a command's place, and
// whether a command follows.
var reserved = map[string]bool{
	"if": true, "then": true, "elif": true, "else": true, "fi": false, "do": true, "done": false, "while": true,
	"until": true, "case": false, "esac": false, "for": false, "select": false, "function": false, "time": true,
	"!": true, "{": true, "}": false, "coproc": true, "[[": false,
}

// endWord notes the word that was read.
func (l *Layout) endWord() {
	if !l.word {
		return
	}
	text := string(l.text)
	l.word, l.text = false, l.text[:0]
	follows, is := reserved[text]
	head := l.tokens[1]
	switch {
	case text == "in" && head.kind == 'r' && (head.text == "for" || head.text == "select" || head.text == "case"):
		l.push(token{text, 'r'})
		l.pattern, l.command = head.text == "case", false
		if l.pattern {
			l.cases++
		}
	case text == "esac" && l.cases > 0 && (l.pattern || l.command):
		l.cases--
		l.pattern, l.command = false, false
		l.push(token{text, 'r'})
	case is && l.command && !l.pattern:
		l.push(token{text, 'r'})
		l.command = follows
	default:
		l.push(token{text, 'w'})
		l.command = false
	}
}
