/* RFC 9420 6: who may send what, and what proves it. */
#include <string.h>

#include "mls/framing.h"

#include "mls/extension.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

static struct bytes tag_of(uint8_t *tag, size_t n)
{
    memset(tag, 0x5a, n);
    return bytes_of(tag, n);
}

static void begin(struct world *w)
{
    world_init(w);
    world_group(w, 4);
    world_serve(w);
}

static void put_together_unchanged_a_message_is_the_same(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    struct buf out = {0};
    begin(&w);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    forge_commit_sign_leaf(&c, w.actor[1].group, bytes_str("the group"), 1, w.actor[1].signer);
    forge_commit_public(&c, w.actor[1].group, &out);
    assert_true(bytes_equal(buf_view(&out), buf_view(&c.message)));
    world_all_take(&w, 1, buf_view(&out));
    forge_commit_free(&c);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 6-1 */
static void application_data_in_the_clear_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    begin(&w);
    struct forge f = forge_of(w.actor[1].group, CONTENT_APPLICATION, bytes_str("hello"));
    forge_public(&f, &out);
    world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_EWIREFORMAT);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 6.1-1, 6.1-7, 12.1-1 */
static void a_proposal_signed_by_another_member_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf body = {0}, out = {0};
    begin(&w);
    mls_proposal_write_remove(&body, 3);
    struct forge f = forge_of(w.actor[1].group, CONTENT_PROPOSAL, buf_view(&body));
    f.signer = w.actor[2].signer;
    forge_public(&f, &out);
    world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_ESIGNATURE);
    f.signer = w.actor[1].signer;
    forge_public(&f, &out);
    world_all_take(&w, 1, buf_view(&out));
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 12.4.2-4, 6.2-3 */
static void a_commit_signed_by_another_member_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    struct buf body = {0}, out = {0};
    begin(&w);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    forge_commit_body(&c, &body);
    struct forge f = forge_of(w.actor[1].group, CONTENT_COMMIT, buf_view(&body));
    f.confirmation_tag = c.m.auth_content.auth.confirmation_tag;
    f.signer = w.actor[2].signer;
    forge_public(&f, &out);
    world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_ESIGNATURE);
    f.has_signature = true; /* none at all */
    forge_public(&f, &out);
    world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_ESIGNATURE);
    forge_commit_free(&c);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 6.1: the signature covers the GroupContext. */
static void a_signature_under_another_context_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf body = {0}, out = {0}, context = {0};
    begin(&w);
    mls_proposal_write_remove(&body, 3);
    buf_put(&context, buf_view(&w.actor[1].group->pub.context));
    struct forge f = forge_of(w.actor[1].group, CONTENT_PROPOSAL, buf_view(&body));
    context.p[context.n / 2] ^= 1;
    f.context = buf_view(&context); /* the tag covers it, too, and is looked at first */
    forge_public(&f, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_EMEMBERSHIP);
    buf_free(&body);
    buf_free(&out);
    buf_free(&context);
    world_fini(&w);
}

/* RFC 9420 6.2-1, 6.2-2, 12.4.2-2; THREATS: short and empty MACs */
static void a_wrong_short_or_empty_membership_tag_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf body = {0}, out = {0}, right = {0};
    struct mls_message m;
    struct mls_public_message pm;
    uint8_t tag[64];
    begin(&w);
    mls_proposal_write_remove(&body, 3);
    struct forge f = forge_of(w.actor[1].group, CONTENT_PROPOSAL, buf_view(&body));
    forge_public(&f, &right);
    assert_int_equal(mls_message_parse(buf_view(&right), &m), 0);
    assert_int_equal(mls_public_message_parse(m.body, &pm), 0);
    f.has_membership_tag = true;
    for (size_t n = 0; n < pm.membership_tag.n; n++) { /* each beginning of the right one */
        f.membership_tag = bytes_of(pm.membership_tag.p, n);
        forge_public(&f, &out);
        world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_EMEMBERSHIP);
    }
    f.membership_tag = tag_of(tag, 32);
    forge_public(&f, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_EMEMBERSHIP);
    memcpy(tag, pm.membership_tag.p, 32); /* the right one, and more */
    f.membership_tag = bytes_of(tag, 33);
    forge_public(&f, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_EMEMBERSHIP);
    world_all_take(&w, 1, buf_view(&right));
    buf_free(&body);
    buf_free(&out);
    buf_free(&right);
    world_fini(&w);
}

