/* A group of four, recorded as its fifth member would see it. */
#include "mls_vectors_generate.h"

#include <conclave/mls.h>

#include "mls/client.h"

#define NOW 1700000000u
#define LIFETIME (30u * 24 * 3600)
#define PSK_ID "shared secret"
#define PSK "known beforehand"

enum { ALICE, BOB, CAROL, DAVE, PASSIVE, PEOPLE };

struct person {
    struct crypto_signer *signer;
    struct mls_client *client;
    struct mls_key_package *key_package;
    struct mls_group *group; /* NULL while not a member */
};

struct scene {
    struct person people[PEOPLE];
    json_t *epochs, *proposals; /* NULL before the recording begins */
};

static int find_psk(void *ctx, struct bytes id, struct buf *out)
{
    (void)ctx;
    if (!bytes_equal(id, bytes_str(PSK_ID)))
        return CONCLAVE_ENOTFOUND;
    buf_put(out, bytes_str(PSK));
    return buf_check(out);
}

static void add_hex(json_t *list, struct bytes b)
{
    json_t *o = json_object();
    gen_hex(o, "hex", b);
    json_array_append(list, json_object_get(o, "hex"));
    json_decref(o);
}

/* Handshakes are private in every other suite, and so does the tree come apart. */
static void enter(struct vec *v, struct scene *s, unsigned who)
{
    static const char *const names[] = {"alice", "bob", "carol", "dave", "passive"};
    struct person *p = &s->people[who];
    struct mls_client_config config = {
        .suite = crypto_suite(v->crypto),
        .credential = {.type = MLS_BASIC, .identity = bytes_str(names[who])},
        .callbacks = {.check_identity = mls_identity_accept_any, .find_psk = find_psk},
        .policy = mls_policy_default()};
    config.policy.private_handshake = crypto_suite(v->crypto) % 2 == 0;
    config.policy.tree_in_welcome = crypto_suite(v->crypto) % 2 == 0;
    config.policy.padding_block = 0;
    config.policy.grease = who == PASSIVE;
    gen_must(crypto_signer_generate(v->crypto, &p->signer), "signature key");
    config.signer = p->signer;
    gen_must(mls_client_new(&config, &p->client), "client");
    gen_must(mls_key_package_new(p->client, NOW - 1, NOW + LIFETIME, false, &p->key_package),
             "key package");
}

static void leave(struct person *p)
{
    mls_group_free(p->group);
    mls_key_package_free(p->key_package);
    mls_client_free(p->client);
    crypto_signer_free(p->signer);
}

/* ---- What happens in the group, and is recorded ---- */

static void deliver(struct scene *s, unsigned from, struct bytes message)
{
    for (unsigned i = 0; i < PEOPLE; i++) {
        struct mls_received in = {0};
        struct mls_group *g = s->people[i].group;
        if (i == from || g == NULL)
            continue;
        gen_must(mls_group_receive(g, message, NOW, &in), "receive");
        if (in.kind == MLS_RECEIVED_COMMIT)
            gen_must(mls_group_merge(g, mls_received_take(&in)), "merge");
        mls_received_free(&in);
    }
}

static void propose(struct scene *s, unsigned who, struct mls_change change)
{
    struct buf message = {0};
    gen_must(mls_group_propose(s->people[who].group, &change, NULL, NOW, &message), "propose");
    deliver(s, who, buf_view(&message));
    add_hex(s->proposals, buf_view(&message));
    buf_free(&message);
}

/* The commit is accepted: everybody gets it, and it is written down. */
static void accepted(struct scene *s, unsigned who, struct buf *message, struct buf *out_welcome)
{
    struct mls_group *g = s->people[who].group;
    deliver(s, who, buf_view(message));
    gen_must(mls_group_merge_own(g, out_welcome), "merge own");
    if (s->epochs != NULL) {
        json_t *o = json_object();
        json_object_set_new(o, "proposals", s->proposals);
        gen_hex(o, "commit", buf_view(message));
        gen_hex(o, "epoch_authenticator", mls_group_epoch_authenticator(g));
        json_array_append_new(s->epochs, o);
        s->proposals = json_array();
    }
    buf_free(message);
}

static void commit(struct scene *s, unsigned who, const struct mls_change *changes, size_t n,
                   struct buf *out_welcome)
{
    struct buf message = {0}, unused = {0};
    gen_must(mls_group_commit(s->people[who].group, changes, n, NULL, NOW, &message), "commit");
    accepted(s, who, &message, out_welcome != NULL ? out_welcome : &unused);
    buf_free(&unused);
}

static struct mls_change add(const struct scene *s, unsigned who)
{
    return mls_add(mls_key_package_message(s->people[who].key_package));
}

static void tree_of(const struct scene *s, struct buf *out)
{
    gen_must(mls_group_tree(s->people[ALICE].group, out), "tree");
}

