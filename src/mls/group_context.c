#include "mls/group_context.h"

#include "base/limits.h"
#include "mls/extension.h"
#include "mls/framing.h"
#include "wire/writer.h"

void mls_group_context_read(struct reader *r, struct mls_group_context *out, int *error)
{
    const uint8_t *start = r->p;
    uint16_t version = read_u16(r);
    out->view.suite = read_u16(r);
    out->view.group_id = read_vec(r);
    out->view.epoch = read_u64(r);
    out->view.tree_hash = read_vec(r);
    out->view.confirmed_transcript_hash = read_vec(r);
    out->view.extensions = mls_extensions_read(r, error);
    int rv = 0;
    if (version != MLS_VERSION)
        rv = CONCLAVE_EVERSION;
    else if (out->view.group_id.n > LIMIT_MLS_GROUP_ID)
        rv = CONCLAVE_ELIMIT;
    if (rv != 0) {
        *error = *error != 0 ? *error : rv;
        reader_fail(r);
    }
    out->raw = read_since(r, start);
}

void mls_group_context_write(struct buf *b, const struct mls_context *c)
{
    write_u16(b, MLS_VERSION);
    write_u16(b, c->suite);
    write_vec(b, c->group_id);
    write_u64(b, c->epoch);
    write_vec(b, c->tree_hash);
    write_vec(b, c->confirmed_transcript_hash);
    write_vec(b, c->extensions);
}
