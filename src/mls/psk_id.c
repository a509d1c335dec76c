#include "mls/psk.h"

#include "wire/writer.h"

void mls_psk_id_read(struct reader *r, struct mls_psk_id *out)
{
    const uint8_t *start = r->p;
    *out = (struct mls_psk_id){.type = (enum mls_psk_type)read_u8(r)};
    switch (out->type) {
    case PSK_EXTERNAL:
        out->id = read_vec(r);
        break;
    case PSK_RESUMPTION:
        out->usage = (enum mls_psk_usage)read_u8(r);
        if (out->usage < PSK_USAGE_APPLICATION || out->usage > PSK_USAGE_BRANCH)
            reader_fail(r);
        out->group_id = read_vec(r);
        out->epoch = read_u64(r);
        break;
    default:
        reader_fail(r);
    }
    out->nonce = read_vec(r);
    out->raw = read_since(r, start);
}

void mls_psk_id_write(struct buf *b, const struct mls_psk_id *id)
{
    write_u8(b, (uint8_t)id->type);
    if (id->type == PSK_EXTERNAL) {
        write_vec(b, id->id);
    } else {
        write_u8(b, (uint8_t)id->usage);
        write_vec(b, id->group_id);
        write_u64(b, id->epoch);
    }
    write_vec(b, id->nonce);
}

bool mls_psk_id_equal(const struct mls_psk_id *a, const struct mls_psk_id *b)
{
    return bytes_equal(a->raw, b->raw);
}
