#include "mls/proposal.h"

int mls_psk_write_change(struct crypto *c, const struct mls_change *change, struct buf *out)
{
    uint8_t nonce[CRYPTO_HASH_MAX] = {0};
    struct mls_psk_id id = {.type = change->resumption ? PSK_RESUMPTION : PSK_EXTERNAL,
                            .id = change->bytes,
                            .usage = PSK_USAGE_APPLICATION,
                            .group_id = change->group_id,
                            .epoch = change->epoch,
                            .nonce = bytes_of(nonce, c->suite->nh)};
    int rv = crypto_random(c, nonce, c->suite->nh); /* RFC 9420 8.4-2, 12.1.4-4 */
    if (rv == 0) {
        mls_proposal_write_psk(out, &id);
        rv = buf_check(out);
    }
    return rv;
}
