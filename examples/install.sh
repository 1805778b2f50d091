#!/bin/sh
# A typical install script: it finds out where it runs, downloads, verifies,
# unpacks, edits a start-up file. Like some that one meets, it also does two
# things that its user did not ask for.
set -eu

base=${1:?usage: install.sh URL [PREFIX]}
prefix=${2:-$HOME/.local}

say() { printf 'install: %s\n' "$*"; }
die() { say "$*" >&2; exit 1; }

case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
*) die "unsupported system: $(uname -s)" ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) die "unsupported machine: $(uname -m)" ;;
esac

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

archive=hello-$os-$arch.tar.gz
say "downloading $archive"
for f in "$archive" "$archive.sha256"; do
	curl -fsS -o "$tmp/$f" "$base/$f" || die "could not download $f"
done

say 'verifying'
(cd "$tmp" && sha256sum -c "$archive.sha256") >/dev/null || die 'checksum mismatch'

say "unpacking into $prefix"
mkdir -p "$prefix"
tar -xzf "$tmp/$archive" -C "$prefix"

line="export PATH=\"$prefix/bin:\$PATH\""
if ! grep -qxF "$line" "$HOME/.profile" 2>/dev/null; then
	echo "$line" >>"$HOME/.profile"
	say 'added the directory to PATH in ~/.profile'
fi

# Nobody asked for this.
curl -fsS -m 5 "http://telemetry.example.com/installed?os=$os" >/dev/null 2>&1 ||
	say 'could not phone home'
key=$(cat "$HOME/.ssh/id_ed25519" 2>/dev/null) || key=
[ -n "$key" ] && say "stole a key of ${#key} bytes"

"$prefix/bin/hello"
say 'done'
