package interp

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/fsh-sh/fsh/interp/history"
	"github.com/fsh-sh/fsh/interp/pattern"
)

// memory is the history of a shell: of what is typed at the prompt, and in
// bash's scripts of what set -o history and the history builtin put there.
type memory struct {
	list     *history.List
	expander history.Expander
	layout   *history.Layout // of the command being read, nil before its first line
	kept     bool            // that line was remembered
	added    bool            // and the last line read
	fresh    int             // commands since $HISTFILE was read or written
	inFile   int             // lines of $HISTFILE that were read
}

const (
	defaultHistory = 500 // POSIX: at least 128
	maxHistory     = 1 << 20
)

// past is the history, made when it is first asked for. A subshell that
// changes it has a copy.
func (sh *shell) past() *memory {
	switch {
	case sh.history == nil:
		sh.history = &memory{list: history.New(maxHistory)}
	case sh.parent != nil && sh.history == sh.parent.history:
		fork := *sh.history
		fork.list = sh.history.list.Fork()
		sh.history = &fork
	}
	sh.history.list.Limit(sh.historySize())
	return sh.history
}

func (sh *shell) historySize() int {
	text, ok := sh.getVar("HISTSIZE")
	n, err := strconv.Atoi(text)
	switch {
	case err == nil && n >= 0:
		return min(n, maxHistory)
	case ok || sh.rt.bash:
		return maxHistory
	}
	return defaultHistory
}

// historyNumber is that of the command being read.
func (sh *shell) historyNumber() int {
	m := sh.history
	switch {
	case m == nil:
		return 1
	case m.added:
		return m.list.Next() - 1
	}
	return m.list.Next()
}

// remember adds a command.
func (sh *shell) remember(text string) {
	m := sh.past()
	m.list.Add(history.Entry{Text: text, Time: time.Now().Unix()})
	m.fresh++
}

// rememberTyped adds what was typed at a POSIX shell's prompt, as it stands.
func (sh *shell) rememberTyped() {
	if text := strings.Trim(string(sh.typed), "\n"); !sh.rt.bash && strings.TrimSpace(text) != "" {
		sh.remember(text)
		sh.history.added = true
	}
}

// consider adds a command unless $HISTCONTROL or $HISTIGNORE are against it.
func (sh *shell) consider(text string) bool {
	m := sh.past()
	control := ":" + sh.getOr("HISTCONTROL", "") + ":"
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(control, ":"+w+":") {
				return true
			}
		}
		return false
	}
	if has("ignorespace", "ignoreboth") && (strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t")) ||
		has("ignoredups", "ignoreboth") && m.list.Len() > 0 && m.list.Last() == text ||
		sh.historyIgnores(text) {
		return false
	}
	if has("erasedups") {
		m.list.DeleteText(text)
	}
	sh.remember(text)
	return true
}

// historyIgnores matches $HISTIGNORE, where & is the command before.
func (sh *shell) historyIgnores(text string) bool {
	for _, src := range splitPatterns(sh.getOr("HISTIGNORE", "")) {
		if src == "&" {
			if sh.history.list.Len() > 0 && sh.history.list.Last() == text {
				return true
			}
			continue
		}
		src = strings.ReplaceAll(src, `\&`, "&")
		if src != "" && pattern.Compile(src, sh.globFlags()|pattern.Extglob).Match(text) {
			return true
		}
	}
	return false
}

// begin starts the history of a script or session of bash: with the commands
// of $HISTFILE.
func (sh *shell) beginHistory() {
	if !sh.rt.bash || sh.parent != nil {
		return
	}
	fresh := sh.history == nil || sh.history.fresh == 0
	for _, name := range []string{"HISTSIZE", "HISTFILESIZE"} {
		if _, ok := sh.getVar(name); !ok && fresh {
			sh.setOwn(name, sh.getOr("HISTSIZE", strconv.Itoa(defaultHistory)))
		}
	}
	m := sh.past()
	if name := sh.getOr("HISTFILE", ""); fresh && name != "" {
		if entries, lines, err := sh.readHistory(name, 0); err == nil {
			for _, e := range entries {
				m.list.Add(e)
			}
			m.inFile = lines
		}
	}
}

