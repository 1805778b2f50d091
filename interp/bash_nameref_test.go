package interp

// bashNamerefRows are about names that refer to others: to variables, to
// elements of arrays, to nothing yet.
var bashNamerefRows = []string{
	`x=(zero one two); declare -n foo='x[2]'; foo=seven; declare -p x; foo+=X; declare -p x; echo $foo ${foo/X/Y} ${foo:1:2} "${foo^^}" ${!foo} ${foo:-d} ${foo+set}; read foo <<<new; declare -p x; printf -v foo %s 5; echo $((foo+1)) $((foo++)) $foo; ((foo=9)); declare -p x; i=foo; echo $((i)); unset foo; declare -p x foo; echo ${foo-unset}; foo=back; declare -p x`,
	`declare -A m=([a]=1 [b]=2); declare -n r='m[a]'; r=5; r+=6; declare -p m; echo $r $((r)); unset r; declare -p m; declare -i a=(4 5); declare -n b='a[0]'; b+=2; b=b+1; declare -p a b; declare -n c=b; c=1; declare -p a`,
	`first="I f" second="I s"; declare -n ref=first; for ref in first second third; do echo "${!ref}: ${ref-unset}"; done; declare -p ref; v1=1 v2=2; declare -n v=v1; for v in v1 v2; do v=$v.; done; echo $v1 $v2; declare -n n; for n in a b; do echo ${!n}; done; for n in 1x; do echo no; done 2>/dev/null; declare -p n`,
	`f() { declare -n l=$1; l=new; l[1]=q; }; x=(1 2); f x; declare -p x; f 'm[b]' 2>/dev/null; declare -p m; set -- 4; g() { local -n l=$1; echo $l; l=9; }; g 'x[1]'; declare -p x; readonly R=(1); h() { local -n l='R[0]'; l=2; }; h 2>/dev/null; echo $? ${R[0]}`,
	`exec 2>/dev/null; x=(a b); declare -n u='x[1]'; export u; readonly u; declare -p u x; u=3; echo $? ${x[1]}; declare -n w=zz[3]; w=1; declare -p zz; w[2]=3; echo $?; declare -p zz`,
	`exec 2>/dev/null; declare -n bad=1x; echo $?; declare -n bad='x[1'; echo $?; declare -p bad; arr=(1); declare -n arr=x; echo $?; declare -p arr; declare -n self=self; echo $?; declare -n e; e=1x; echo $?; e=hello; declare -p e; e=world; declare -p e hello; declare +n e; declare -p e; e=q; declare -p e hello`,
	`s=4; declare -n s=x; x=5; echo $s; declare -p s; s2=text; declare -n s2; declare -p s2; echo ${s2-u}; declare -n k=arr2; k=(1 2 3); k+=(4); unset k[1]; echo ${!k[@]} ${k[@]:1:2} ${#k[@]}; declare -a k; declare -p k arr2; declare -n t='arr2[@]'; echo $t "${t}"`,
	`exec 2>/dev/null; typeset -n a=b b; b=a[1]; (a=foo); (echo "$a" "$b" ${#a} $((a))); (unset a); (a+=x; read a <<<y); [[ -v a ]]; echo alive`,
	`exec 2>/dev/null; declare -n t='t[0]'; t=1; echo alive`,
	`exec 2>/dev/null; f() { local -n v=$1; echo "$v"; v=inside; v+=x; echo "${v}"; ((v2=1)); }; v=global; f v; echo $v`,
	`exec 2>/dev/null; f() { local -n a=$1; echo "${#a[@]} ${a[1]}"; a+=(3); a[0]=z; unset 'a[1]'; echo "${a[@]}"; for i in "${a[@]}"; do echo $i; done; }; a=(1 2); f a; declare -p a`,
	`exec 2>/dev/null; f() { local -n m=$1; m[k]=v; echo "${!m[@]}"; }; declare -A m=([a]=1); f m; declare -p m`,
	`exec 2>/dev/null; f() { local -n u=$1; u=5; echo $u; }; f u; echo "${u-unset}"`,
	`exec 2>/dev/null; g() { local -n r=$1; r=done; }; f() { local r=q; g r; echo $r; }; r=glob; f; echo $r`,
	`exec 2>/dev/null; f() { local -n x=$1; x=1; ( x=2; echo $x ); echo $x; printf -v x %s 7; read x <<< 8; echo $x; }; x=0; f x; echo $x`,
	`exec 2>/dev/null; bar=one; foo=bar; typeset -n foo; typeset +n foo=other; echo ${foo} $bar; declare -p foo bar`,
	`exec 2>/dev/null; declare -n r=t; t=1; declare +n r; declare -p r; declare -n r=t; declare -i r; declare -p r t; r=2+3; declare -p r t; declare +i r; declare -x r; declare -p r t; declare -r r; declare -p r t; r=5; echo $?`,
	`exec 2>/dev/null; declare -n r=t; declare r=5; declare -p r t; declare -a r; declare -p r t; local r=1; f() { declare r=6; declare -p r; }; f; f() { local r; r=7; declare -p r; }; f; declare -p t`,
	`exec 2>/dev/null; declare -n v=(a b); echo $?; declare -p v; declare -n w; w=(c d); declare -p w; declare -an k; echo $?; declare -p k`,
	`exec 2>/dev/null; declare -n v=w; declare -n w=x; declare -n x=v; (x=4; echo no); echo alive $?`,
}
