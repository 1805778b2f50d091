package sandbox

import (
	"encoding/json"
	"sync"
)

// Freeze stops every process of the session until thaw is called: nothing
// inside can write to the terminal meanwhile, or read what is typed there.
// Commands that are started wait. An error means that some of them may run; one
// of thaw, that one did: what was said meanwhile does not count.
func (s *Session) Freeze() (thaw func() error, err error) {
	s.mu.Lock()
	started := len(s.rules) > 0
	s.mu.Unlock()
	if !started {
		return func() error { return nil }, nil
	}
	if err := s.freeze(true); err != nil {
		return nil, err
	}
	return sync.OnceValue(func() error { return s.freeze(false) }), nil
}

func (s *Session) freeze(on bool) error {
	text, err := json.Marshal(freezeRequest{on})
	if err != nil {
		return err
	}
	_, a := s.ask(opFreeze, text, nil, nil)
	closeAll(a.fds)
	return a.err
}
