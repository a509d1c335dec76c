#include "mls/framing.h"

#include "base/limits.h"
#include "crypto/labels.h"
#include "mls/commit.h"
#include "mls/proposal.h"
#include "wire/writer.h"

int mls_message_parse(struct bytes message, struct mls_message *out)
{
    struct reader r = reader_of(message);
    if (message.n > LIMIT_MLS_MESSAGE)
        return CONCLAVE_ELIMIT;
    uint16_t version = read_u16(&r);
    uint16_t wire_format = read_u16(&r);
    if (!reader_ok(&r))
        return CONCLAVE_ESYNTAX;
    if (version != MLS_VERSION)
        return CONCLAVE_EVERSION;
    if (wire_format < MLS_PUBLIC_MESSAGE || wire_format > MLS_KEY_PACKAGE)
        return CONCLAVE_EWIREFORMAT;
    *out = (struct mls_message){wire_format, bytes_of(r.p, reader_left(&r))};
    return 0;
}

void mls_message_begin(struct buf *b, enum mls_wire_format kind)
{
    write_u16(b, MLS_VERSION);
    write_u16(b, (uint16_t)kind);
}

int mls_message_expect(struct bytes message, enum mls_wire_format kind, struct bytes *out_body)
{
    struct mls_message m;
    int rv = mls_message_parse(message, &m);
    if (rv == 0 && m.wire_format != (uint16_t)kind)
        rv = CONCLAVE_EWIREFORMAT;
    if (rv == 0)
        *out_body = m.body;
    return rv;
}

int mls_message_peek(struct bytes message, enum mls_wire_format *out_kind,
                     struct bytes *out_group_id, uint64_t *out_epoch)
{
    struct mls_message m;
    int rv = mls_message_parse(message, &m);
    if (rv != 0)
        return rv;
    struct bytes group_id = {0};
    uint64_t epoch = 0;
    if (m.wire_format == MLS_PUBLIC_MESSAGE || m.wire_format == MLS_PRIVATE_MESSAGE) {
        struct reader r = reader_of(m.body);
        group_id = read_vec(&r);
        epoch = read_u64(&r);
        if (!reader_ok(&r))
            return CONCLAVE_ESYNTAX;
    }
    *out_kind = (enum mls_wire_format)m.wire_format;
    *out_group_id = group_id;
    *out_epoch = epoch;
    return 0;
}

static void read_sender(struct reader *r, struct mls_sender *out)
{
    out->type = (enum mls_sender_type)read_u8(r);
    out->index = MLS_NO_LEAF;
    switch (out->type) {
    case MLS_SENDER_MEMBER:
    case MLS_SENDER_EXTERNAL:
        out->index = read_u32(r);
        break;
    case MLS_SENDER_NEW_MEMBER_PROPOSAL:
    case MLS_SENDER_NEW_MEMBER_COMMIT:
        break;
    default:
        reader_fail(r);
    }
}

struct bytes mls_content_body_read(struct reader *r, enum mls_content_type type, int *error)
{
    const uint8_t *start = r->p;
    struct mls_proposal proposal;
    struct mls_commit_view commit;
    switch (type) {
    case CONTENT_APPLICATION:
        return read_vec(r);
    case CONTENT_PROPOSAL:
        mls_proposal_read(r, &proposal, error);
        break;
    case CONTENT_COMMIT:
        mls_commit_read(r, &commit, error);
        break;
    default:
        reader_fail(r);
    }
    return read_since(r, start);
}

void mls_content_read(struct reader *r, struct mls_content *out, int *error)
{
    const uint8_t *start = r->p;
    *out = (struct mls_content){0};
    out->group_id = read_vec(r);
    out->epoch = read_u64(r);
    read_sender(r, &out->sender);
    out->authenticated_data = read_vec(r);
    out->type = (enum mls_content_type)read_u8(r);
    out->body = mls_content_body_read(r, out->type, error);
    out->raw = read_since(r, start);
}

void mls_auth_read(struct reader *r, enum mls_content_type type, struct mls_auth *out)
{
    const uint8_t *start = r->p;
    *out = (struct mls_auth){.signature = read_vec(r)};
    if (type == CONTENT_COMMIT)
        out->confirmation_tag = read_vec(r);
    out->raw = read_since(r, start);
}

void mls_authenticated_read(struct reader *r, struct mls_authenticated *out, int *error)
{
    out->wire_format = read_u16(r);
    mls_content_read(r, &out->content, error);
    mls_auth_read(r, out->content.type, &out->auth);
}

int mls_public_message_parse(struct bytes body, struct mls_public_message *out)
{
    struct mls_public_message m = {.auth_content.wire_format = MLS_PUBLIC_MESSAGE};
    struct reader r = reader_of(body);
    int error = 0;
    mls_content_read(&r, &m.auth_content.content, &error);
    mls_auth_read(&r, m.auth_content.content.type, &m.auth_content.auth);
    if (m.auth_content.content.sender.type == MLS_SENDER_MEMBER)
        m.membership_tag = read_vec(&r);
    if (reader_end(&r) != 0)
        return error != 0 ? error : CONCLAVE_ESYNTAX;
    *out = m;
    return 0;
}

static void write_sender(struct buf *b, struct mls_sender s)
{
    write_u8(b, (uint8_t)s.type);
    if (s.type == MLS_SENDER_MEMBER || s.type == MLS_SENDER_EXTERNAL)
        write_u32(b, s.index);
}

void mls_content_body_write(struct buf *b, enum mls_content_type type, struct bytes body)
{
    if (type == CONTENT_APPLICATION)
        write_vec(b, body);
    else
        buf_put(b, body);
}

