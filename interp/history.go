package interp

import (
	"errors"
	"strconv"
	"strings"
)

// history is what was typed at the prompt. It lives in memory: $HISTFILE is a
// name that a script may have chosen.
type history struct {
	lines []string
	first int // number of lines[0], less one
}

const defaultHistory = 500 // POSIX: at least 128

func (sh *shell) historySize() int {
	n, err := strconv.Atoi(sh.getOr("HISTSIZE", ""))
	if err != nil || n < 0 {
		return defaultHistory
	}
	return min(n, 1<<20)
}

// next is the number that the next command gets.
func (h *history) next() int { return h.first + len(h.lines) + 1 }

// add remembers a command of one or more lines.
func (h *history) add(text string, size int) {
	text = strings.Trim(text, "\n")
	if strings.TrimSpace(text) == "" {
		return
	}
	h.lines = append(h.lines, text)
	if over := len(h.lines) - size; over > 0 {
		h.lines = append([]string(nil), h.lines[over:]...)
		h.first += over
	}
}

// drop forgets the last command: that of fc itself.
func (h *history) drop() {
	if len(h.lines) > 0 {
		h.lines = h.lines[:len(h.lines)-1]
	}
}

func (h *history) get(n int) string { return h.lines[n-1-h.first] }

var errNoHistory = errors.New("history is only for interactive shells")

// find resolves an operand of fc: a number, how many back, or how the
// command began. last is the number of the newest command that counts.
// Numbers out of range are the nearest in it for lists.
func (h *history) find(operand string, last int, list bool) (int, error) {
	n, err := strconv.Atoi(operand)
	if err != nil {
		for i := last; i > h.first; i-- {
			if strings.HasPrefix(h.get(i), operand) {
				return i, nil
			}
		}
		return 0, errors.New("no command found that begins with " + operand)
	}
	if n <= 0 {
		n = last + 1 + n
		if n > last {
			n = last
		}
	}
	if (n <= h.first || n > last) && !list {
		return 0, errors.New(operand + ": history specification out of range")
	}
	return min(max(n, h.first+1), last), nil
}

// between are the numbers from a to b, in that order.
func between(a, b int) (list []int) {
	step := 1
	if a > b {
		step = -1
	}
	for n := a; ; n += step {
		list = append(list, n)
		if n == b {
			return list
		}
	}
}
