# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# How the program of Tests/KernelChecks is built and run. Sourced after lib.sh, never run.

kernel_checks="$root/.build/kernel-checks"
quant_fixtures="$root/Tests/EngineTests/Fixtures/quants.json"

# The clang that Swift brings, whatever stands before it on PATH.
swift_clang() {
    local resources
    resources="$(swift -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')"
    [ -x "$resources/../../bin/clang" ] || die "no clang beside swift; is the toolchain whole?"
    (cd "$resources/../../bin" && echo "$PWD/clang")
}

# compile_kernel_check NAME FLAG...: objects of the kernels and of the checks with these flags, in
# the folder NAME of $kernel_checks. Compiles what has changed.
compile_kernel_check() {
    local folder="$kernel_checks/$1" clang newest object source wanted stale=()
    shift
    clang="$(swift_clang)"
    wanted="$(printf '"%s"\n' -std=gnu17 -ffp-contract=off -Wall -Wextra -Werror -g1 \
        -I "$root/Sources/CKernels/include" "$@")"
    mkdir -p "$folder"
    if [ "$wanted" != "$(cat "$folder/flags" 2>/dev/null)" ]; then
        rm -f "$folder"/*.o
        echo "$wanted" >"$folder/flags"
    fi
    newest="$(find "$clang" "$root/Sources/CKernels" "$root/Tests/KernelChecks" \
        \( -name '*.h' -o -path "$clang" \) -printf '%T@ %p\n' | sort -n | tail -n 1)"
    newest="${newest#* }"
    for source in "$root"/Sources/CKernels/*.c "$root"/Tests/KernelChecks/*.c; do
        object="$folder/$(basename "$source" .c).o"
        if [ ! "$object" -nt "$source" ] || [ ! "$object" -nt "$newest" ]; then
            stale+=("$source" "$object")
        fi
    done
    [ "${#stale[@]}" -gt 0 ] || return 0
    # shellcheck disable=SC2016
    printf '%s\0' "${stale[@]}" | xargs -0 -n 2 -P "$(nproc)" sh -c \
        '"$0" @"$1" -c "$2" -o "$3.new" && mv "$3.new" "$3"' "$clang" "$folder/flags"
}

# The program for this machine, as it is released: $kernel_checks/plain/kernel-check.
build_plain_kernel_check() {
    compile_kernel_check plain -O3
    "$(swift_clang)" -fuse-ld=lld "$kernel_checks"/plain/*.o -lm \
        -o "$kernel_checks/plain/kernel-check"
}
