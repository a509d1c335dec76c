#!/bin/sh
# identity_links.sh VERIFIER ISSUER: a program that verifies links nothing of ours that issues or
# signs. The search is made on a program that does issue, too, where it must find them.
set -eu
pattern='identity_ca_|identity_csr_|csr_read|ca_sign|sign_put|der_put|crypto_sign'
"$1"
found=$(nm "$1" | grep -E " [tT] ($pattern)" || true)
if [ -n "$found" ]; then
    echo "$1 only verifies, but links:"
    echo "$found"
    exit 1
fi
nm "$2" | grep -qE " [tT] ($pattern)" || {
    echo "the search does not find them in $2 either"
    exit 1
}