static void join(struct scene *s, unsigned who, struct buf *welcome)
{
    struct person *p = &s->people[who];
    struct buf tree = {0};
    tree_of(s, &tree);
    gen_must(mls_group_join(p->client, buf_view(welcome), buf_view(&tree), p->key_package, NULL, 0,
                            NOW, &p->group),
             "join");
    buf_free(&tree);
    buf_free(welcome);
}

static void join_externally(struct scene *s, unsigned who)
{
    struct person *p = &s->people[who];
    struct buf info = {0}, message = {0}, unused = {0};
    gen_must(mls_group_info(s->people[ALICE].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info),
             "group info");
    gen_must(mls_group_join_external(p->client, buf_view(&info), bytes_of(NULL, 0), MLS_NO_LEAF,
                                     NULL, 0, NOW, &p->group, &message),
             "external commit");
    accepted(s, who, &message, &unused);
    buf_free(&info);
    buf_free(&unused);
}

/* ---- The recording ---- */

static void record_keys(const struct person *p, json_t *e)
{
    json_t *psk = json_object(), *psks = json_array();
    struct buf signature_priv = {0};
    gen_hex(psk, "psk_id", bytes_str(PSK_ID));
    gen_hex(psk, "psk", bytes_str(PSK));
    json_array_append_new(psks, psk);
    json_object_set_new(e, "external_psks", psks);
    gen_must(crypto_signer_private(p->signer, &signature_priv), "signature key");
    gen_hex(e, "key_package", mls_key_package_message(p->key_package));
    gen_hex(e, "signature_priv", buf_view(&signature_priv));
    gen_hex(e, "encryption_priv", secret_view(&p->key_package->leaf_priv));
    gen_hex(e, "init_priv", secret_view(&p->key_package->init_priv));
    buf_free(&signature_priv);
}

static void record_joining(struct scene *s, bool tree_apart, json_t *e)
{
    struct buf welcome = {0}, tree = {0};
    struct mls_change changes[] = {add(s, PASSIVE), mls_external_psk(bytes_str(PSK_ID))};
    commit(s, BOB, changes, 2, &welcome);
    gen_hex(e, "welcome", buf_view(&welcome));
    tree_of(s, &tree);
    if (tree_apart)
        gen_hex(e, "ratchet_tree", buf_view(&tree));
    else
        json_object_set_new(e, "ratchet_tree", json_null());
    gen_hex(e, "initial_epoch_authenticator", mls_group_epoch_authenticator(s->people[BOB].group));
    buf_free(&welcome);
    buf_free(&tree);
}

static void record_epochs(struct scene *s)
{
    struct mls_context context;
    struct buf welcome = {0};
    struct mls_extension name = {MLS_EXT_EXTERNAL_SENDERS, {(const uint8_t *)"", 1}};
    /* an Update by reference, and a new member */
    propose(s, BOB, mls_update());
    struct mls_change add_carol = add(s, CAROL);
    commit(s, ALICE, &add_carol, 1, &welcome);
    join(s, CAROL, &welcome);
    /* extensions proposed by one, committed by another together with a removal */
    mls_group_context(s->people[ALICE].group, &context);
    uint64_t shared_epoch = context.epoch;
    propose(s, CAROL, mls_set_extensions(&name, 1));
    uint32_t bob = mls_group_own_leaf(s->people[BOB].group);
    mls_group_free(s->people[BOB].group);
    s->people[BOB].group = NULL;
    struct mls_change remove = mls_remove(bob);
    commit(s, ALICE, &remove, 1, NULL);
    /* PSKs of both kinds */
    mls_group_context(s->people[ALICE].group, &context);
    struct mls_change psks[] = {mls_resumption_psk(context.group_id, shared_epoch),
                                mls_external_psk(bytes_str(PSK_ID))};
    commit(s, CAROL, psks, 2, NULL);
    join_externally(s, DAVE);
    /* fresh keys, and nothing else */
    commit(s, DAVE, NULL, 0, NULL);
}

void gen_passive_client(struct vec *v, json_t *e)
{
    struct scene s = {0};
    struct buf welcome = {0};
    for (unsigned i = 0; i < PEOPLE; i++)
        enter(v, &s, i);
    struct person *alice = &s.people[ALICE];
    gen_must(mls_group_new(alice->client, bytes_of(NULL, 0), NULL, 0, NOW, &alice->group), "group");
    struct mls_change add_bob = add(&s, BOB);
    commit(&s, ALICE, &add_bob, 1, &welcome);
    join(&s, BOB, &welcome);
    record_keys(&s.people[PASSIVE], e);
    record_joining(&s, crypto_suite(v->crypto) % 2 == 1, e);
    s.epochs = json_array();
    s.proposals = json_array();
    record_epochs(&s);
    json_object_set_new(e, "epochs", s.epochs);
    json_decref(s.proposals);
    for (unsigned i = 0; i < PEOPLE; i++)
        leave(&s.people[i]);
}
