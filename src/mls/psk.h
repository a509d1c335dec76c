/* RFC 9420 8.4: identifiers of pre-shared keys and the secret they are combined into. */
#ifndef MLS_PSK_H
#define MLS_PSK_H

#include <conclave/mls.h>

#include "crypto/suite.h"
#include "wire/reader.h"

enum mls_psk_type { PSK_EXTERNAL = 1, PSK_RESUMPTION = 2 };
enum mls_psk_usage { PSK_USAGE_APPLICATION = 1, PSK_USAGE_REINIT = 2, PSK_USAGE_BRANCH = 3 };

struct mls_psk_id {
    struct bytes raw;
    enum mls_psk_type type;
    struct bytes id;          /* external */
    enum mls_psk_usage usage; /* resumption */
    struct bytes group_id;
    uint64_t epoch;
    struct bytes nonce;
};

void mls_psk_id_read(struct reader *r, struct mls_psk_id *out);
void mls_psk_id_write(struct buf *b, const struct mls_psk_id *id);

/* Whether two ids name the same PSK and injection (RFC 9420 12.2-9). */
bool mls_psk_id_equal(const struct mls_psk_id *a, const struct mls_psk_id *b);

/* One PSK injected: its encoded id and its value. */
struct mls_psk {
    struct bytes id;
    struct bytes value;
};

/* psk_secret of n PSKs in order; n == 0: zeros. */
int mls_psk_secret(struct crypto *c, const struct mls_psk *psks, size_t n,
                   struct secret *out) CONCLAVE_CHECKED;

#endif