void mls_content_write(struct buf *b, const struct mls_content *content)
{
    write_vec(b, content->group_id);
    write_u64(b, content->epoch);
    write_sender(b, content->sender);
    write_vec(b, content->authenticated_data);
    write_u8(b, (uint8_t)content->type);
    mls_content_body_write(b, content->type, content->body);
}

void mls_auth_write(struct buf *b, enum mls_content_type type, struct bytes signature,
                    struct bytes confirmation_tag)
{
    write_vec(b, signature);
    if (type == CONTENT_COMMIT)
        write_vec(b, confirmation_tag);
}

/* RFC 9420 12.1.8-4: what external senders may propose */
static bool external_may_propose(uint16_t type)
{
    return type == MLS_ADD || type == MLS_REMOVE || type == MLS_PSK || type == MLS_REINIT ||
           type == MLS_GROUP_CONTEXT_EXTENSIONS;
}

int mls_content_check_sender(const struct mls_content *content)
{
    struct reader r = reader_of(content->body);
    uint16_t proposal = content->type == CONTENT_PROPOSAL ? read_u16(&r) : 0;
    bool ok = false;
    switch (content->sender.type) {
    case MLS_SENDER_MEMBER: /* RFC 9420 12.1.6-1: only inside an external commit */
        ok = proposal != MLS_EXTERNAL_INIT;
        break;
    case MLS_SENDER_EXTERNAL: /* RFC 9420 6.1-2, 6.1-3 */
        ok = external_may_propose(proposal);
        break;
    case MLS_SENDER_NEW_MEMBER_PROPOSAL: /* RFC 9420 6.1-5, 6.1-6 */
        ok = proposal == MLS_ADD;
        break;
    case MLS_SENDER_NEW_MEMBER_COMMIT: /* RFC 9420 6.1-4 */
        ok = content->type == CONTENT_COMMIT;
        break;
    }
    return ok ? 0 : CONCLAVE_ESENDER;
}

/* RFC 9420 6.1: FramedContentTBS = version, wire_format, content, and the context for those who
 * are or become members by it. */
struct tbs {
    uint8_t head[4];
    struct bytes parts[3];
    size_t n;
};

static void tbs_init(struct tbs *t, uint16_t wire_format, enum mls_sender_type sender,
                     struct bytes content, struct bytes context)
{
    t->head[0] = MLS_VERSION >> 8;
    t->head[1] = MLS_VERSION & 0xff;
    t->head[2] = (uint8_t)(wire_format >> 8);
    t->head[3] = (uint8_t)wire_format;
    t->parts[0] = bytes_of(t->head, sizeof t->head);
    t->parts[1] = content;
    t->parts[2] = context;
    t->n = sender == MLS_SENDER_MEMBER || sender == MLS_SENDER_NEW_MEMBER_COMMIT ? 3 : 2;
}

int mls_content_sign(struct crypto_signer *signer, uint16_t wire_format,
                     enum mls_sender_type sender, struct bytes content, struct bytes context,
                     struct buf *out_signature)
{
    struct tbs t;
    tbs_init(&t, wire_format, sender, content, context);
    return sign_with_label(signer, "FramedContentTBS", t.parts, t.n, out_signature);
}

int mls_content_verify(struct crypto *c, const struct mls_authenticated *a, struct bytes context,
                       struct bytes public_key)
{
    struct tbs t;
    tbs_init(&t, a->wire_format, a->content.sender.type, a->content.raw, context);
    /* RFC 9420 6.1-7 */
    return verify_with_label(c, public_key, "FramedContentTBS", t.parts, t.n, a->auth.signature);
}

int mls_proposal_ref(struct crypto *c, const struct mls_authenticated *a,
                     uint8_t out[static CRYPTO_HASH_MAX])
{
    uint8_t head[2] = {(uint8_t)(a->wire_format >> 8), (uint8_t)a->wire_format};
    struct bytes parts[3] = {bytes_of(head, 2), a->content.raw, a->auth.raw};
    return ref_hash(c, "MLS 1.0 Proposal Reference", parts, 3, out);
}

/* RFC 9420 8.2-1: interim || wire_format, content, signature<V> */
int mls_confirmed_hash(struct crypto *c, struct bytes interim, uint16_t wire_format,
                       struct bytes content, struct bytes signature, uint8_t *out)
{
    uint8_t head[2] = {(uint8_t)(wire_format >> 8), (uint8_t)wire_format}, n[4];
    struct bytes parts[5] = {interim, bytes_of(head, 2), content,
                             bytes_of(n, varint_encode((uint32_t)signature.n, n)), signature};
    return crypto_hash(c, parts, 5, out);
}

/* RFC 9420 8.2-2: confirmed || confirmation_tag<V> */
int mls_interim_hash(struct crypto *c, struct bytes confirmed, struct bytes confirmation_tag,
                     uint8_t *out)
{
    uint8_t n[4];
    struct bytes parts[3] = {confirmed, bytes_of(n, varint_encode((uint32_t)confirmation_tag.n, n)),
                             confirmation_tag};
    return crypto_hash(c, parts, 3, out);
}

void mls_public_message_write(struct buf *b, struct bytes content, enum mls_sender_type sender,
                              struct bytes auth, struct bytes membership_tag)
{
    mls_message_begin(b, MLS_PUBLIC_MESSAGE);
    buf_put(b, content);
    buf_put(b, auth);
    if (sender == MLS_SENDER_MEMBER)
        write_vec(b, membership_tag);
}
