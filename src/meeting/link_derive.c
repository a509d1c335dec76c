/* What a link's secret yields (docs/PROTOCOL.md section 2). In an object of its own: a server has
 * no use for it. */
#include <string.h>

#include "base/wipe.h"
#include "crypto/sha256.h"
#include "meeting/link.h"

int link_derive(struct bytes secret, struct bytes card_hash, enum link_use use,
                uint8_t out[static LINK_DERIVED])
{
    static const char *const labels[] = {[LINK_ACCESS] = "Conclave 1.0 access",
                                         [LINK_PSK] = "Conclave 1.0 link psk",
                                         [LINK_NAMES] = "Conclave 1.0 names"};
    uint8_t input[32 + CARD_HASH], value[LINK_DERIVED];
    if ((secret.n != 0 && secret.n != LINK_SECRET) || card_hash.n != CARD_HASH)
        return CONCLAVE_EINVAL;
    size_t n = strlen(labels[use]);
    memcpy(input, labels[use], n);
    memcpy(input + n, card_hash.p, CARD_HASH);
    int rv = crypto_hmac_sha256(secret, bytes_of(input, n + CARD_HASH), value);
    if (rv == 0)
        memcpy(out, value, sizeof value);
    wipe(value, sizeof value);
    return rv;
}
