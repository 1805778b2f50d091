package interp

// asleep waits until the kernel says that the last background list is stopped.
const asleep = `until grep -q '^State:.*T' /proc/$!/status; do :; done; `

// bashJobRows are about processes that stand for what the shell runs: they stop,
// go on and end by signals to their numbers, with job control or without.
var bashJobRows = []string{
	`set -m; { kill -STOP $BASHPID; echo on; } & wait $!; echo $?; jobs; kill -CONT %1; wait %1; echo $?`,
	`set -m; (kill -STOP $(exec sh -c 'echo $PPID'); echo on; exit 4); echo $?; jobs; fg >/dev/null; echo $?`,
	`set -m; (kill -TSTP $BASHPID; echo on; exit 4); echo $?; bg; wait %1; echo $?`,
	`set -m; (sleep 9; echo no) & kill -STOP %1; wait %1; kill -CONT %1; kill %1; wait %1; echo $?`,
	`set -m; (exec sleep 9) & kill %1; wait %1; echo $?`,
	`set -m; (exec sh -c 'kill -STOP $$; exit 3'); echo $?; jobs; fg >/dev/null; echo $?`,
	`set -m; (sh -c 'kill -STOP $$; exit 3'); echo $?; fg >/dev/null; echo $?`,
	`set -m; { echo $BASHPID $$; (echo $BASHPID; :); } | { read a b; read c; [ $a != $b ] && [ $c != $b ] && [ $c != $a ] && echo differ; }`,
	`set -m; sh -c 'kill -STOP $$'; jobs; jobs -l | sed 's/ *[0-9]* Stopped/ Stopped/'; bg; wait`,
	`set -m; sh -c 'kill -TTIN $$'; jobs; jobs -l | sed 's/ *[0-9]* Stopped/ Stopped/'; bg; wait`,
	`set -o posix; set -m; sh -c 'kill -STOP $$'; jobs; jobs -l | sed 's/ *[0-9]* Stopped/ Stopped/'; bg; wait`,
	`set -o posix; set -m; (exit 3) & while kill -0 $! 2>/dev/null; do :; done; jobs`,
	`{ echo 1; kill -STOP $BASHPID; echo 2; } >f & ` + asleep + `cat f; kill -CONT $!; wait $!; echo $?; cat f`,
	`{ echo 1; kill -STOP $BASHPID; echo 2; } >f & ` + asleep + `kill -KILL $!; wait $!; echo $?; cat f`,
	`{ trap 'echo cont' CONT; kill -STOP $BASHPID; echo on; } & ` + asleep + `kill -CONT $!; wait $!; echo $?`,
	`{ while :; do :; done; } & kill -STOP $!; ` + asleep + `kill -TERM $!; kill -CONT $!; wait $!; echo $?`,
	`(b=$BASHPID; { until grep -q '^State:.*T' /proc/$b/status; do :; done; echo off; kill -CONT $b; } & kill -STOP $b; echo on; wait); echo $?`,
	`(x=$(:; exec sh -c 'echo $PPID'); [ "$x" = $BASHPID ] && echo same; :)`,
	`(:; exec sh -c 'echo $PPID' >f); [ $(cat f) = $$ ] && echo same`,
}
