#include "mls/leaf.h"

#include "base/limits.h"
#include "crypto/labels.h"
#include "mls/credential.h"
#include "mls/extension.h"
#include "wire/writer.h"

#define VERSION_MLS10 1

static struct bytes read_u16s(struct reader *r, int *error)
{
    struct bytes list = read_vec(r);
    int rv = 0;
    if (list.n % 2 != 0)
        rv = CONCLAVE_ESYNTAX;
    else if (list.n / 2 > LIMIT_MLS_CAPABILITIES)
        rv = CONCLAVE_ELIMIT;
    if (rv != 0) {
        if (*error == 0)
            *error = rv;
        reader_fail(r);
    }
    return list;
}

static void read_source(struct reader *r, struct mls_leaf *leaf)
{
    leaf->source = (enum mls_leaf_source)read_u8(r);
    switch (leaf->source) {
    case LEAF_KEY_PACKAGE:
        leaf->not_before = read_u64(r);
        leaf->not_after = read_u64(r);
        break;
    case LEAF_UPDATE:
        break;
    case LEAF_COMMIT:
        leaf->parent_hash = read_vec(r);
        break;
    default:
        reader_fail(r);
    }
}

void mls_leaf_read(struct reader *r, struct mls_leaf *out, int *error)
{
    const uint8_t *start = r->p;
    *out = (struct mls_leaf){0};
    out->encryption_key = read_vec(r);
    out->signature_key = read_vec(r);
    out->credential = mls_credential_read(r, error);
    out->capabilities.versions = read_u16s(r, error);
    out->capabilities.suites = read_u16s(r, error);
    out->capabilities.extensions = read_u16s(r, error);
    out->capabilities.proposals = read_u16s(r, error);
    out->capabilities.credentials = read_u16s(r, error);
    read_source(r, out);
    out->extensions = mls_extensions_read(r, error);
    out->tbs = read_since(r, start);
    out->signature = read_vec(r);
    out->raw = read_since(r, start);
}

static void write_content(struct buf *b, const struct mls_leaf_content *c)
{
    write_vec(b, c->encryption_key);
    write_vec(b, c->signature_key);
    mls_credential_write(b, &c->credential);
    write_vec(b, c->capabilities.versions);
    write_vec(b, c->capabilities.suites);
    write_vec(b, c->capabilities.extensions);
    write_vec(b, c->capabilities.proposals);
    write_vec(b, c->capabilities.credentials);
    write_u8(b, (uint8_t)c->source);
    if (c->source == LEAF_KEY_PACKAGE) {
        write_u64(b, c->not_before);
        write_u64(b, c->not_after);
    } else if (c->source == LEAF_COMMIT) {
        write_vec(b, c->parent_hash);
    }
    write_vec(b, c->extensions);
}

/* RFC 9420 7.2: behind the leaf's own bytes LeafNodeTBS has group_id and leaf_index, unless the
 * leaf was made for a key package, before any group was known. */
struct tbs_tail {
    uint8_t head[4], index[4];
    struct bytes parts[3];
    size_t n;
};

static void tbs_tail_init(struct tbs_tail *t, enum mls_leaf_source source, struct bytes group_id,
                          uint32_t leaf_index)
{
    t->n = 0;
    if (source == LEAF_KEY_PACKAGE)
        return;
    size_t k = varint_encode((uint32_t)group_id.n, t->head);
    for (unsigned i = 0; i < 4; i++)
        t->index[i] = (uint8_t)(leaf_index >> (24 - 8 * i));
    t->parts[0] = bytes_of(t->head, k);
    t->parts[1] = group_id;
    t->parts[2] = bytes_of(t->index, 4);
    t->n = 3;
}

