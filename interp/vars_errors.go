package interp

// A nameError says what cannot be done to a variable; it ends a script where
// XCU 2.8.1 says so.
type nameError struct{ name, reason string }

func (e *nameError) Error() string { return e.name + ": " + e.reason }

// An unsetError is that of ${x?} or of set -u: it ends bash's scripts, too.
type unsetError struct{ name, reason string }

func (e *unsetError) Error() string { return e.name + ": " + e.reason }

// A valueError is that of an expression assigned to an integer variable: bash
// drops the line, whatever it was that assigned.
type valueError struct{ err error }

func (e *valueError) Error() string { return e.err.Error() }
func (e *valueError) Unwrap() error { return e.err }

// A badTransformError is ${x@Z} of a set x.
type badTransformError struct{ text string }

func (e *badTransformError) Error() string { return e.text + ": bad substitution" }
