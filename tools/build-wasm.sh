#!/bin/sh
# Compiles the participant to WebAssembly for web/core: OUT/conclave.wasm (build/wasm if none is
# given). Fails if the module asks its host for anything that is not in src/crypto/host/import.h, or
# is larger than a browser should have to fetch.
set -eu
cd "$(dirname "$0")/.."
out=${1:-build/wasm}
jobs=${JOBS:-$(nproc)}
most=$((150 * 1024)) # bytes, as compressed by gzip
work=$out/objects
mkdir -p "$work" "$out/include/conclave"

version=$(sed -n 's/^project(conclave VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
major=${version%%.*} rest=${version#*.}
sed -e "s/@PROJECT_VERSION_MAJOR@/$major/" -e "s/@PROJECT_VERSION_MINOR@/${rest%%.*}/" \
    -e "s/@PROJECT_VERSION_PATCH@/${rest##*.}/" -e "s/@PROJECT_VERSION@/$version/" \
    include/conclave/version.h.in > "$out/include/conclave/version.h"

flags="--target=wasm32-wasi --sysroot=/usr -isystem /usr/include/wasm32-wasi -std=c17 -Oz -flto
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wvla -Werror -ffile-prefix-map=$PWD=.
    -Iinclude -Isrc -I$out/include"

# One object for each file, made anew when the file or a header it includes has changed.
compile()
{
    object=$work/$(echo "$1" | tr / _).o
    if [ -f "$object.d" ] && [ -f "$object" ]; then
        fresh=yes
        for file in "$0" $(sed -e 's/^[^:]*://' -e 's/\\$//' "$object.d"); do
            [ "$object" -nt "$file" ] || fresh=no
        done
        [ $fresh = no ] || return 0
    fi
    clang-19 $flags -MMD -MF "$object.d" -c "$1" -o "$object"
}

if [ "${2:-}" = --compile ]; then
    compile "$3"
    exit
fi

sources=$(ls src/base/*.c src/wire/*.c src/crypto/*.c src/crypto/host/*.c src/mls/*.c src/sframe/*.c \
    src/identity/*.c src/signal/*.c src/meeting/*.c src/participant/*.c src/wasm/*.c)
printf '%s\n' $sources | xargs -n 1 -P "$jobs" "$0" "$out" --compile
objects=
for source in $sources; do objects="$objects $work/$(echo "$source" | tr / _).o"; done

# A reactor: no main, constructors run by _initialize. The stack is first in memory, so that running
# over it is a trap and not somebody's data.
clang-19 --target=wasm32-wasi --sysroot=/usr -flto -Oz -mexec-model=reactor \
    -Wl,--gc-sections -Wl,--strip-all -Wl,--stack-first -Wl,-z,stack-size=262144 \
    -Wl,--export=__stack_pointer -Wl,--fatal-warnings $objects -o "$out/conclave.wasm"

tools/check-wasm.py "$out/conclave.wasm" "$most"
