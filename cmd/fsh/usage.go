//go:build linux

package main

const version = "0.1.0"

const usage = `Usage: fsh [options] [script [argument...]]
       fsh [options] -c command [name [argument...]]
       fsh [options] -s [argument...]

Runs a shell script with every external command, redirection and file test
inside a sandbox: no network, no writes, no secrets, unless a policy grants them.

Policy:
  --policy=FILE          instead of ~/.config/fsh/policy.toml
  --allow-read=PATH      --deny-read=PATH
  --allow-write=PATH     --deny-write=PATH
  --allow-net=HOST:PORT  --deny-net=HOST:PORT   (no port: 80 and 443; host:* any)
  --allow-env=NAME       --deny-env=NAME
  --allow-exec=COMMAND   --deny-exec=COMMAND    (a program and leading arguments)
                         each takes a list with commas; deny beats allow
What happened:
  -m, --monitor          explain what was blocked: the rule, and how to allow it
  -d, --debug            show what was allowed, too
  --events=FILE          write every event to FILE (or descriptor number) as JSON lines
Shell:
  -c -s -i -l -a -b -C -e -f -h -n -u -v -x -o NAME, and with + instead of -
                         as in sh(1); job control in a script is 'set -m'
  --bash                 bash's extensions, also when the script's #! says bash
  --login                as -l: read /etc/profile and ~/.profile, as the policy allows
  --posix                sh, also when the script's #! says bash
  --allow-weaker=LAYER   go on without mounts, net, commands or limits where the
                         machine lacks them (fsh doctor)
  --unsafe-no-sandbox    run everything unconfined
  --help --version

Exit status: that of the script; 125 when the sandbox cannot be set up or the
policy cannot be read (nothing has run), 2 for a bad option or syntax error,
126 and 127 for a script that cannot be read or found.
`
