#!/bin/sh
# Installs a build into an empty folder and uses it as a stranger would: through pkg-config, shared
# and static, and through CMake's find_package.
#
#   install_test.sh BUILD_DIR CC CFLAGS CMAKE
set -eu
build=$1 cc=$2 cflags=$3 cmake=$4
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

fail()
{
    echo "FAILED: $*"
    exit 1
}

"$cmake" --install "$build" --prefix "$prefix" > "$work/install.log" ||
    { cat "$work/install.log"; fail "cmake --install"; }
libdir=$(dirname "$(find "$prefix" -name libconclave.a)")
for header in "$here"/../../include/conclave/*.h; do
    [ -f "$prefix/include/conclave/$(basename "$header")" ] || fail "not installed: $header"
done

export PKG_CONFIG_PATH="$libdir/pkgconfig"
unset DESTDIR || true

echo "# each public header stands alone, in C and in C++"
for header in "$prefix"/include/conclave/*.h; do
    echo "#include <conclave/$(basename "$header")>" > "$work/alone.c"
    $cc -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only $(pkg-config --cflags conclave) \
        "$work/alone.c" || fail "$header in C"
    ! command -v g++ > /dev/null || g++ -x c++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only \
        $(pkg-config --cflags conclave) "$work/alone.c" || fail "$header in C++"
done

echo "# pkg-config, shared"
$cc $cflags "$here/consumer/main.c" -o "$work/shared" $(pkg-config --cflags --libs conclave)
LD_LIBRARY_PATH=$libdir "$work/shared"
LD_LIBRARY_PATH=$libdir ldd "$work/shared" | grep -q "$libdir/libconclave.so.0" ||
    fail "the shared program does not use the installed library"

echo "# pkg-config, static"
mkdir "$work/static-only"
cp "$libdir/libconclave.a" "$work/static-only/"
$cc $cflags "$here/consumer/main.c" -o "$work/static" -L"$work/static-only" \
    $(pkg-config --static --cflags --libs conclave)
! ldd "$work/static" | grep -q libconclave || fail "the static program needs libconclave.so"
"$work/static"

echo "# CMake find_package, shared and static"
"$cmake" -S "$here/consumer" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="$cflags" > "$work/cmake.log" 2>&1 &&
    "$cmake" --build "$work/consumer" >> "$work/cmake.log" 2>&1 ||
    { cat "$work/cmake.log"; fail "the CMake project"; }
"$work/consumer/consumer_shared"
"$work/consumer/consumer_static"
echo "install test passed"
