#include "sfu/kid.h"

#include "wire/reader.h"

int sfu_kid_read(struct bytes frame, uint64_t *out)
{
    struct reader r = reader_of(frame);
    /* RFC 9605 4.3: X, K (3 bits), then Y, C of the counter. With X the id follows, K+1 bytes. */
    unsigned config = read_u8(&r);
    unsigned k = config >> 4 & 7;
    uint64_t kid = k;
    if ((config & 0x80) != 0) {
        kid = 0;
        for (unsigned i = 0; i <= k; i++)
            kid = kid << 8 | read_u8(&r);
    }
    if ((config & 0x08) != 0)
        read_bytes(&r, (config & 7) + (size_t)1);
    if (!reader_ok(&r))
        return CONCLAVE_ESYNTAX;
    *out = kid;
    return 0;
}

/* RFC 9605 5.2: the fewest bits that all leaves fit into. */
static uint8_t leaf_bits(uint32_t leaves)
{
    return leaves <= 1 ? 0 : (uint8_t)(32 - __builtin_clz(leaves - 1));
}

void sfu_epochs_add(struct sfu_epochs *e, uint64_t epoch, uint32_t leaves)
{
    if (e->bits == 0)
        return;
    e->leaf_bits[epoch & ((1u << e->bits) - 1)] = (uint8_t)(leaf_bits(leaves) + 1);
    e->told = true;
}

bool sfu_epochs_allow(const struct sfu_epochs *e, uint64_t kid, uint32_t leaf)
{
    if (!e->told)
        return true;
    unsigned known = e->leaf_bits[sfu_epochs_of(e, kid)];
    if (known == 0)
        return false;
    uint64_t mask = ((uint64_t)1 << (known - 1)) - 1;
    return (kid >> e->bits & mask) == leaf;
}
