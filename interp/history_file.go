package interp

import (
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fsh-sh/fsh/interp/history"
)

// maxHistoryFile bounds what is read of $HISTFILE.
const maxHistoryFile = 64 << 20

// readHistory reads the commands of a file, and how many lines it has; those
// before from are left out.
func (sh *shell) readHistory(name string, from int) ([]history.Entry, int, error) {
	data, err := sh.readWhole(name, "history", maxHistoryFile)
	if err != nil {
		return nil, 0, err
	}
	text := strings.TrimSuffix(string(data), "\n")
	if text == "" {
		return nil, 0, nil
	}
	lines := strings.Split(text, "\n")
	_, stamped := sh.getVar("HISTTIMEFORMAT")
	stamped = stamped && isStamp(lines[0])
	var entries []history.Entry
	at := time.Now().Unix()
	fresh := true
	for i, line := range lines {
		if isStamp(line) {
			at, _ = strconv.ParseInt(line[1:], 10, 64)
			fresh = true
			continue
		}
		switch n := len(entries); {
		case i < from || line == "" && !stamped:
		case stamped && !fresh && n > 0:
			entries[n-1].Text += "\n" + line
		default:
			entries = append(entries, history.Entry{Text: line, Time: at})
		}
		fresh = false
	}
	return entries, len(lines), nil
}

// isStamp reports whether a line of a history file says when the next command
// was: # and seconds.
func isStamp(line string) bool {
	return len(line) > 1 && line[0] == '#' && line[1] >= '0' && line[1] <= '9'
}

// writeHistory writes the newest n commands to a file. It must begin anew
// unless flags has O_APPEND.
func (sh *shell) writeHistory(name string, flags, n int) (lines int, err error) {
	m := sh.past()
	_, stamped := sh.getVar("HISTTIMEFORMAT")
	var b strings.Builder
	for i := max(m.list.Len()-n, 0); i < m.list.Len(); i++ {
		e := m.list.At(i)
		if stamped && e.Time != 0 {
			b.WriteString("#" + strconv.FormatInt(e.Time, 10) + "\n")
		}
		b.WriteString(e.Text + "\n")
	}
	text := b.String()
	return strings.Count(text, "\n"), sh.writeFile(name, flags, text)
}

func (sh *shell) writeFile(name string, flags int, text string) error {
	fd, err := sh.rt.sys.Open(&OpenRequest{
		Dir: sh.dir, Path: name, Flags: syscall.O_WRONLY | syscall.O_CREAT | syscall.O_NONBLOCK | flags,
		Mode: 0o600, Where: sh.where("history"),
	})
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	for data := []byte(text); len(data) > 0; {
		n, err := syscall.Write(fd, data)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// saveHistory is what a shell with a history does at its end. That the file
// cannot be written is no error of the script.
func (sh *shell) saveHistory() {
	m := sh.history
	if !sh.rt.bash || sh.parent != nil || !sh.opts.on(optHistory) || m == nil || m.fresh == 0 {
		return
	}
	name := sh.getOr("HISTFILE", "")
	if name == "" {
		return
	}
	n, flags := m.list.Len(), syscall.O_TRUNC
	if m.fresh <= n && sh.acceptedShopt("histappend") {
		n, flags = m.fresh, syscall.O_APPEND
	}
	if _, err := sh.writeHistory(name, flags, n); err != nil {
		return
	}
	if size, err := strconv.Atoi(sh.getOr("HISTFILESIZE", "")); err == nil && size >= 0 {
		sh.truncateHistory(name, size)
	}
}

// truncateHistory leaves the last commands of a file.
func (sh *shell) truncateHistory(name string, size int) {
	data, err := sh.readWhole(name, "history", maxHistoryFile)
	if err != nil {
		return
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(data), "\n"), "\n")
	from := len(lines)
	for left := size; from > 0 && left > 0; from-- {
		if !isStamp(lines[from-1]) {
			left--
		}
	}
	if from > 0 && isStamp(lines[from-1]) {
		from--
	}
	if from > 0 {
		sh.writeFile(name, syscall.O_TRUNC, strings.Join(slices.Clone(lines[from:]), "")+"\n")
	}
}
