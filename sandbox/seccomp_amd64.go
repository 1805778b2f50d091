package sandbox

import "golang.org/x/sys/unix"

var nativeArch = archAMD64

// archWatched are the calls without a directory argument.
var archWatched = []watchedCall{
	{unix.SYS_OPEN, kindOpen, -1, 0, 1},
	{unix.SYS_CREAT, kindCreate, -1, 0, -1},
	{unix.SYS_MKDIR, kindCreate, -1, 0, -1},
	{unix.SYS_MKNOD, kindCreate, -1, 0, -1},
	{unix.SYS_RENAME, kindCreate, -1, 1, -1},
	{unix.SYS_RENAMEAT, kindCreate, 2, 3, -1},
	{unix.SYS_LINK, kindCreate, -1, 1, -1},
	{unix.SYS_SYMLINK, kindCreate, -1, 1, -1},
	{unix.SYS_UNLINK, kindRemove, -1, 0, -1},
	{unix.SYS_RMDIR, kindRemove, -1, 0, -1},
	{unix.SYS_TRUNCATE, kindRemove, -1, 0, -1},
}