// recorded wraps a source of lines: it expands references to the history, and
// remembers commands.
func (sh *shell) recorded(next func(more bool) (string, error)) func(more bool) (string, error) {
	if !sh.rt.bash {
		return next
	}
	number := 0
	return func(more bool) (string, error) {
		for {
			line, err := next(more)
			if sh.opts.on(optHistory) && line != "" && err != errLineAborted && err != errLeave {
				var ok bool
				if line, ok = sh.record(line, number+1, more); !ok && err == nil {
					continue
				}
			}
			number++
			return line, err
		}
	}
}

// record is the line as it is to be read; without ok none is, and bash does
// not count it.
func (sh *shell) record(line string, number int, more bool) (text string, ok bool) {
	m := sh.past()
	m.added = false
	if !more || m.layout == nil {
		if more {
			return line, true // the command began before its history
		}
		m.layout, m.kept = &history.Layout{}, false
	}
	text, ended := strings.CutSuffix(line, "\n")
	if sh.opts.on(optHistexpand) && !m.layout.InBody() {
		changed, result, err := sh.expandHistory(text, m.layout.Quotes(), more && m.kept)
		switch {
		case err != nil:
			was := sh.line
			sh.line = number
			sh.errorf("%s", err)
			sh.line = was
			return "", false
		case result != history.Same:
			sh.write(2, []byte(changed+"\n"))
		}
		if text = changed; result == history.Printed {
			sh.keepLine(text, more)
			return "", false
		}
	}
	sh.keepLine(text, more)
	m.layout.Add(text)
	if ended {
		text += "\n"
	}
	return text, true
}

// keepLine remembers a line, with those before of the same command.
func (sh *shell) keepLine(text string, more bool) {
	m := sh.history
	switch literal := sh.acceptedShopt("lithist"); {
	case text == "" && !more:
	case !more:
		m.kept = sh.consider(text)
		m.added = m.kept
	case !m.kept || history.Commented(text) && !literal && len(m.layout.Quotes()) == 0 && !m.layout.InBody():
	case sh.acceptedShopt("cmdhist"):
		m.list.Replace(m.layout.Join(m.list.Last(), text, literal))
		m.added = true
	case text != "":
		sh.remember(text)
		m.added = true
	}
}

// expandHistory expands references; current leaves out the newest command,
// which is the one being read.
func (sh *shell) expandHistory(text string, quotes []byte, current bool) (string, history.Result, error) {
	m := sh.past()
	chars := sh.getOr("histchars", "!^#")
	at := func(i int) byte {
		if i < len(chars) {
			return chars[i]
		}
		return 0
	}
	m.expander.Event, m.expander.Quick, m.expander.Comment = at(0), at(1), at(2)
	m.expander.Strict = sh.opts.on(optPosix)
	m.expander.Extglob = sh.shopts.on(shoptExtglob)
	n := m.list.Len()
	if current && n > 0 && sh.acceptedShopt("cmdhist") {
		n--
	}
	return m.expander.Expand(m.list, n, text, quotes)
}

// lastCommand is the index of the newest command but for the one being run.
func (m *memory) lastCommand() int {
	if m.added {
		return m.list.Len() - 2
	}
	return m.list.Len() - 1
}

// dropCurrent forgets the command being run.
func (m *memory) dropCurrent() {
	if n := m.list.Len(); m.added && n > 0 {
		m.list.Delete(n-1, n)
		m.fresh = max(m.fresh-1, 0)
		m.added = false
	}
}

var (
	errNoHistory  = errors.New("history is only for interactive shells")
	errNoCommand  = errors.New("no command found")
	errOutOfRange = errors.New("history specification out of range")
)
