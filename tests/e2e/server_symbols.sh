#!/bin/sh
# Proves by the symbol table that conclaved can open nothing that people say to each other: the linker
# took in none of our functions that decrypt, join, or derive the keys of a meeting, and the program
# asks libcrypto for none.
#
#   server_symbols.sh NM CONCLAVED CONCLAVE
#
# CONCLAVE is the participants' program: there the same search must find each kind.
set -eu
nm=$1 server=$2 participant=$3

# Ours, by what they are for.
kinds='
hpke_.*
crypto_aead_.*
crypto_openssl
crypto_hmac_sha256
link_derive
meeting_name_.*
mls_client_.*
mls_epoch_.*
mls_group_(commit|export|join|merge|new|open|protect|receive|restore).*
mls_path_decrypt
mls_private_message_open
mls_ratchet_.*
mls_sender_data_open
participant_.*
sframe_.*'
# libcrypto's.
theirs='EVP_(Decrypt|Encrypt|Cipher|Open|Seal)[A-Za-z0-9_]*|EVP_PKEY_(derive|decrypt|encapsulate|decapsulate)[a-z_]*'
theirs="$theirs|ECDH_compute_key|EVP_MAC_[a-z]*|HMAC[A-Za-z_]*|EVP_KDF_[a-z]*"

# What the media switch has to have: SRTP is hop by hop, so it opens each packet's own layer and
# seals it anew. That is the keyed AEAD of crypto/aead.h (media.c of the OpenSSL provider), which
# asks for these; whoever else does is found by name above: the suites' functions in crypto_openssl,
# and SFrame, which is what is inside of SRTP.
hop='EVP_(Cipher|Decrypt|Encrypt)(Init_ex2|Update|Final_ex)'
# And it cuts payloads into the pieces they travel in (rtc/sframe_payload.h), sealed as they are.
pieces='sframe_(packetizer|payload)_.*'

defined()
{
    "$nm" "$1" | awk '$2 ~ /^[TtDdBbRrVvWw]$/ { print $3 }' | grep -Ex "$2" || true
}

imported()
{
    "$nm" -u "$1" | awk '{ print $2 }' | sed 's/@.*//' | grep -Ex "$theirs" || true
}

found=$(imported "$server" | grep -Exv "$hop" || true)
[ -n "$(imported "$participant")" ] || {
    echo "$participant asks libcrypto for no decryption either: this test proves nothing"
    exit 1
}
for kind in $kinds; do
    [ -n "$(defined "$participant" "$kind")" ] || {
        echo "$kind is not found in $participant either: this test proves nothing"
        exit 1
    }
    found="$found $(defined "$server" "$kind" | grep -Exv "$pieces" || true)"
done
found=$(echo "$found" | xargs)
if [ -n "$found" ]; then
    echo "$server has: $found"
    exit 1
fi
echo "$server opens nothing"
