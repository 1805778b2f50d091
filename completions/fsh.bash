# bash completion for fsh
_fsh() {
	local cur=${COMP_WORDS[COMP_CWORD]} i word command= operand=
	# bash cuts words at '=', so --policy=x is three of them.
	if [[ $cur == = ]]; then
		cur=
		word=${COMP_WORDS[COMP_CWORD-1]}
	elif ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[COMP_CWORD-1]} == = ]]; then
		word=${COMP_WORDS[COMP_CWORD-2]}
	fi
	case $word in
	--policy | --events | --allow-read | --allow-write | --deny-read | --deny-write)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "${cur##*,}")
		return
		;;
	--allow-env | --deny-env)
		mapfile -t COMPREPLY < <(compgen -v -- "${cur##*,}")
		return
		;;
	--allow-exec | --deny-exec)
		mapfile -t COMPREPLY < <(compgen -c -- "${cur##*,}")
		return
		;;
	--allow-net | --deny-net)
		mapfile -t COMPREPLY < <(compgen -A hostname -- "${cur##*,}")
		return
		;;
	esac
	if [[ ${COMP_WORDS[COMP_CWORD-1]} == [-+]*o ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'allexport errexit ignoreeof monitor noclobber noexec noglob nolog notify nounset pipefail verbose vi xtrace' -- "$cur")
		return
	fi
	# Options end at the first operand; the one of -c is a command.
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--) operand=1 && break ;;
		--*) [[ ${COMP_WORDS[i+1]} == = ]] && ((i += 2)) ;;
		[-+]*o) ((i++)) ;;
		-*c*) command=1 ;;
		[-+]?*) ;;
		*) operand=1 && break ;;
		esac
	done
	if [[ $operand ]]; then
		compopt -o default
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W '--policy= --allow-read= --deny-read= --allow-write= --deny-write= --allow-net= --deny-net= --allow-env= --deny-env= --allow-exec= --deny-exec= --monitor --debug --events= --bash --login --posix --allow-weaker= --unsafe-no-sandbox --help --version -m -d -c -s -i -l -a -b -C -e -f -h -n -u -v -x -o' -- "$cur")
		[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
	elif [[ $command ]]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
	else
		compopt -o filenames
		# A subcommand is the very first argument.
		mapfile -t COMPREPLY < <(
			((COMP_CWORD == 1)) && compgen -W 'allow cache completion deny doctor help log policy quarantine trust untrust why' -- "$cur"
			compgen -f -- "$cur"
		)
	fi
}
complete -F _fsh fsh
