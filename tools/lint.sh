#!/bin/sh
# Everything a reviewer should not have to say.
#
#   tools/lint.sh [STEP...]      all steps, or those of: format includes shell tidy cppcheck
#                                exports citations
#
# LINT_PATHS="src/mls tests/unit" limits format, tidy and cppcheck to these folders.
# BUILD=DIR takes the compile commands and the library of another build than build/debug.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build/debug}
jobs=${JOBS:-$(nproc)}
paths=${LINT_PATHS:-"include src tests examples"}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# C files that git knows or could know: what is ignored is not ours to judge.
c_files()
{
    git ls-files --cached --others --exclude-standard -- $paths | grep '\.[ch]$' |
        while read -r file; do [ ! -f "$file" ] || echo "$file"; done
}

configure()
{
    [ -f "$build/compile_commands.json" ] && [ -n "${BUILD:-}" ] ||
        cmake --preset debug --log-level=WARNING > /dev/null
}

# Sources that are part of the build; others have no compile command to be read with.
compiled_files()
{
    configure
    c_files | grep '\.c$' | while read -r file; do
        ! grep -q "\"file\": \"$PWD/$file\"" "$build/compile_commands.json" || echo "$file"
    done
}

step_format()
{
    c_files | xargs -r -n 50 clang-format --dry-run -Werror
}

step_includes()
{
    tools/check-includes.py
}

step_shell()
{
    for script in tools/*.sh; do sh -n "$script"; done
    bash -n .ci/run
}

# Headers are judged where they are included. The counts of suppressed warnings are noise.
step_tidy()
{
    compiled_files > "$work/sources"
    status=0
    xargs -r -n 1 -P "$jobs" clang-tidy --quiet -p "$build" \
        --extra-arg=-Wno-unknown-warning-option < "$work/sources" > "$work/out" 2> "$work/err" ||
        status=1
    cat "$work/out"
    [ $status -eq 0 ] || grep -v 'warnings\{0,1\} generated' "$work/err" || true
    echo "clang-tidy: $(wc -l < "$work/sources") files"
    return $status
}

step_cppcheck()
{
    compiled_files > "$work/sources"
    [ -s "$work/sources" ] || return 0
    cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
        --suppressions-list=tools/cppcheck.supp --error-exitcode=1 -j "$jobs" \
        -I include -I src -I tests -I "$build/include" -DCONCLAVE_HAVE_IPSECMB=1 \
        --file-list="$work/sources"
}

step_exports()
{
    [ -n "${BUILD:-}" ] || { configure; cmake --build --preset debug --target conclave_shared -- --quiet; }
    tools/check-exports.sh "$build"
}

step_citations()
{
    [ -x tools/citations.py ] || { echo "no citation report yet"; return 0; }
    tools/citations.py --check
}

failed=
for step in ${@:-format includes shell tidy cppcheck exports citations}; do
    start=$(date +%s)
    echo "== $step"
    # Not `step || ...`: that would switch off set -e inside the step.
    set +e
    (set -e; "step_$step")
    [ $? -eq 0 ] || failed="$failed $step"
    set -e
    echo "   $(($(date +%s) - start)) s"
done
if [ -n "$failed" ]; then
    echo "lint failed:$failed"
    exit 1
fi
echo "lint passed"
