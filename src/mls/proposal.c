#include "mls/proposal.h"

#include "mls/extension.h"
#include "mls/framing.h"
#include "wire/writer.h"

static void read_reinit(struct reader *r, struct mls_proposal *p, int *error)
{
    p->reinit.group_id = read_vec(r);
    p->reinit.version = read_u16(r);
    p->reinit.suite = read_u16(r);
    p->reinit.extensions = mls_extensions_read(r, error);
}

void mls_proposal_read(struct reader *r, struct mls_proposal *out, int *error)
{
    const uint8_t *start = r->p;
    *out = (struct mls_proposal){.type = read_u16(r)};
    switch (out->type) {
    case 0: /* reserved */
        reader_fail(r);
        break;
    case MLS_ADD:
        mls_key_package_read(r, &out->add, error);
        break;
    case MLS_UPDATE:
        mls_leaf_read(r, &out->update, error);
        break;
    case MLS_REMOVE:
        out->removed = read_u32(r);
        break;
    case MLS_PSK:
        mls_psk_id_read(r, &out->psk);
        break;
    case MLS_REINIT:
        read_reinit(r, out, error);
        break;
    case MLS_EXTERNAL_INIT:
        out->kem_output = read_vec(r);
        break;
    case MLS_GROUP_CONTEXT_EXTENSIONS:
        out->extensions = mls_extensions_read(r, error);
        break;
    case MLS_SELF_REMOVE:
        break;
    default:
        out->data = read_vec(r);
    }
    out->raw = read_since(r, start);
}

int mls_proposal_write_add(struct buf *b, struct bytes key_package_message)
{
    struct mls_key_package_view kp;
    int rv = mls_key_package_parse(key_package_message, &kp);
    if (rv != 0)
        return rv;
    write_u16(b, MLS_ADD);
    buf_put(b, kp.raw);
    return buf_check(b);
}

void mls_proposal_write_update(struct buf *b, struct bytes leaf)
{
    write_u16(b, MLS_UPDATE);
    buf_put(b, leaf);
}

void mls_proposal_write_remove(struct buf *b, uint32_t leaf)
{
    write_u16(b, MLS_REMOVE);
    write_u32(b, leaf);
}

void mls_proposal_write_psk(struct buf *b, const struct mls_psk_id *id)
{
    write_u16(b, MLS_PSK);
    mls_psk_id_write(b, id);
}

void mls_proposal_write_external_init(struct buf *b, struct bytes kem_output)
{
    write_u16(b, MLS_EXTERNAL_INIT);
    write_vec(b, kem_output);
}

/* RFC 9420 13.5-1: GREASE has no place in a context, and is no type of a proposal. */
static bool has_grease(const struct mls_change *change)
{
    for (size_t i = 0; i < change->n_extensions; i++)
        if (mls_is_grease(change->extensions[i].type))
            return true;
    return mls_is_grease(change->type);
}

int mls_proposal_write_change(struct buf *b, const struct mls_change *change)
{
    if (has_grease(change))
        return CONCLAVE_EINVAL;
    switch (change->type) {
    case MLS_ADD:
        return mls_proposal_write_add(b, change->bytes);
    case MLS_REMOVE:
        mls_proposal_write_remove(b, change->leaf);
        return buf_check(b);
    case MLS_REINIT:
        write_u16(b, MLS_REINIT);
        write_vec(b, change->group_id);
        write_u16(b, MLS_VERSION);
        write_u16(b, change->suite);
        mls_extensions_write(b, change->extensions, change->n_extensions);
        return buf_check(b);
    case MLS_GROUP_CONTEXT_EXTENSIONS:
        write_u16(b, MLS_GROUP_CONTEXT_EXTENSIONS);
        mls_extensions_write(b, change->extensions, change->n_extensions);
        return buf_check(b);
    case MLS_SELF_REMOVE:
        write_u16(b, MLS_SELF_REMOVE);
        return buf_check(b);
    case 0:
    case MLS_UPDATE:
    case MLS_PSK:
    case MLS_EXTERNAL_INIT:
        return CONCLAVE_EINVAL;
    default:
        write_u16(b, change->type);
        write_vec(b, change->bytes);
        return buf_check(b);
    }
}

bool mls_proposal_needs_path(uint16_t type)
{
    return type != MLS_ADD && type != MLS_PSK && type != MLS_REINIT;
}

bool mls_proposal_is_default(uint16_t type)
{
    return type >= MLS_ADD && type <= MLS_GROUP_CONTEXT_EXTENSIONS;
}

void mls_proposal_describe(const struct mls_proposal *p, struct mls_proposal_info *out)
{
    out->type = p->type;
    out->leaf = MLS_NO_LEAF;
    switch (p->type) {
    case MLS_ADD:
        out->member = mls_leaf_member(&p->add.leaf, MLS_NO_LEAF);
        break;
    case MLS_UPDATE:
        out->member = mls_leaf_member(&p->update, MLS_NO_LEAF);
        break;
    case MLS_REMOVE:
        out->leaf = p->removed;
        break;
    case MLS_PSK:
        out->psk_resumption = p->psk.type == PSK_RESUMPTION;
        out->psk_id = p->psk.id;
        out->psk_group_id = p->psk.group_id;
        out->psk_epoch = p->psk.epoch;
        break;
    case MLS_REINIT:
        out->group_id = p->reinit.group_id;
        out->suite = p->reinit.suite;
        out->extensions = p->reinit.extensions;
        break;
    case MLS_GROUP_CONTEXT_EXTENSIONS:
        out->extensions = p->extensions;
        break;
    case MLS_EXTERNAL_INIT:
    case MLS_SELF_REMOVE:
        break;
    default:
        out->data = p->data;
    }
}
