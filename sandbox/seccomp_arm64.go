package sandbox

import (
	_ "embed"

	"golang.org/x/sys/unix"
)

var nativeArch = archARM64

// The compiled filters of commands and of the shell.
var (
	//go:embed seccomp_arm64.commands
	commandFilter string
	//go:embed seccomp_arm64.shell
	shellFilter string
)

var archWatched = []watchedCall{
	{unix.SYS_RENAMEAT, kindRename, 2, 3, 0, 1, none, none},
}