/* RFC 9420 6.2-3, 12.4.2-14; THREATS: short and empty MACs */
static void a_wrong_short_or_empty_confirmation_tag_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    struct buf body = {0}, out = {0};
    uint8_t tag[33];
    begin(&w);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    forge_commit_body(&c, &body);
    struct forge f = forge_of(w.actor[1].group, CONTENT_COMMIT, buf_view(&body));
    struct bytes right = c.m.auth_content.auth.confirmation_tag;
    assert_int_equal(right.n, 32);
    for (size_t n = 0; n < right.n; n++) {
        f.confirmation_tag = bytes_of(right.p, n);
        forge_public(&f, &out);
        world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_ECONFIRMATION);
    }
    memcpy(tag, right.p, 32);
    tag[32] = 0;
    f.confirmation_tag = bytes_of(tag, 33);
    forge_public(&f, &out);
    world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_ECONFIRMATION);
    tag[31] ^= 1;
    f.confirmation_tag = bytes_of(tag, 32);
    forge_public(&f, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_ECONFIRMATION);
    forge_commit_free(&c);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 12.1-2, 12.4.2-1 */
static void other_groups_and_other_epochs_are_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf body = {0}, out = {0};
    struct forge_commit c;
    begin(&w);
    mls_proposal_write_remove(&body, 3);
    struct forge f = forge_of(w.actor[1].group, CONTENT_PROPOSAL, buf_view(&body));
    f.content.group_id = bytes_str("another group");
    forge_public(&f, &out);
    world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_EGROUP);
    f.content.group_id = w.actor[1].group->pub.view.group_id;
    f.content.epoch++;
    forge_public(&f, &out);
    world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_EEPOCH);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    world_commit(&w, 2, NULL, 0); /* the commit loses */
    world_all_refuse(&w, 1, buf_view(&c.message), CONCLAVE_EEPOCH);
    forge_commit_free(&c);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

static void a_sender_that_is_no_member_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf body = {0}, out = {0};
    struct mls_change remove = mls_remove(3);
    begin(&w);
    mls_proposal_write_remove(&body, 1);
    struct forge f = forge_of(w.actor[2].group, CONTENT_PROPOSAL, buf_view(&body));
    f.content.sender.index = 4; /* beyond the tree */
    forge_public(&f, &out);
    world_all_refuse(&w, 2, buf_view(&out), CONCLAVE_ESENDER);
    f.content.sender.index = UINT32_MAX;
    forge_public(&f, &out);
    world_all_refuse(&w, 2, buf_view(&out), CONCLAVE_ESENDER);
    world_commit(&w, 0, &remove, 1);
    f = forge_of(w.actor[2].group, CONTENT_PROPOSAL, buf_view(&body));
    f.content.sender.index = 3; /* a blank leaf */
    forge_public(&f, &out);
    world_all_refuse(&w, 2, buf_view(&out), CONCLAVE_ESENDER);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

/* A commit under one's own name that one did not make. */
static void nobody_commits_in_our_name(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    begin(&w);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    world_refuses(w.actor[1].group, buf_view(&c.message), CONCLAVE_ESENDER);
    forge_commit_free(&c);
    world_fini(&w);
}

/* ---- Senders from outside ---- */

