# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts share: messages, the one build configuration, what has to be installed.
# Sourced, never run: `. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"`.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
binary="$root/.build/release/caravan"

# One configuration for tests, demo and figures. `swift test` needs --disable-testable-imports
# besides: without it every module is compiled a second time.
build_flags=(
    -c release
    --explicit-target-dependency-import-check error
    -Xswiftc -warnings-as-errors
    -Xcc -Wall -Xcc -Werror
)

# What the head of the running script says of it.
usage() { sed -n '3,/^set /s/^# \{0,1\}//p' "$root/scripts/${0##*/}"; }

# For scripts that take none: `no_arguments "$@"`.
no_arguments() {
    [ $# -gt 0 ] || return 0
    case "$1" in -h | --help)
        usage
        exit 0
        ;;
    esac
    usage >&2
    exit 64
}

# For scripts whose argument is a count, 1 to 99: `rounds="${1:-5}"; need_count "$rounds"`.
need_count() {
    case "$1" in [1-9] | [1-9][0-9]) ;; *) no_arguments "$1" ;; esac
}

say() { printf '==> %s\n' "$*" >&2; }

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Services and containers may come without HOME; the program asks for the account's then, too.
if [ -z "${XDG_CACHE_HOME:-}" ] && [ -z "${HOME:-}" ]; then
    HOME="$(getent passwd "$(id -u)" | cut -d: -f6)" || true
    [ -n "$HOME" ] || die "HOME is not set and the account has no home; set HOME or XDG_CACHE_HOME"
    export HOME
fi
cache="${XDG_CACHE_HOME:-$HOME/.cache}/caravan"

# For servers on this machine: the proxies of the environment would not find its own addresses.
curl_here() { curl --noproxy '*' "$@"; }

need_swift() {
    command -v swift >/dev/null ||
        die "swift is not on PATH; install Swift 6.2 or later from https://www.swift.org/install"
}

# Installs those of the named Debian packages that are missing; touches nothing if none is.
need_packages() {
    local missing=() package
    if ! command -v dpkg >/dev/null; then
        say "not Debian: assuming that the like of these is installed: $*"
        return
    fi
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)" = \
            "install ok installed" ] || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    local by=() log
    if [ "$(id -u)" != 0 ]; then
        # sudo may ask for a password only where somebody sits at a terminal.
        command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; } ||
            die "needs packages; run as root: apt-get install ${missing[*]}"
        by=(sudo)
    fi
    say "installing ${missing[*]}"
    log="$(mktemp)"
    if ! {
        "${by[@]}" apt-get update -q &&
            "${by[@]}" env DEBIAN_FRONTEND=noninteractive \
                apt-get install -q -y --no-install-recommends "${missing[@]}"
    } >"$log" 2>&1 </dev/null; then
        tail -n 5 "$log" >&2
        rm -f "$log"
        die "could not install packages; run as root: apt-get install ${missing[*]}"
    fi
    rm -f "$log"
}

# A model of `caravan synth` in the cache, written if it is not there: synthetic_model SHAPE TYPE.
# Named by the code that writes it, so that an old file is not taken for a new one.
synthetic_model() {
    local version path
    version="$(cat "$root"/Sources/Model/Synthesis/*.swift | sha256sum | cut -c1-8)"
    path="$cache/peers/$1-$2-$version.gguf"
    mkdir -p "$cache/peers"
    [ -f "$path" ] || "$binary" synth "$1" "$path" --type "$2" >&2 || die "no model $1 $2"
    printf '%s\n' "$path"
}

need_libraries() { need_packages libopenblas-dev libgnutls28-dev libmicrohttpd-dev; }

# Builds $binary, with what that needs.
build_caravan() {
    need_swift
    need_libraries
    say "building"
    swift build "${build_flags[@]}" --product caravan </dev/null >&2 || die "the build failed"
}

# Makes a directory for logs and the like, $work: make_work NAME. It goes when the script ends, but
# stays, with a word, where the script fails.
make_work() {
    work="$(mktemp -d "${TMPDIR:-/tmp}/caravan-$1.XXXXXX")"
    trap 'end_work "$?"' EXIT
}

end_work() {
    if [ "$1" = 0 ]; then rm -rf "$work"; else say "the logs are in $work"; fi
}
