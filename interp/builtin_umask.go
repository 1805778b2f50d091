package interp

import (
	"errors"
	"fmt"
	"strings"
)

var errUmask = errors.New("Illegal mode")

// badMask is what bash says of an operand that parseUmask rejects.
func badMask(s string) string {
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		return s + ": octal number out of range"
	}
	// who, operator, permissions: the first character that is none of these
	if at := strings.IndexAny(s, "+-="); at >= 0 && strings.Trim(s[:at], "ugoa") == "" {
		for _, c := range s[at+1:] {
			if !strings.ContainsRune("rwxXstugo,+-=", c) {
				return "`" + string(c) + "': invalid symbolic mode character"
			}
		}
	}
	return "`" + s + "': invalid symbolic mode operator"
}

// formatUmask is what umask prints: octal, or symbolic with -S.
func formatUmask(mask uint32, symbolic bool) string {
	if !symbolic {
		return fmt.Sprintf("%04o", mask)
	}
	b := []byte("u=")
	for i, who := range "ugo" {
		if i > 0 {
			b = append(b, ',', byte(who), '=')
		}
		allowed := ^mask >> (6 - 3*i)
		for j, c := range "rwx" {
			if allowed&(4>>j) != 0 {
				b = append(b, byte(c))
			}
		}
	}
	return string(b)
}

// parseUmask returns the mask for an operand: octal, or a symbolic mode as of
// chmod that starts from the complement of the mask.
func parseUmask(s string, mask uint32) (uint32, error) {
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		v, n := digits(s, 8, len(s))
		if n != len(s) || n > 8 || v > 0o7777 {
			return 0, errUmask
		}
		return uint32(v) & 0o777, nil
	}
	mode := ^mask & 0o777
	for {
		var err error
		if mode, s, err = umaskClause(s, mode); err != nil {
			return 0, err
		}
		if s == "" {
			return ^mode & 0o777, nil
		}
		if s[0] != ',' {
			return 0, errUmask
		}
		s = s[1:]
	}
}

// umaskClause applies one clause: [ugoa]* ([-+=] perms)+.
func umaskClause(s string, mode uint32) (uint32, string, error) {
	who := uint32(0)
	for ; s != ""; s = s[1:] {
		bits := umaskClass(s[0])
		if bits == 0 {
			break
		}
		who |= bits
	}
	if who == 0 {
		who = 0o777
	}
	if s == "" {
		return 0, "", errUmask
	}
	for s != "" && s[0] != ',' {
		op := s[0]
		if op != '+' && op != '-' && op != '=' {
			return 0, "", errUmask
		}
		var perms uint32
		perms, s = umaskPerms(s[1:], mode)
		perms &= who
		switch op {
		case '+':
			mode |= perms
		case '-':
			mode &^= perms
		case '=':
			mode = mode&^who | perms
		}
	}
	return mode, s, nil
}

// umaskPerms reads permission letters, or the letter of a class to copy. The
// result is spread over all three classes.
func umaskPerms(s string, mode uint32) (uint32, string) {
	perms := uint32(0)
	for ; s != ""; s = s[1:] {
		switch s[0] {
		case 'r':
			perms |= 0o444
		case 'w':
			perms |= 0o222
		case 'x':
			perms |= 0o111
		case 'X': // execute if any class has it
			if mode&0o111 != 0 {
				perms |= 0o111
			}
		case 's', 't': // no such bits in a mask
		case 'u':
			perms |= mode >> 6 & 7 * 0o111
		case 'g':
			perms |= mode >> 3 & 7 * 0o111
		case 'o':
			perms |= mode & 7 * 0o111
		default:
			return perms, s
		}
	}
	return perms, s
}

// umaskClass is the bits of a class letter, 0 for any other character.
func umaskClass(c byte) uint32 {
	switch c {
	case 'u':
		return 0o700
	case 'g':
		return 0o070
	case 'o':
		return 0o007
	case 'a':
		return 0o777
	}
	return 0
}
