package interp

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fsh-sh/fsh/interp/parse"
)

// syntaxFailed reports text that cannot be parsed; it ends a script.
func (sh *shell) syntaxFailed(err error) flow {
	var pe *parse.Error
	var ce *syntaxError
	var re *readError
	switch {
	case errors.As(err, &pe):
		sh.line = pe.Line
		if sh.rt.bash && sh.file == "-c" && pe.InTest {
			return sh.testRefused(pe)
		}
		text := sh.placedError(pe)
		if sh.rt.bash && sh.file == "-c" && sh.evalDepth == 0 && pe.Token != "" {
			text = sh.tokenError(pe)
		}
		sh.write(2, []byte(text))
	case errors.As(err, &ce):
		sh.line = ce.line
		sh.errorf("syntax error: %s", ce.text)
	case errors.As(err, &re):
		sh.errorf("cannot read commands: %s", errText(re.err))
		sh.status = statusUnread
		return flowExit
	default:
		sh.errorf("%s", errText(err))
	}
	sh.status = 2
	sh.unread = sh.evalDepth
	switch {
	case sh.evalDepth > 0 && (sh.bash() || sh.prompting()):
		return flowNext
	case sh.prompting():
		return flowAbort
	}
	return flowExit
}

// testRefused is an error between [[ and ]] in the string of -c, which ends
// there with the status it had.
func (sh *shell) testRefused(e *parse.Error) flow {
	at, status := " -c: ", sh.status
	if sh.evalDepth > 0 {
		at, status = " eval: ", 2
	}
	if e.TestText != "" {
		sh.write(2, []byte(sh.source()+":"+at+"line "+strconv.Itoa(e.Line)+": "+visible(e.TestText)+"\n"))
	}
	sh.status, sh.unread = status, sh.evalDepth
	if sh.evalDepth > 0 {
		return flowNext
	}
	return flowExit
}

// readError is one of the input that commands come from.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

// statusUnread is that of a shell that cannot read its commands (XCU sh, EXIT
// STATUS).
const statusUnread = 128

// placedError shows where a syntax error is.
func (sh *shell) placedError(e *parse.Error) string {
	at := sh.place(e.Line, e.Col)
	text := at + "syntax error: " + e.Text + "\n"
	for shown := range strings.Lines(pointAt(e.Source, e.Col)) {
		text += at + shown
	}
	return text
}

// tokenError names the token, as bash does. Programs that call bash -c show
// these lines, and look for them; a script's author is better served with the
// place.
func (sh *shell) tokenError(e *parse.Error) string {
	at := sh.name + ": -c: line " + strconv.Itoa(e.Line) + ": "
	return at + "syntax error near unexpected token `" + visible(e.Token) + "'\n" +
		at + "`" + visible(strings.TrimRight(e.Source, "\r\n")) + "'\n"
}

// visible replaces what could move a terminal's cursor.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, text)
}

// place begins every line of a syntax error, so that it can be told from the
// output of scripts: script:line:col, or after a shell's own name a blank.
func (sh *shell) place(line, col int) string {
	name := sh.source()
	if name == sh.name && sh.file != name {
		name += ": "
	} else {
		name += ":"
	}
	return name + strconv.Itoa(line) + ":" + strconv.Itoa(col) + ": "
}

// source is the name that messages begin with.
func (sh *shell) source() string {
	if sh.file == "" || sh.file == "-c" || sh.file == "stdin" {
		if sh.funcDepth > 0 && sh.bash() && !sh.interactive() {
			return shownFile(sh.file)
		}
		return sh.name
	}
	return sh.file
}

// pointWidth bounds how much of a line is shown; some scripts have one line.
const pointWidth = 72

// pointAt shows a line of source with a caret below column col, in bytes from
// 1. What could move a terminal's cursor is replaced.
func pointAt(line string, col int) string {
	line = strings.TrimRight(line, "\r\n")
	at := min(max(col-1, 0), len(line))
	if line == "" {
		return ""
	}
	from, to := 0, len(line)
	if to > pointWidth {
		from = max(0, at-pointWidth/2)
		to = min(len(line), from+pointWidth)
	}
	for from > 0 && !utf8.RuneStart(line[from]) {
		from--
	}
	var shown, below strings.Builder
	for i := from; i < to; {
		r, n := utf8.DecodeRuneInString(line[i:])
		blank := ' '
		switch {
		case r == '\t':
			blank = '\t'
		case r == utf8.RuneError && n == 1, r < ' ', r >= 0x7f && r < 0xa0:
			r = '?'
		}
		shown.WriteRune(r)
		if i < at {
			below.WriteRune(blank)
		}
		i += n
	}
	return "  " + shown.String() + "\n  " + below.String() + "^\n"
}
