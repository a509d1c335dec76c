#!/bin/sh
# Proves by the symbol table that the public group opens nothing: a program that uses all of it,
# linked with the static library without any help of the linker's to drop what is not needed, has
# none of the functions that decrypt, and asks libcrypto for none.
#
#   public_symbols.sh NM PROGRAM COUNTEREXAMPLE
#
# COUNTEREXAMPLE has a member's group: there the same search must find what it looks for.
set -eu
nm=$1 program=$2 counterexample=$3

# Ours. Not meant are what reads and writes the structs GroupContext, GroupInfo and GroupSecrets of
# RFC 9420: it works on plain bytes.
ours='hpke_open|hpke_receive_export|crypto_aead_open|crypto_aead_seal|crypto_openssl|mls_path_decrypt'
ours="$ours|mls_private_message_open|mls_sender_data_open|mls_ratchet_[a-z_]*|mls_epoch_[a-z_]*"
ours="$ours|mls_group|mls_group_[a-z_]*"
readers='mls_group_context_(read|write)|mls_group_info_(read|parse|sign|tree|verify)|mls_group_secrets_read'
# libcrypto's.
theirs='EVP_(Decrypt|Cipher|Open)[A-Za-z0-9_]*|EVP_PKEY_(derive|decrypt)[a-z_]*|ECDH_compute_key'
theirs="$theirs|EVP_MAC_[a-z]*|HMAC[A-Za-z_]*"

defined()
{
    "$nm" "$1" | awk '$2 ~ /^[TtDdBbRrVvWw]$/ { print $3 }' | grep -Ex "$ours" |
        grep -Evx "$readers" || true
}

imported()
{
    "$nm" -u "$1" | awk '{ print $2 }' | sed 's/@.*//' | grep -Ex "$theirs" || true
}

for wanted in hpke_open crypto_aead_open crypto_openssl mls_path_decrypt mls_private_message_open; do
    defined "$counterexample" | grep -qx "$wanted" || {
        echo "$wanted is not found in $counterexample either: this test proves nothing"
        exit 1
    }
done
imported "$counterexample" | grep -q Decrypt || {
    echo "no decryption is imported by $counterexample: this test proves nothing"
    exit 1
}

found=$(defined "$program"; imported "$program")
if [ -n "$found" ]; then
    echo "$program has:"
    echo "$found"
    exit 1
fi
echo "$program opens nothing"
