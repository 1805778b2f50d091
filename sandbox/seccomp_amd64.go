package sandbox

import (
	_ "embed"

	"golang.org/x/sys/unix"
)

var nativeArch = archAMD64

// The compiled filters of commands and of the shell.
var (
	//go:embed seccomp_amd64.commands
	commandFilter string
	//go:embed seccomp_amd64.shell
	shellFilter string
)

// archWatched are the calls without a directory argument.
var archWatched = []watchedCall{
	{unix.SYS_OPEN, kindOpen, none, 0, none, none, 1, 2},
	{unix.SYS_CREAT, kindCreat, none, 0, none, none, none, 1},
	{unix.SYS_MKDIR, kindMkdir, none, 0, none, none, none, 1},
	{unix.SYS_MKNOD, kindMknod, none, 0, none, none, none, 1},
	{unix.SYS_RENAME, kindRename, none, 1, none, 0, none, none},
	{unix.SYS_RENAMEAT, kindRename, 2, 3, 0, 1, none, none},
	{unix.SYS_LINK, kindLink, none, 1, none, 0, none, none},
	{unix.SYS_SYMLINK, kindSymlink, none, 1, none, 0, none, none},
	{unix.SYS_UNLINK, kindRemove, none, 0, none, none, none, none},
	{unix.SYS_RMDIR, kindRemove, none, 0, none, none, none, none},
}
