package interp

import (
	"io"
	"strings"
	"syscall"
)

// echoLines serves text line by line, showing it with -v.
func (sh *shell) echoLines(text string) func(bool) (string, error) {
	return func(bool) (string, error) {
		if text == "" {
			return "", io.EOF
		}
		line := text
		if n := strings.IndexByte(text, '\n'); n >= 0 {
			line = text[:n+1]
		}
		text = text[len(line):]
		sh.echoInput(line)
		return line, nil
	}
}

func (sh *shell) echoInput(line string) {
	if sh.opts.on(optVerbose) {
		sh.write(2, []byte(line))
	}
}

// stdinLine reads one line of the script from standard input and leaves the
// rest there for the commands.
func (sh *shell) stdinLine(bool) (string, error) {
	in, err := sh.openInput(0)
	if err != nil {
		return "", &readError{err}
	}
	defer in.close()
	var line []byte
	for {
		c, err := in.next()
		if _, ok := err.(syscall.Errno); ok && err != syscall.EINTR {
			return "", &readError{err} // and what was read does not run
		}
		if err != nil {
			if len(line) == 0 {
				return "", io.EOF
			}
			break
		}
		if line = append(line, c); c == '\n' || len(line) > maxScript {
			break
		}
	}
	sh.echoInput(string(line))
	return string(line), nil
}
