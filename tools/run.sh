#!/bin/sh
# A server with an account and a meeting on this machine, and how to join it; until Ctrl-C.
#
# Data are in build/run, or in $CONCLAVE_DATA, and stay for the next time. Without a keyboard, or with
# CONCLAVE_RUN_ONCE=1, it checks itself instead of waiting, and stops.
set -eu
cd "$(dirname "$0")/.."

bin=build/bin
data=${CONCLAVE_DATA:-build/run}
user=ada@conclave.test
password=$data/demo-password
address=$data/run/address

mkdir -p "$data"
chmod 700 "$data"
rm -f "$address"

$bin/conclaved --data "$data" ${CONCLAVE_PORT:+--port "$CONCLAVE_PORT"} >"$data/server.log" 2>&1 &
server=$!
stop()
{
    trap - EXIT INT TERM
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
}
trap stop EXIT
trap 'echo; echo "Stopped."; exit 0' INT TERM

waited=0
while [ ! -s "$address" ]; do
    if ! kill -0 "$server" 2>/dev/null || [ $waited -ge 100 ]; then
        echo "The server does not start:" >&2
        tail -n 20 "$data/server.log" >&2
        exit 1
    fi
    waited=$((waited + 1))
    sleep 0.1
done
CONCLAVE_SERVER=$(cat "$address")
export CONCLAVE_SERVER

if [ ! -s "$password" ]; then
    (umask 077 && head -c 12 /dev/urandom | base64 >"$password")
    $bin/conclave account sign-up $user --password-file "$password" >/dev/null
fi
link=$($bin/conclave meeting new --title "First meeting" --sign-in $user --password-file "$password")

cat <<END

Conclave runs at $CONCLAVE_SERVER, with its data in $data.
A fresh meeting has this link; what follows the # the server never sees:

  $link

Open it in a browser, or in several: each asks for a name and waits in the lobby until a host is there.
The host is $user, whose password is the line in $password:
sign in with it in a browser, or join from a second terminal, with test pictures and a tone:

  $bin/conclave join '$link' --name Ada --synthetic 1 --sign-in $user --password-file $password

There, /lobby tells who waits, /admit 1 lets the first one in, and /code shows the security code, which
is the same in every browser.

From a third, as a guest with a test picture and a tone, who records what others send; the host
sees the guest in the lobby and lets it in with /admit 1:

  $bin/conclave join '$link' --name Guest --guest --synthetic 1 --record $data/recorded

--audio FILE and --video FILE send Opus and VP8 from files. A whole meeting with media, told in
ten seconds:

  $bin/conclave demo
END

if [ -t 0 ] && [ "${CONCLAVE_RUN_ONCE:-}" != 1 ]; then
    echo
    echo "Ctrl-C stops the server."
    wait "$server"
else
    echo
    echo "Checking: the host joins, then a whole meeting is played."
    sleep 2 | $bin/conclave join "$link" --json --name Ada --sign-in $user --password-file "$password" |
        grep -q '"phase":"in-meeting"'
    $bin/conclave demo
fi
