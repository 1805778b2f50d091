package sandbox

// The calls that every process needs or that harm nobody, by what decides
// about them instead. Whatever is neither here nor in seccompRows does not
// exist for a command (ENOSYS): calls of kernels newer than this table, and
// the relics that only old programs knew.
//
// Numbers: asm/unistd_64.h of amd64, asm-generic/unistd.h for arm64; no: the
// architecture has no such call. A test compares them with another table.

var allowedCalls = []kernelCall{
	// Descriptors and what they lead to: mounts and Landlock decided when they were opened.
	{"read", 0, 63}, {"write", 1, 64}, {"readv", 19, 65}, {"writev", 20, 66}, {"pread64", 17, 67},
	{"pwrite64", 18, 68}, {"preadv", 295, 69}, {"pwritev", 296, 70}, {"preadv2", 327, 286}, {"pwritev2", 328, 287},
	{"lseek", 8, 62}, {"close", 3, 57}, {"close_range", 436, 436}, {"dup", 32, 23}, {"dup2", 33, no},
	{"dup3", 292, 24}, {"fcntl", 72, 25}, {"flock", 73, 32}, {"fsync", 74, 82}, {"fdatasync", 75, 83},
	{"sync", 162, 81}, {"syncfs", 306, 267}, {"sync_file_range", 277, 84}, {"ftruncate", 77, 46},
	{"fallocate", 285, 47}, {"fadvise64", 221, 223}, {"readahead", 187, 213}, {"sendfile", 40, 71},
	{"splice", 275, 76}, {"tee", 276, 77}, {"vmsplice", 278, 75}, {"copy_file_range", 326, 285},
	{"cachestat", 451, 451}, {"fstat", 5, 80}, {"fstatfs", 138, 44}, {"getdents", 78, no}, {"getdents64", 217, 61},
	{"pipe", 22, no}, {"pipe2", 293, 59}, {"poll", 7, no}, {"ppoll", 271, 73}, {"select", 23, no},
	{"pselect6", 270, 72}, {"epoll_create", 213, no}, {"epoll_create1", 291, 20}, {"epoll_ctl", 233, 21},
	{"epoll_wait", 232, no}, {"epoll_pwait", 281, 22}, {"epoll_pwait2", 441, 441}, {"eventfd", 284, no},
	{"eventfd2", 290, 19}, {"signalfd", 282, no}, {"signalfd4", 289, 74}, {"timerfd_create", 283, 85},
	{"timerfd_settime", 286, 86}, {"timerfd_gettime", 287, 87}, {"inotify_init", 253, no}, {"inotify_init1", 294, 26},
	{"inotify_add_watch", 254, 27}, {"inotify_rm_watch", 255, 28}, {"io_setup", 206, 0}, {"io_destroy", 207, 1},
	{"io_submit", 209, 2}, {"io_cancel", 210, 3}, {"io_getevents", 208, 4}, {"io_pgetevents", 333, 292},
	{"memfd_create", 319, 279}, {"memfd_secret", 447, 447},

	// Names: mounts and Landlock decide.
	{"stat", 4, no}, {"lstat", 6, no}, {"newfstatat", 262, 79}, {"statx", 332, 291}, {"statfs", 137, 43},
	{"ustat", 136, no}, {"access", 21, no}, {"faccessat", 269, 48}, {"faccessat2", 439, 439}, {"readlink", 89, no},
	{"readlinkat", 267, 78}, {"getcwd", 79, 17}, {"chdir", 80, 49}, {"fchdir", 81, 50}, {"truncate", 76, 45},
	{"rename", 82, no}, {"renameat", 264, 38}, {"renameat2", 316, 276}, {"rmdir", 84, no}, {"link", 86, no},
	{"mkdir", 83, no}, {"mkdirat", 258, 34},
	{"linkat", 265, 37}, {"unlink", 87, no}, {"unlinkat", 263, 35}, {"symlink", 88, no}, {"symlinkat", 266, 36},
	{"chown", 92, no}, {"fchown", 93, 55}, {"lchown", 94, no}, {"fchownat", 260, 54}, {"umask", 95, 166},
	{"utime", 132, no}, {"utimes", 235, no}, {"futimesat", 261, no}, {"utimensat", 280, 88}, {"setxattr", 188, 5},
	{"lsetxattr", 189, 6}, {"fsetxattr", 190, 7}, {"setxattrat", 463, 463}, {"getxattr", 191, 8},
	{"lgetxattr", 192, 9}, {"fgetxattr", 193, 10}, {"getxattrat", 464, 464}, {"listxattr", 194, 11},
	{"llistxattr", 195, 12}, {"flistxattr", 196, 13}, {"listxattrat", 465, 465}, {"removexattr", 197, 14},
	{"lremovexattr", 198, 15}, {"fremovexattr", 199, 16}, {"removexattrat", 466, 466}, {"file_getattr", 468, 468},
	{"name_to_handle_at", 303, 264}, {"statmount", 457, 457}, {"listmount", 458, 458},

	// Memory.
	{"mmap", 9, 222}, {"mprotect", 10, 226}, {"munmap", 11, 215}, {"brk", 12, 214}, {"mremap", 25, 216},
	{"msync", 26, 227}, {"mincore", 27, 232}, {"madvise", 28, 233}, {"mlock", 149, 228}, {"mlock2", 325, 284},
	{"munlock", 150, 229}, {"mlockall", 151, 230}, {"munlockall", 152, 231}, {"remap_file_pages", 216, 234},
	{"mbind", 237, 235}, {"set_mempolicy", 238, 237}, {"get_mempolicy", 239, 236},
	{"set_mempolicy_home_node", 450, 450}, {"membarrier", 324, 283}, {"pkey_mprotect", 329, 288},
	{"pkey_alloc", 330, 289}, {"pkey_free", 331, 290}, {"mseal", 462, 462}, {"map_shadow_stack", 453, 453},

	// Processes, threads and signals: the pid namespace and Landlock's scope decide whom they reach.
	{"fork", 57, no}, {"vfork", 58, no}, {"execve", 59, 221}, {"execveat", 322, 281}, {"exit", 60, 93},
	{"exit_group", 231, 94}, {"wait4", 61, 260}, {"waitid", 247, 95}, {"getpid", 39, 172}, {"getppid", 110, 173},
	{"gettid", 186, 178}, {"getpgid", 121, 155}, {"setpgid", 109, 154}, {"getpgrp", 111, no}, {"getsid", 124, 156},
	{"setsid", 112, 157}, {"set_tid_address", 218, 96}, {"set_robust_list", 273, 99}, {"futex", 202, 98},
	{"futex_wait", 455, 455}, {"futex_wake", 454, 454}, {"futex_requeue", 456, 456}, {"futex_waitv", 449, 449},
	{"rseq", 334, 293}, {"rseq_slice_yield", 471, 471}, {"arch_prctl", 158, no}, {"prctl", 157, 167},
	{"restart_syscall", 219, 128}, {"kill", 62, 129}, {"tkill", 200, 130}, {"tgkill", 234, 131},
	{"pidfd_open", 434, 434}, {"pidfd_send_signal", 424, 424}, {"rt_sigaction", 13, 134}, {"rt_sigprocmask", 14, 135},
	{"rt_sigreturn", 15, 139}, {"rt_sigpending", 127, 136}, {"rt_sigtimedwait", 128, 137},
	{"rt_sigqueueinfo", 129, 138}, {"rt_tgsigqueueinfo", 297, 240}, {"rt_sigsuspend", 130, 133},
	{"sigaltstack", 131, 132}, {"pause", 34, no}, {"alarm", 37, no}, {"getitimer", 36, 102}, {"setitimer", 38, 103},
	{"uretprobe", 335, no}, {"uprobe", 336, no}, {"sched_yield", 24, 124}, {"sched_setparam", 142, 118},
	{"sched_getparam", 143, 121}, {"sched_setscheduler", 144, 119}, {"sched_getscheduler", 145, 120},
	{"sched_get_priority_max", 146, 125}, {"sched_get_priority_min", 147, 126}, {"sched_rr_get_interval", 148, 127},
	{"sched_setaffinity", 203, 122}, {"sched_getaffinity", 204, 123}, {"sched_setattr", 314, 274},
	{"sched_getattr", 315, 275}, {"getpriority", 140, 141}, {"setpriority", 141, 140}, {"ioprio_set", 251, 30},
	{"ioprio_get", 252, 31}, {"getrlimit", 97, 163}, {"setrlimit", 160, 164}, {"getrusage", 98, 165},
	{"times", 100, 153}, {"getcpu", 309, 168},

	// Users: nothing is gained without capabilities and with no_new_privs.
	{"getuid", 102, 174}, {"geteuid", 107, 175}, {"getgid", 104, 176}, {"getegid", 108, 177}, {"getresuid", 118, 148},
	{"getresgid", 120, 150}, {"getgroups", 115, 158}, {"setuid", 105, 146}, {"setgid", 106, 144},
	{"setreuid", 113, 145}, {"setregid", 114, 143}, {"setresuid", 117, 147}, {"setresgid", 119, 149},
	{"setfsuid", 122, 151}, {"setfsgid", 123, 152}, {"setgroups", 116, 159}, {"capget", 125, 90}, {"capset", 126, 91},

	// Restricting oneself further.
	{"seccomp", 317, 277}, {"landlock_create_ruleset", 444, 444}, {"landlock_add_rule", 445, 445},
	{"landlock_restrict_self", 446, 446}, {"lsm_get_self_attr", 459, 459}, {"lsm_list_modules", 461, 461},

	// Time, and what the machine is. The clocks need a capability to be changed.
	{"gettimeofday", 96, 169}, {"time", 201, no}, {"clock_gettime", 228, 113}, {"clock_getres", 229, 114},
	{"nanosleep", 35, 101}, {"clock_nanosleep", 230, 115}, {"adjtimex", 159, 171}, {"clock_adjtime", 305, 266},
	{"timer_create", 222, 107}, {"timer_settime", 223, 110}, {"timer_gettime", 224, 108},
	{"timer_getoverrun", 225, 109}, {"timer_delete", 226, 111}, {"uname", 63, 160}, {"sysinfo", 99, 179},
	{"getrandom", 318, 278},

	// Connected and unconnected sockets: what families there are is socketRule's to say.
	{"connect", 42, 203}, {"accept", 43, 202}, {"accept4", 288, 242}, {"bind", 49, 200}, {"listen", 50, 201},
	{"sendto", 44, 206}, {"sendmsg", 46, 211}, {"sendmmsg", 307, 269}, {"recvfrom", 45, 207}, {"recvmsg", 47, 212},
	{"recvmmsg", 299, 243}, {"shutdown", 48, 210}, {"getsockname", 51, 204}, {"getpeername", 52, 205},
	{"setsockopt", 54, 208}, {"getsockopt", 55, 209},

	// System V and POSIX queues: the ipc namespace is the session's.
	{"shmget", 29, 194}, {"shmat", 30, 196}, {"shmdt", 67, 197}, {"shmctl", 31, 195}, {"semget", 64, 190},
	{"semop", 65, 193}, {"semtimedop", 220, 192}, {"semctl", 66, 191}, {"msgget", 68, 186}, {"msgsnd", 69, 189},
	{"msgrcv", 70, 188}, {"msgctl", 71, 187}, {"mq_open", 240, 180}, {"mq_unlink", 241, 181},
	{"mq_timedsend", 242, 182}, {"mq_timedreceive", 243, 183}, {"mq_notify", 244, 184}, {"mq_getsetattr", 245, 185},
}
