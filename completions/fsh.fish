# fish completion for fsh

# Options end at the first operand.
function __fsh_in_options
    set -l skip
    for word in (commandline -opc)[2..-1]
        if set -q skip[1]
            set -e skip[1]
            continue
        end
        switch $word
            case --
                return 1
            case '--*'
            case '-*o' '+*o'
                set skip x
            case '-?*' '+?*'
            case '*'
                return 1
        end
    end
end

function __fsh_command
    __fsh_in_options
    and string match -qr -- '^-[^-]*c' (commandline -opc)[2..-1]
end

complete -c fsh -n __fsh_in_options -l policy -r -F -d 'Policy file, in place of the user\'s'
complete -c fsh -n __fsh_in_options -l allow-read -r -F -d 'Let paths be read'
complete -c fsh -n __fsh_in_options -l deny-read -r -F -d 'Hide paths'
complete -c fsh -n __fsh_in_options -l allow-write -r -F -d 'Let paths be written'
complete -c fsh -n __fsh_in_options -l deny-write -r -F -d 'Keep paths from being written'
complete -c fsh -n __fsh_in_options -l allow-net -x -a '(__fish_print_hostnames)' -d 'Let hosts be reached'
complete -c fsh -n __fsh_in_options -l deny-net -x -a '(__fish_print_hostnames)' -d 'Keep hosts from being reached'
complete -c fsh -n __fsh_in_options -l allow-env -x -a '(set -n)' -d 'Pass variables on'
complete -c fsh -n __fsh_in_options -l deny-env -x -a '(set -n)' -d 'Drop variables'
complete -c fsh -n __fsh_in_options -l allow-exec -x -a '(__fish_complete_command)' -d 'Lift a denial of a command'
complete -c fsh -n __fsh_in_options -l deny-exec -x -a '(__fish_complete_command)' -d 'Keep a command from being run'
complete -c fsh -n __fsh_in_options -s m -l monitor -d 'Explain what was blocked'
complete -c fsh -n __fsh_in_options -s d -l debug -d 'Show what was allowed, too'
complete -c fsh -n __fsh_in_options -l events -r -F -d 'Write events as JSON lines'
complete -c fsh -n __fsh_in_options -l bash -d 'Bash\'s extensions'
complete -c fsh -n __fsh_in_options -l posix -d 'Never bash\'s extensions'
complete -c fsh -n __fsh_in_options -s l -l login -d 'Read the profiles first'
complete -c fsh -n __fsh_in_options -l allow-weaker -x -a 'mounts net commands limits' -d 'Go on without a layer that the machine lacks'
complete -c fsh -n __fsh_in_options -l unsafe-no-sandbox -d 'Run everything unconfined'
complete -c fsh -n __fsh_in_options -l help -d 'Show the options'
complete -c fsh -n __fsh_in_options -l version -d 'Show the version'
complete -c fsh -n __fsh_in_options -s c -d 'The first operand is a command'
complete -c fsh -n __fsh_in_options -s s -d 'Read commands from standard input'
complete -c fsh -n __fsh_in_options -s i -d 'Interactive'
complete -c fsh -n __fsh_in_options -s a -d 'Export all variables'
complete -c fsh -n __fsh_in_options -s b -d 'Tell at once when jobs end'
complete -c fsh -n __fsh_in_options -s C -d 'Do not overwrite files'
complete -c fsh -n __fsh_in_options -s e -d 'Exit when a command fails'
complete -c fsh -n __fsh_in_options -s f -d 'No pathname expansion'
complete -c fsh -n __fsh_in_options -s h -d 'Remember where commands are'
complete -c fsh -n __fsh_in_options -s n -d 'Read, but do not run'
complete -c fsh -n __fsh_in_options -s u -d 'Unset variables are errors'
complete -c fsh -n __fsh_in_options -s v -d 'Show input'
complete -c fsh -n __fsh_in_options -s x -d 'Show commands'
complete -c fsh -n __fsh_in_options -s o -x -a 'allexport errexit ignoreeof monitor noclobber noexec noglob nolog notify nounset pipefail verbose vi xtrace' -d 'Switch on an option'
complete -c fsh -n __fsh_command -a '(__fish_complete_command)'
complete -c fsh -n 'test (count (commandline -opc)) -eq 1' -a 'allow cache completion deny doctor help log policy quarantine trust untrust why' -d 'Subcommand'
