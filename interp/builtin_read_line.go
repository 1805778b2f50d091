package interp

import "unicode/utf8"

// lineReader collects the input of one read. It never takes a byte more than
// it needs from next.
type lineReader struct {
	next func() (byte, error)

	raw   bool // -r: backslashes are ordinary
	delim byte
	limit int  // -n, -N: characters at most; -1 without
	exact bool // -N: the delimiter is an ordinary character
	utf8  bool // limit counts characters, not bytes
	// continued is called after a backslash-newline, for the prompt.
	continued func()

	text      []byte
	protected []int // offsets of bytes in text that a backslash protected
}

// read fills text. complete tells that the delimiter was found or the limit
// reached; otherwise err is what next returned.
func (l *lineReader) read() (complete bool, err error) {
	for n := 0; n != l.limit; n++ {
		c, done, err := l.character()
		if done || err != nil {
			return done, err
		}
		if c >= utf8.RuneSelf && l.utf8 && l.limit > 0 {
			if err := l.tail(c); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// character reads one byte of the text, after backslashes. NUL bytes cannot
// be kept in a variable and are dropped.
func (l *lineReader) character() (c byte, done bool, err error) {
	for {
		if c, err = l.next(); err != nil {
			return 0, false, err
		}
		switch {
		case c == l.delim && !l.exact:
			return 0, true, nil
		case c == 0:
			continue
		case c == '\\' && !l.raw:
			if c, err = l.next(); err != nil {
				return 0, false, err
			}
			if c == '\n' {
				l.continued()
				continue
			}
			if c == 0 {
				continue
			}
			l.protected = append(l.protected, len(l.text))
		}
		l.text = append(l.text, c)
		return c, false, nil
	}
}

// tail reads the rest of a UTF-8 character that starts with c.
func (l *lineReader) tail(c byte) error {
	want := 0
	switch {
	case c >= 0xf0 && c < 0xf8:
		want = 3
	case c >= 0xe0 && c < 0xf0:
		want = 2
	case c >= 0xc2 && c < 0xe0:
		want = 1
	}
	for ; want > 0; want-- {
		c, err := l.next()
		if err != nil {
			return err
		}
		l.text = append(l.text, c)
	}
	return nil
}

// readSplitter cuts a line into the values of read's variables.
type readSplitter struct {
	text      string
	protected []int
	class     *[256]ifsClass
	pos       int
	bash      bool // white space behind several fields goes even if it is protected
}

// at is the class of a byte; protected bytes are ordinary.
func (s *readSplitter) at(i int) ifsClass {
	c := s.class[s.text[i]]
	if c == ifsNone {
		return c
	}
	for _, p := range s.protected {
		if p == i {
			return ifsNone
		}
	}
	return c
}

func (s *readSplitter) skipWhite() {
	for s.pos < len(s.text) && s.at(s.pos) == ifsWhite {
		s.pos++
	}
}

// field returns the next field and steps over the delimiter behind it.
func (s *readSplitter) field() string {
	start := s.pos
	for s.pos < len(s.text) && s.at(s.pos) == ifsNone {
		s.pos++
	}
	f := s.text[start:s.pos]
	s.skipWhite()
	if s.pos < len(s.text) && s.at(s.pos) == ifsOther {
		s.pos++
		s.skipWhite()
	}
	return f
}

// rest is the value of the last variable: one field if there is only one
// left, else everything up to trailing white space.
func (s *readSplitter) rest() string {
	start := s.pos
	f := s.field()
	if s.pos == len(s.text) {
		return f
	}
	end := len(s.text)
	for end > start && (s.at(end-1) == ifsWhite || s.bash && s.class[s.text[end-1]] == ifsWhite) {
		end--
	}
	s.pos = len(s.text)
	return s.text[start:end]
}

// all returns every field, for read -a.
func (s *readSplitter) all() []string {
	var fields []string
	s.skipWhite()
	for s.pos < len(s.text) {
		fields = append(fields, s.field())
	}
	return fields
}