int mls_leaf_sign(const struct mls_leaf_content *content, struct crypto_signer *signer,
                  struct bytes group_id, uint32_t leaf_index, struct buf *out)
{
    struct buf sig = {0};
    struct tbs_tail tail;
    size_t start = out->n;
    write_content(out, content);
    int rv = buf_check(out);
    if (rv == 0) {
        tbs_tail_init(&tail, content->source, group_id, leaf_index);
        struct bytes parts[4] = {bytes_of(out->p + start, out->n - start)};
        for (size_t i = 0; i < tail.n; i++)
            parts[1 + i] = tail.parts[i];
        rv = sign_with_label(signer, "LeafNodeTBS", parts, 1 + tail.n, &sig);
    }
    if (rv == 0) {
        write_vec(out, buf_view(&sig));
        rv = buf_check(out);
    }
    buf_free(&sig);
    return rv;
}

int mls_leaf_verify(struct crypto *c, const struct mls_leaf *leaf, struct bytes group_id,
                    uint32_t leaf_index)
{
    struct tbs_tail tail;
    /* a key nobody can encrypt to would make every later path fail, with no one to blame */
    int rv = crypto_check_public(c, leaf->encryption_key);
    if (rv != 0)
        return rv;
    tbs_tail_init(&tail, leaf->source, group_id, leaf_index);
    struct bytes parts[4] = {leaf->tbs};
    for (size_t i = 0; i < tail.n; i++)
        parts[1 + i] = tail.parts[i];
    /* RFC 9420 7.3-2, 7.2-7 */
    return verify_with_label(c, leaf->signature_key, "LeafNodeTBS", parts, 1 + tail.n,
                             leaf->signature);
}

static int check_lifetime(const struct mls_leaf *leaf, const struct mls_leaf_rules *rules)
{
    if (leaf->source != LEAF_KEY_PACKAGE)
        return 0;
    /* RFC 9420 7.2-6: a bound on the whole span */
    if (leaf->not_after < leaf->not_before ||
        leaf->not_after - leaf->not_before > rules->max_lifetime)
        return CONCLAVE_ELIFETIME;
    /* RFC 9420 7.3-7, 7.3-8 */
    if (rules->check_now && (rules->now < leaf->not_before || rules->now > leaf->not_after))
        return CONCLAVE_ELIFETIME;
    return 0;
}

int mls_leaf_check(const struct mls_leaf *leaf, const struct mls_leaf_rules *rules)
{
    const struct mls_capabilities *caps = &leaf->capabilities;
    const struct crypto_suite *suite = crypto_suite_find(rules->suite);
    struct mls_required_capabilities required;
    bool present;
    /* RFC 9420 7.3-10, 7.3-11, 7.3-13 */
    if (leaf->source != rules->source)
        return CONCLAVE_ELEAF;
    /* RFC 9420 10-3, 7.3-3: keys of the suite's sizes, suite and version listed */
    if (suite == NULL || leaf->encryption_key.n != suite->npk ||
        leaf->signature_key.n != suite->sig_npk)
        return CONCLAVE_EKEY;
    if (!mls_u16s_have(caps->versions, VERSION_MLS10) || !mls_u16s_have(caps->suites, rules->suite))
        return CONCLAVE_ECAPABILITY;
    /* RFC 9420 7.2-4, 7.2-3 and 7.3-9 */
    if (!mls_u16s_have(caps->credentials, leaf->credential.type))
        return CONCLAVE_ECAPABILITY;
    int rv = mls_capabilities_cover(caps, leaf->extensions);
    if (rv == 0)
        rv = check_lifetime(leaf, rules);
    /* RFC 9420 13.4-7: the group's extensions; RFC 9420 7.3-4: what the group requires */
    if (rv == 0)
        rv = mls_capabilities_cover(caps, rules->group_extensions);
    if (rv == 0)
        rv = mls_required_capabilities_find(rules->group_extensions, &present, &required);
    if (rv == 0 && present)
        rv = mls_required_capabilities_check(&required, caps);
    return rv;
}

struct mls_member mls_leaf_member(const struct mls_leaf *leaf, uint32_t index)
{
    return (struct mls_member){.leaf_index = index,
                               .credential = leaf->credential,
                               .signature_key = leaf->signature_key,
                               .encryption_key = leaf->encryption_key,
                               .capabilities = leaf->capabilities,
                               .extensions = leaf->extensions,
                               .not_before = leaf->not_before,
                               .not_after = leaf->not_after};
}
