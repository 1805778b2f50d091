package sandbox

import (
	"errors"
	"syscall"
)

// wireError is a SetupError on its way.
type wireError struct {
	Layer string `json:"layer"`
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
	Errno int    `json:"errno,omitempty"`
}

func toWire(err error) *wireError {
	w := &wireError{Layer: "mounts", Text: err.Error()}
	var se *SetupError
	if errors.As(err, &se) {
		w.Layer, w.Text, w.Hint = se.Layer, se.Err.Error(), se.Hint
	}
	var no syscall.Errno
	if errors.As(err, &no) {
		w.Errno = int(no)
	}
	return w
}

func (w *wireError) err() error {
	return &SetupError{Layer: w.Layer, Hint: w.Hint, Err: &remoteError{w.Text, syscall.Errno(w.Errno)}}
}

// remoteError is an error of the keeper: its text, and the errno at its root.
type remoteError struct {
	text  string
	errno syscall.Errno
}

func (e *remoteError) Error() string { return e.text }

func (e *remoteError) Unwrap() error {
	if e.errno == 0 {
		return nil
	}
	return e.errno
}

// childError names the layer of a failed step of a child.
func childError(err error) error {
	var le *layerError
	if !errors.As(err, &le) {
		return err
	}
	hint := ""
	switch le.what {
	case "proc":
		hint = "the machine hides parts of /proc (a container?); run it with an unmasked /proc"
	case "seccomp":
		hint = "the kernel needs CONFIG_SECCOMP_FILTER"
	}
	return &SetupError{Layer: le.what, Err: le.err, Hint: hint}
}
