#!/bin/sh
# What `make run` shows after the build: the narrated example, then what there is and what is not.
set -eu
cd "$(dirname "$0")/.."

build/bin/examples/three_members

cat <<END

That was MLS, the key agreement under Conclave's meetings: real clients, real bytes, one process.
Built so far: libconclave with MLS and SFrame, and SRTP/RTP in src/rtc.
Not built yet: the meeting itself. There is no server, no lobby, no media switch and no browser app;
nothing listens on this machine now.

Go on from here:
  examples/        short programs against the public headers; their binaries are in build/bin/examples
  include/conclave the public headers, which are the manual
  make test        all tests, with sanitizers
  make bench       what the operations cost, against what they must
  make help        everything else
END
