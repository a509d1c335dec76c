#!/bin/sh
# Runs every fuzzer of the fuzz build for SECONDS each, from the committed corpus and what earlier
# runs found. A crash leaves its input in build/fuzz/crashes.
#
#   tools/fuzz.sh SECONDS [NAME...]
set -eu
cd "$(dirname "$0")/.."
seconds=${1:?how many seconds for each fuzzer}
shift
export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=1:detect_leaks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
mkdir -p build/fuzz/crashes

passed=0 failed=0
for fuzzer in build/fuzz/bin/fuzz/fuzz_*; do
    [ -x "$fuzzer" ] || { echo "There are no fuzzers yet."; break; }
    name=${fuzzer##*/fuzz_}
    [ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
    seeds=tests/fuzz/corpus/$name
    found=build/fuzz/corpus/$name
    mkdir -p "$found"
    set_dictionary=
    [ ! -f "tests/fuzz/$name.dict" ] || set_dictionary="-dict=tests/fuzz/$name.dict"
    [ -d "$seeds" ] || seeds=
    echo "== $name, $seconds s"
    if "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
        -verbosity=0 -artifact_prefix="build/fuzz/crashes/$name-" $set_dictionary \
        "$found" $seeds; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
done
echo "fuzzers: $passed passed, $failed failed"
[ $failed -eq 0 ]
