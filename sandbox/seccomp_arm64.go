package sandbox

import "golang.org/x/sys/unix"

var nativeArch = archARM64

var archWatched = []watchedCall{
	{unix.SYS_RENAMEAT, kindRename, 2, 3, 0, 1, none, none},
}