/* A group with one external sender, whose key it gives. */
static struct crypto_signer *begin_external(struct world *w)
{
    struct crypto_signer *outsider = NULL;
    struct buf senders = {0};
    world_init(w);
    assert_int_equal(crypto_signer_generate(w->crypto, &outsider), 0);
    struct mls_external_sender s = {
        .signature_key = crypto_signer_public(outsider),
        .credential = {.type = MLS_BASIC, .identity = bytes_str("server")}};
    assert_int_equal(mls_external_senders_encode(&s, 1, &senders), 0);
    struct mls_extension e = {MLS_EXT_EXTERNAL_SENDERS, buf_view(&senders)};
    w->extensions = &e;
    w->n_extensions = 1;
    world_group(w, 3);
    world_serve(w);
    w->extensions = NULL;
    w->n_extensions = 0;
    buf_free(&senders);
    return outsider;
}

static struct forge from_outside(struct world *w, struct crypto_signer *outsider,
                                 enum mls_content_type type, struct bytes body)
{
    struct forge f = forge_of(w->actor[0].group, type, body);
    f.content.sender = (struct mls_sender){MLS_SENDER_EXTERNAL, 0};
    f.signer = outsider;
    return f;
}

/* RFC 9420 12.1.8-1, 6.1-1, 12.1.8-2 */
static void an_external_sender_signs_with_its_listed_key(void **state)
{
    (void)state;
    struct world w;
    struct buf body = {0}, out = {0};
    struct crypto_signer *outsider = begin_external(&w);
    mls_proposal_write_remove(&body, 2);
    struct forge f = from_outside(&w, outsider, CONTENT_PROPOSAL, buf_view(&body));
    f.content.sender.index = 1; /* there is one only */
    forge_public(&f, &out);
    world_all_refuse(&w, WORLD_MAX, buf_view(&out), CONCLAVE_ESENDER);
    f.content.sender.index = 0;
    f.signer = w.actor[1].signer;
    forge_public(&f, &out);
    world_all_refuse(&w, WORLD_MAX, buf_view(&out), CONCLAVE_ESIGNATURE);
    f.signer = outsider;
    forge_public(&f, &out);
    world_all_take(&w, WORLD_MAX, buf_view(&out));
    crypto_signer_free(outsider);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 12.1.8-3, 12.1.8-4: what the library makes for them */
static void an_external_proposal_is_a_public_message(void **state)
{
    (void)state;
    struct world w;
    struct mls_context context;
    struct mls_message m;
    struct buf out = {0};
    struct crypto_signer *outsider = begin_external(&w);
    mls_group_context(w.actor[0].group, &context);
    struct mls_change may[] = {mls_remove(2), mls_external_psk(bytes_str("id")),
                               mls_reinit(bytes_str("next"), 1, NULL, 0),
                               mls_set_extensions(NULL, 0), world_add(&w, world_actor(&w))};
    struct mls_change may_not[] = {mls_update(), mls_self_remove(),
                                   mls_custom(0xf001, bytes_str("x"))};
    for (size_t i = 0; i < sizeof may / sizeof may[0]; i++) {
        assert_int_equal(mls_external_propose(w.crypto, outsider, 0, &context, &may[i], &out), 0);
        assert_int_equal(mls_message_parse(buf_view(&out), &m), 0);
        assert_int_equal(m.wire_format, MLS_PUBLIC_MESSAGE);
        world_all_take(&w, WORLD_MAX, buf_view(&out));
    }
    for (size_t i = 0; i < sizeof may_not / sizeof may_not[0]; i++)
        assert_int_equal(mls_external_propose(w.crypto, outsider, 0, &context, &may_not[i], &out),
                         CONCLAVE_EINVAL);
    crypto_signer_free(outsider);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 12.1.8-1 */
static void without_the_extension_there_are_no_external_senders(void **state)
{
    (void)state;
    struct world w;
    struct buf body = {0}, out = {0};
    begin(&w);
    mls_proposal_write_remove(&body, 2);
    struct forge f = from_outside(&w, w.actor[1].signer, CONTENT_PROPOSAL, buf_view(&body));
    forge_public(&f, &out);
    world_all_refuse(&w, WORLD_MAX, buf_view(&out), CONCLAVE_ESENDER);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 6.1-2: a commit by an external sender */
static void an_external_sender_cannot_commit(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    struct buf body = {0}, out = {0};
    struct crypto_signer *outsider = begin_external(&w);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    forge_commit_body(&c, &body);
    struct forge f = from_outside(&w, outsider, CONTENT_COMMIT, buf_view(&body));
    forge_public(&f, &out);
    world_all_refuse(&w, WORLD_MAX, buf_view(&out), CONCLAVE_ESENDER);
    crypto_signer_free(outsider);
    forge_commit_free(&c);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 6.1-3, 12.1.8-4: Update, ExternalInit, SelfRemove and custom types are not theirs */
static void an_external_sender_proposes_only_what_it_may(void **state)
{
    (void)state;
    struct world w;
    struct buf update = {0}, out = {0}, init = {0}, leave = {0}, custom = {0};
    struct crypto_signer *outsider = begin_external(&w);
    mls_proposal_write_update(&update, mls_tree_leaf(&w.actor[0].group->pub.tree, 0)->raw);
    mls_proposal_write_external_init(&init, bytes_str("kem output"));
    write_u16(&leave, MLS_SELF_REMOVE);
    write_u16(&custom, 0xf000);
    write_vec(&custom, bytes_str("data"));
    struct bytes bad[] = {buf_view(&update), buf_view(&init), buf_view(&leave), buf_view(&custom)};
    for (size_t i = 0; i < 4; i++) {
        struct forge f = from_outside(&w, outsider, CONTENT_PROPOSAL, bad[i]);
        forge_public(&f, &out);
        world_all_refuse(&w, WORLD_MAX, buf_view(&out), CONCLAVE_ESENDER);
    }
    crypto_signer_free(outsider);
    buf_free(&update);
    buf_free(&init);
    buf_free(&leave);
    buf_free(&custom);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 6.1-5, 6.1-6 */
static void a_newcomer_proposes_nothing_but_its_own_add(void **state)
{
    (void)state;
    struct world w;
    struct buf body = {0}, out = {0}, remove = {0}, commit = {0};
    struct forge_commit c;
    begin(&w);
    size_t newcomer = world_actor(&w);
    struct mls_change add = world_add(&w, newcomer);
    assert_int_equal(mls_proposal_write_change(&body, &add), 0);
    struct forge f = forge_of(w.actor[0].group, CONTENT_PROPOSAL, buf_view(&body));
    f.content.sender = (struct mls_sender){MLS_SENDER_NEW_MEMBER_PROPOSAL, 0};
    f.signer = w.actor[1].signer; /* not the key in the key package */
    forge_public(&f, &out);
    world_all_refuse(&w, WORLD_MAX, buf_view(&out), CONCLAVE_ESIGNATURE);
    f.signer = w.actor[newcomer].signer;
    forge_public(&f, &out);
    world_all_take(&w, WORLD_MAX, buf_view(&out));
    mls_proposal_write_remove(&remove, 2);
    f.content.body = buf_view(&remove);
    forge_public(&f, &out);
    world_all_refuse(&w, WORLD_MAX, buf_view(&out), CONCLAVE_ESENDER);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    forge_commit_body(&c, &commit);
    f.content.type = CONTENT_COMMIT;
    f.content.body = buf_view(&commit);
    forge_public(&f, &out);
    world_all_refuse(&w, WORLD_MAX, buf_view(&out), CONCLAVE_ESENDER);
    forge_commit_free(&c);
    buf_free(&body);
    buf_free(&remove);
    buf_free(&commit);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 6.1-4 */
static void a_joining_committer_cannot_propose(void **state)
{
    (void)state;
    struct world w;
    struct buf body = {0}, out = {0};
    begin(&w);
    mls_proposal_write_remove(&body, 2);
    struct forge f = forge_of(w.actor[0].group, CONTENT_PROPOSAL, buf_view(&body));
    f.content.sender = (struct mls_sender){MLS_SENDER_NEW_MEMBER_COMMIT, 0};
    forge_public(&f, &out);
    world_all_refuse(&w, WORLD_MAX, buf_view(&out), CONCLAVE_ESENDER);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

/* ---- PrivateMessage ---- */

static struct forge hello(struct world *w)
{
    return forge_of(w->actor[1].group, CONTENT_APPLICATION, bytes_str("hello"));
}

static void a_private_message_put_together_by_hand_is_read(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    begin(&w);
    struct forge f = hello(&w);
    struct forge_private p = forge_private_of(&f);
    forge_private(&f, &p, &out);
    struct mls_received r = {0};
    assert_int_equal(mls_group_receive(w.actor[0].group, buf_view(&out), WORLD_NOW, &r), 0);
    assert_true(bytes_equal(buf_view(&r.data), bytes_str("hello")));
    mls_received_free(&r);
    /* RFC 9420 9.2-4, 9.2-5: its key is gone */
    world_refuses(w.actor[0].group, buf_view(&out), CONCLAVE_EREPLAY);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 6.3.1-2; state and so the message key are as before, which world_refuses looks at */
static void padding_that_is_not_zero_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    static const uint8_t at_end[3] = {0, 0, 1}, at_start[3] = {1, 0, 0};
    begin(&w);
    struct forge f = hello(&w);
    struct forge_private p = forge_private_of(&f);
    p.padding = bytes_of(at_end, 3);
    forge_private(&f, &p, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_EPADDING);
    p.padding = bytes_of(at_start, 3);
    forge_private(&f, &p, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_EPADDING);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 6.3.1-1 and 15.1 */
static void our_padding_is_zero_and_hides_the_length(void **state)
{
    (void)state;
    struct world w;
    struct buf a = {0}, b = {0}, c = {0};
    begin(&w);
    struct mls_group *g = w.actor[0].group;
    assert_int_equal(mls_group_protect(g, bytes_of(NULL, 0), bytes_str("a"), &a), 0);
    assert_int_equal(mls_group_protect(g, bytes_of(NULL, 0), bytes_str("all of it"), &b), 0);
    assert_int_equal(
        mls_group_protect(g, bytes_of(NULL, 0), bytes_str("more than thirty-two bytes of it"), &c),
        0);
    assert_int_equal(a.n, b.n);
    world_members_refuse(&w, 0, bytes_of(a.p, a.n - 1), CONCLAVE_ESYNTAX);
    world_talks(&w);
    buf_free(&a);
    buf_free(&b);
    buf_free(&c);
    world_fini(&w);
}

/* RFC 9420 6.3.2-2 */
static void sender_data_that_names_no_member_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    struct mls_change remove = mls_remove(3);
    begin(&w);
    world_commit(&w, 0, &remove, 1);
    struct forge f = hello(&w);
    struct forge_private p = forge_private_of(&f);
    for (p.leaf = 3; p.leaf < 6; p.leaf++) { /* blank, and beyond the tree */
        forge_private(&f, &p, &out);
        world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_ESENDER);
    }
    p.leaf = UINT32_MAX;
    forge_private(&f, &p, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_ESENDER);
    buf_free(&out);
    world_fini(&w);
}

/* A member who puts another's name into the sender data has another's key to guess. */
static void a_member_cannot_speak_as_another(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    begin(&w);
    struct forge f = hello(&w);
    struct forge_private p = forge_private_of(&f);
    p.leaf = 2;
    forge_private(&f, &p, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_EDECRYPT);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 6.3.1-6, 6.1-7 */
static void an_insider_cannot_sign_as_another(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    begin(&w);
    struct forge f = hello(&w); /* the keys of the secret tree are everybody's */
    struct forge_private p = forge_private_of(&f);
    f.signer = w.actor[2].signer;
    forge_private(&f, &p, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_ESIGNATURE);
    f.has_signature = true; /* none */
    forge_private(&f, &p, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_ESIGNATURE);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 12.4.2-3; THREATS: short and empty tags */
static void a_short_or_missing_ciphertext_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    begin(&w);
    struct forge f = hello(&w);
    struct forge_private p = forge_private_of(&f);
    p.short_tag = true;
    forge_private(&f, &p, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_EDECRYPT);
    p.empty = true;
    forge_private(&f, &p, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_EDECRYPT);
    buf_free(&out);
    world_fini(&w);
}

static void authenticated_data_changed_on_the_way_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    begin(&w);
    struct forge f = hello(&w);
    f.content.authenticated_data = bytes_str("seat 4");
    struct forge_private p = forge_private_of(&f);
    p.aad_data = bytes_str("seat 5");
    forge_private(&f, &p, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_EDECRYPT);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 6.3.1-6 */
static void a_private_commit_with_a_wrong_confirmation_tag_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    struct buf body = {0}, out = {0};
    uint8_t tag[32];
    begin(&w);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    forge_commit_body(&c, &body);
    struct forge f = forge_of(w.actor[1].group, CONTENT_COMMIT, buf_view(&body));
    f.confirmation_tag = tag_of(tag, 32);
    struct forge_private p = forge_private_of(&f);
    forge_private(&f, &p, &out);
    world_members_refuse(&w, 1, buf_view(&out), CONCLAVE_ECONFIRMATION);
    forge_commit_free(&c);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 6.3.1-4, 6.3.1-5 */
static void the_same_key_used_twice_has_another_nonce(void **state)
{
    (void)state;
    struct world w;
    struct buf saved, first = {0}, second = {0};
    struct mls_group *twin = NULL;
    struct mls_message m;
    struct mls_private_message p[2];
    struct mls_sender_data d[2];
    begin(&w);
    saved = world_state(w.actor[0].group); /* a careless application restores an old state */
    assert_int_equal(
        mls_group_restore(w.actor[0].client, bytes_of(NULL, 0), buf_view(&saved), NULL, 0, &twin),
        0);
    assert_int_equal(mls_group_protect(w.actor[0].group, bytes_of(NULL, 0), bytes_str("a"), &first),
                     0);
    assert_int_equal(mls_group_protect(twin, bytes_of(NULL, 0), bytes_str("a"), &second), 0);
    struct buf *both[] = {&first, &second};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mls_message_parse(buf_view(both[i]), &m), 0);
        assert_int_equal(mls_private_message_parse(m.body, &p[i]), 0);
        assert_int_equal(mls_sender_data_open(w.crypto, &twin->secrets.sender_data, &p[i], &d[i]),
                         0);
    }
    assert_int_equal(d[0].generation, d[1].generation);
    assert_int_equal(d[0].leaf, 0);
    assert_memory_not_equal(d[0].reuse_guard, d[1].reuse_guard, 4);
    assert_false(bytes_equal(p[0].ciphertext, p[1].ciphertext));
    mls_group_free(twin);
    buf_free(&saved);
    buf_free(&first);
    buf_free(&second);
    world_fini(&w);
}

/* RFC 9420 6.3.1-7: what an AEAD call takes is checked before a byte is read */
static void more_than_the_aead_takes_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    struct secret key;
    uint8_t nonce[12] = {0};
    world_init(&w);
    secret_zero(&key, 16);
    assert_int_equal(crypto_aead_seal(w.crypto, &key, nonce, bytes_of(NULL, 0),
                                      bytes_of(nonce, (size_t)1 << 32), &out),
                     CONCLAVE_ELIMIT);
    assert_int_equal(crypto_aead_open(w.crypto, &key, nonce, bytes_of(NULL, 0),
                                      bytes_of(nonce, (size_t)1 << 32), &out),
                     CONCLAVE_ELIMIT);
    world_fini(&w);
}

/* RFC 9420 6.3.2-1 */
static void nobody_but_a_member_writes_private_messages(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    struct mls_ratchet_step *step = NULL;
    begin(&w);
    struct forge f = hello(&w);
    struct mls_group *g = w.actor[1].group;
    f.content.sender.type = MLS_SENDER_EXTERNAL;
    assert_int_equal(mls_private_message_seal(w.crypto, &g->secrets.sender_data, &g->secret_tree,
                                              &f.content, bytes_of(NULL, 0), 0, &out, &step),
                     CONCLAVE_ESENDER);
    assert_null(step);
    buf_free(&out);
    world_fini(&w);
}

static void messages_of_other_kinds_are_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf info = {0};
    begin(&w);
    assert_int_equal(mls_group_info(w.actor[1].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info),
                     0);
    world_all_refuse(&w, WORLD_MAX, buf_view(&info), CONCLAVE_EWIREFORMAT);
    world_all_refuse(&w, WORLD_MAX, mls_key_package_message(world_key_package(&w, 1)),
                     CONCLAVE_EWIREFORMAT);
    info.p[1] = 2; /* version */
    world_all_refuse(&w, WORLD_MAX, buf_view(&info), CONCLAVE_EVERSION);
    info.p[1] = 1;
    info.p[3] = 0; /* wire format */
    world_all_refuse(&w, WORLD_MAX, buf_view(&info), CONCLAVE_EWIREFORMAT);
    world_all_refuse(&w, WORLD_MAX, bytes_of(NULL, 0), CONCLAVE_ESYNTAX);
    buf_free(&info);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_together_unchanged_a_message_is_the_same),
        cmocka_unit_test(application_data_in_the_clear_is_refused),
        cmocka_unit_test(a_proposal_signed_by_another_member_is_refused),
        cmocka_unit_test(a_commit_signed_by_another_member_is_refused),
        cmocka_unit_test(a_signature_under_another_context_is_refused),
        cmocka_unit_test(a_wrong_short_or_empty_membership_tag_is_refused),
        cmocka_unit_test(a_wrong_short_or_empty_confirmation_tag_is_refused),
        cmocka_unit_test(other_groups_and_other_epochs_are_refused),
        cmocka_unit_test(a_sender_that_is_no_member_is_refused),
        cmocka_unit_test(nobody_commits_in_our_name),
        cmocka_unit_test(an_external_sender_signs_with_its_listed_key),
        cmocka_unit_test(an_external_proposal_is_a_public_message),
        cmocka_unit_test(without_the_extension_there_are_no_external_senders),
        cmocka_unit_test(an_external_sender_cannot_commit),
        cmocka_unit_test(an_external_sender_proposes_only_what_it_may),
        cmocka_unit_test(a_newcomer_proposes_nothing_but_its_own_add),
        cmocka_unit_test(a_joining_committer_cannot_propose),
        cmocka_unit_test(a_private_message_put_together_by_hand_is_read),
        cmocka_unit_test(padding_that_is_not_zero_is_refused),
        cmocka_unit_test(our_padding_is_zero_and_hides_the_length),
        cmocka_unit_test(sender_data_that_names_no_member_is_refused),
        cmocka_unit_test(a_member_cannot_speak_as_another),
        cmocka_unit_test(an_insider_cannot_sign_as_another),
        cmocka_unit_test(a_short_or_missing_ciphertext_is_refused),
        cmocka_unit_test(authenticated_data_changed_on_the_way_is_refused),
        cmocka_unit_test(a_private_commit_with_a_wrong_confirmation_tag_is_refused),
        cmocka_unit_test(the_same_key_used_twice_has_another_nonce),
        cmocka_unit_test(more_than_the_aead_takes_is_refused),
        cmocka_unit_test(nobody_but_a_member_writes_private_messages),
        cmocka_unit_test(messages_of_other_kinds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
