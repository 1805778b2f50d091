package interp

// bashCompleteRows are about complete, compgen and compopt in scripts.
var bashCompleteRows = []string{
	`compgen -W 'aa ab bc' a; echo $?; compgen -W 'x y' z; echo $?; compgen -W 'aa ab' -P '<' -S '>' -- a; compgen -W '"a b" c'; IFS=$'\n' compgen -W $'a b\nc d'; v=3; compgen -W '$v $(echo q r) "$v x"'`,
	`touch f1 f2 g; mkdir d1 d2; compgen -f f | sort; compgen -d | sort; compgen -G 'f*' | sort; compgen -f -X '*1' f; compgen -f -X '!*1' f; compgen -A file d | sort`,
	`fa() { :; }; fb() { :; }; compgen -A function f; compgen -b ec; compgen -k wh; compgen -A shopt ext; compgen -A setopt no; alias zz=1; compgen -a z; xyz1=1; xyz2=2; compgen -v xyz; export xyz1; compgen -e xyz; compgen -A arrayvar xyz; declare -a xyza; compgen -A arrayvar xyz; compgen -A signal SIGT; compgen -c echo | sort -u | head -3`,
	`c() { COMPREPLY=("$1" "$2" "$3" x); }; compgen -F c w; echo $?; compgen -C 'echo a; echo b' w; compgen -W '' ; echo $?; compgen -A nosuch; echo $?; compgen; echo $?`,
	`complete -W 'a b' foo bar; complete -p foo; complete -p bar nosuch; echo $?; complete -r foo; complete -p foo; echo $?; complete -F fn -o nospace -o default x; complete -p x; complete -D -f; complete -E -W q; complete -p -D; complete -p -E; complete -I -a; complete -p; complete -r nosuch; echo $?; complete -r; complete; echo $?`,
	`complete foo; complete -p foo; complete -A bad foo; echo $?; complete -o bad foo; echo $?; complete -f -- -x; complete -p -- -x; complete -X "it's" -f 'a b'; complete -p 'a b'; complete -f; echo $?`,
	`complete -o nospace -F f cmd; compopt cmd; echo $?; compopt +o nospace -o filenames cmd; complete -p cmd; compopt nosuch; echo $?; compopt -o bad cmd; echo $?; compopt -o nospace; echo $?`,
	`complete -c -f -v -j -k -u -g -s -e -d -b -a -A stopped -A running -A function -A hostname -A helptopic -A enabled -A disabled -A binding -A arrayvar -A setopt -A shopt -A signal x; complete -p x; complete -G 'a*' -W w -P p -S s -X x -C cc -F ff y; complete -p y; complete -A file -A directory -A alias z; complete -p z`,
	`compgen -A signal; compgen -A signal SIGR | head -3; compgen -A signal JUNK; echo $?`,
	`for i in a b c d e f g h one two three four ls cat; do complete -f $i; done; complete`,
}
