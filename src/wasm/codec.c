#include <string.h>

#include "crypto/host/signer.h"
#include "wasm/wasm.h"

void wasm_read_text(struct reader *r, char *out, size_t cap)
{
    struct bytes text = read_vec(r);
    if (text.n >= cap || (text.n != 0 && memchr(text.p, 0, text.n) != NULL)) {
        reader_fail(r);
        text.n = 0;
    }
    if (text.n != 0)
        memcpy(out, text.p, text.n);
    out[text.n] = 0;
}

size_t wasm_read_list(struct reader *r, struct bytes *out, size_t max)
{
    struct reader list = read_sub(r);
    size_t n = 0;
    while (reader_ok(&list) && reader_left(&list) != 0 && n < max)
        out[n++] = read_vec(&list);
    if (reader_end(&list) != 0) {
        reader_fail(r);
        return 0;
    }
    return n;
}

int wasm_read_signer(struct reader *r, struct crypto_signer **out)
{
    uint16_t suite = read_u16(r);
    struct bytes public_key = read_vec(r);
    uint32_t number = read_u32(r);
    if (!reader_ok(r))
        return CONCLAVE_EINVAL;
    return host_signer_new(suite, public_key, number, out);
}

void wasm_write_text(struct buf *b, const char *text)
{
    write_vec(b, bytes_str(text));
}

void wasm_write_reason(struct buf *b, int reason)
{
    wasm_write_text(b, participant_reason_name(reason));
    wasm_write_text(b, participant_reason_text(reason));
    wasm_write_text(b, participant_reason_next(reason));
}

void wasm_write_identity(struct buf *b, const struct identity *id)
{
    write_u8(b, (uint8_t)id->category);
    write_u8(b, (uint8_t)id->kind);
    write_u8(b, id->in_organisation);
    wasm_write_text(b, id->label);
    wasm_write_text(b, id->identifier);
    wasm_write_text(b, id->issuer);
    write_u64(b, id->not_after);
    wasm_write_text(b, identity_reason_name(id->reason));
    wasm_write_text(b, identity_reason_text(id->reason));
    wasm_write_text(b, identity_reason_next(id->reason));
}
