package interp

// processSubst starts the commands of <(…) or >(…) and returns the name that
// stands for their end of the pipe.
func (sh *shell) processSubst(body node, out bool) (string, error) {
	return "", &nameError{"process substitution", "not supported"}
}
