/* RFC 9420 12.1.8: proposals from outside the group. Nothing here needs a group secret. */
#include "mls/client.h"
#include "mls/framing.h"
#include "mls/proposal.h"

/* RFC 9420 12.1.8-3: signed without the context, sent as PublicMessage. */
static int send(struct crypto_signer *signer, const struct mls_content *content, struct buf *out)
{
    struct buf encoded = {0}, signature = {0}, auth = {0}, b = {0};
    mls_content_write(&encoded, content);
    int rv = buf_check(&encoded);
    if (rv == 0)
        rv = mls_content_sign(signer, MLS_PUBLIC_MESSAGE, content->sender.type, buf_view(&encoded),
                              bytes_of(NULL, 0), &signature);
    if (rv == 0) {
        mls_auth_write(&auth, CONTENT_PROPOSAL, buf_view(&signature), bytes_of(NULL, 0));
        mls_public_message_write(&b, buf_view(&encoded), content->sender.type, buf_view(&auth),
                                 bytes_of(NULL, 0));
        rv = auth.failed ? CONCLAVE_ENOMEM : buf_check(&b);
    }
    if (rv == 0)
        buf_move(out, &b);
    buf_free(&encoded);
    buf_free(&signature);
    buf_free(&auth);
    buf_free(&b);
    return rv;
}

int mls_external_propose(struct crypto *c, struct crypto_signer *signer, uint32_t sender_index,
                         const struct mls_context *context, const struct mls_change *change,
                         struct buf *out)
{
    struct buf body = {0};
    int rv = change->type == MLS_PSK ? mls_psk_write_change(c, change, &body)
                                     : mls_proposal_write_change(&body, change);
    if (rv == 0) {
        struct mls_content content = {.group_id = context->group_id,
                                      .epoch = context->epoch,
                                      .sender = {MLS_SENDER_EXTERNAL, sender_index},
                                      .type = CONTENT_PROPOSAL,
                                      .body = buf_view(&body)};
        rv = mls_content_check_sender(&content) == 0 ? 0 : CONCLAVE_EINVAL;
        if (rv == 0)
            rv = send(signer, &content, out);
    }
    buf_free(&body);
    return rv;
}

int mls_new_member_propose(struct mls_client *c, const struct mls_key_package *kp,
                           struct bytes group_id, uint64_t epoch, struct buf *out)
{
    struct buf body = {0};
    int rv = mls_proposal_write_add(&body, buf_view(&kp->message));
    if (rv == 0) {
        struct mls_content content = {.group_id = group_id,
                                      .epoch = epoch,
                                      .sender = {MLS_SENDER_NEW_MEMBER_PROPOSAL, MLS_NO_LEAF},
                                      .type = CONTENT_PROPOSAL,
                                      .body = buf_view(&body)};
        rv = send(c->signer, &content, out);
    }
    buf_free(&body);
    return rv;
}
