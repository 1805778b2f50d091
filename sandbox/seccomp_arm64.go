package sandbox

import "golang.org/x/sys/unix"

var nativeArch = archARM64

var archWatched = []watchedCall{
	{unix.SYS_RENAMEAT, kindCreate, 2, 3, -1},
	{unix.SYS_TRUNCATE, kindRemove, -1, 0, -1},
}
