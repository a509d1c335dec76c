#!/bin/sh
# What `make run` shows after the build: the narrated example, then where to go from there.
set -eu
cd "$(dirname "$0")/.."

example=build/bin/examples/three_members
if [ -x $example ]; then
    $example
else
    echo "Built. The narrated example, $example, is not written yet."
fi

cat <<END

Go on from here:
  examples/        short programs against the public headers; their binaries are in build/bin/examples
  include/conclave the public headers, which are the manual
  make test        all tests, with sanitizers
  make help        everything else
END
