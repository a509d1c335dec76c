#!/bin/sh
# Runs the tests of the coverage build and reports which lines of src/ they reach.
set -eu
cd "$(dirname "$0")/.."
find build/coverage -name '*.gcda' -delete
status=0
ctest --preset coverage -j "$(nproc)" || status=$?
mkdir -p build/coverage/html
gcovr --root . --filter src/ --exclude-unreachable-branches --print-summary \
    --html-details build/coverage/html/index.html build/coverage
echo "Details: build/coverage/html/index.html"
exit $status
