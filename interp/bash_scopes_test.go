package interp

// bashScopeRows are about whose variable a name is: assignments before
// declarations and functions, local variables, declare -g, what commands get.
var bashScopeRows = []string{
	`x1=foo declare x1; declare -p x1; x2=foo declare -i x2; declare -p x2; x7=foo declare -r x7=bar; declare -p x7; x10=o; x10=foo declare x10=bar; declare -p x10; x14=foo export -n x14; echo ${x14-unset}`,
	`x5=foo readonly x5; declare -p x5; x6=foo export x6; declare -p x6; x13=foo declare -i x13=4; declare -p x13; x16=foo declare -u x16; declare -p x16`,
	`set -o posix; x5=foo readonly x5; declare -p x5; y=1; y=2 :; declare -p y; f() { local v=l; v=2 :; declare -p v; }; v=o; f; declare -p v; foo=abc :; g() { typeset +x foo; printenv foo; declare -p foo; }; g`,
	`z=o; f() { z=y typeset z; declare -p z; }; f; declare -p z; f() { z=y typeset z=q; declare -p z; }; f; declare -p z; f() { z=y local -i z; declare -p z; }; f; declare -p z; f() { local z=l; z=y export z; declare -p z; }; f; declare -p z`,
	`f() { local v; declare -g v=1; echo "[$v]"; }; f; echo $v; f() { local v=l; declare -gi v=1+1; declare -p v; }; f; declare -p v; f() { local v=l; declare -ga v=(1 2); declare -p v; }; f; declare -p v; unset v`,
	`f() { local v=l; g; declare -p v; }; g() { declare -g v+=5; local v=3; declare -g v+=6; declare -p v; }; v=9; f; declare -p v; f() { declare -g u=5; unset u; }; u=1 f; declare -p u`,
	`f() { local IFS=; declare -g IFS=:; v=a:b; echo $v; }; f; v=c:d; echo $v; f() { local v=l; declare -gr v=5; v=7; declare -p v; }; f; declare -p v`,
	`f() { local u=1; readonly u; g; }; g() { local u=2; u=3; declare -p u; h; declare -p u; }; h() { local u; u=(1 2); local -a u; declare -p u; }; f; readonly R=1; f() { local R=2; declare -p R; }; f 2>/dev/null; f() { local R3; g; }; g() { readonly R3=2; local R3=3; declare -p R3; }; f`,
	`export V=abc; f() { local V=1; declare +x V; printenv V; declare -p V; }; f; f() { local V; printenv V; declare -p V; }; f; f() { local V=5; printenv V; (printenv V; V=6; printenv V); }; f; f() { local +x V; printenv V; echo $(printenv V); (export V=7; env | grep ^V=); }; f; f() { local V=3; g; }; g() { local V; printenv V; }; f`,
	`v=g; f() { local v=x; unset v; declare -p v; [[ -v v ]]; echo $?; v=4; declare -p v; }; f; echo $v; f() { local v=x; unset v v; echo ${v-u}; }; f; f() { local -A v=([a]=1); unset v; v=(3); declare -p v; }; f; echo $v; v=t f; f() { local v=x; unset v; declare -p v; }; v=t f`,
	`exec 2>/dev/null; v[0]=1 v[1+1]=2 env | grep ^v; v[0]=3 :; echo ${v-u}; f() { echo "${v[@]-u}"; }; v[1]=1 w=2 f; echo ${v-u}; declare -A m; m[k]=1 f; echo ${m[@]}`,
	`IGNOREEOF=7; shopt -o ignoreeof; echo $SHELLOPTS; set +o ignoreeof; echo ${IGNOREEOF-u}; set -o ignoreeof; echo $IGNOREEOF; IGNOREEOF=3; set -o ignoreeof; echo $IGNOREEOF; unset IGNOREEOF; shopt -o ignoreeof; f() { local IGNOREEOF=3; shopt -o ignoreeof; }; f; shopt -o ignoreeof; f() { local -; set +o ignoreeof; echo ${IGNOREEOF-u}; }; IGNOREEOF=0; f; echo ${IGNOREEOF-u}`,
	`var=global; declare -i w=4; f() { local -I var w; declare -p var w; w+=1; declare -p w; local -I q; declare -p q; }; f; declare -I var w; declare -p var w`,
	`foo=help; declare -A foo=([zero]=z [one]=o); declare -p foo; foo=([two]=2 [three]=3 [zero]=0 [one]=1); declare -p foo; unset foo; declare -A foo=([zero]=z [one]=o); declare -p foo; bar=4; declare -A bar; bar[zero]=1 bar[one]=2; declare -p bar`,
}
