/* A group's life, told: three members found a group, a fourth is added, one is removed, messages
 * flow, exported keys agree. This is what `make run` shows until there is a meeting to join.
 *
 * Everything is real: each member is a client of its own that sees nothing but the bytes the
 * others send. The "delivery service" here is a loop. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <conclave/mls.h>

#define MEMBERS 4
#define MUST(call) must((call), #call)

static void must(int rv, const char *what)
{
    if (rv == 0)
        return;
    fprintf(stderr, "%s failed: %s (%s)\n", what, conclave_error_text(rv), conclave_error_name(rv));
    exit(EXIT_FAILURE);
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

struct member {
    const char *name;
    struct crypto *crypto;
    struct crypto_signer *signer;
    struct mls_client *client;
    struct mls_key_package *kp;
    struct mls_group *group;
};

static uint64_t now;

static void member_init(struct member *m, const char *name)
{
    struct mls_client_config config = {
        .suite = CRYPTO_P256_AES128GCM_SHA256_P256,
        .credential = {.type = MLS_BASIC, .identity = bytes_str(name)},
        .callbacks = {.check_identity = mls_identity_accept_any},
        .policy = mls_policy_default(),
    };
    *m = (struct member){.name = name};
    MUST(crypto_new(config.suite, &m->crypto));
    MUST(crypto_signer_generate(m->crypto, &m->signer));
    config.signer = m->signer;
    MUST(mls_client_new(&config, &m->client));
    MUST(mls_key_package_new(m->client, now - 60, now + 86400, false, &m->kp));
}

static void member_fini(struct member *m)
{
    mls_group_free(m->group);
    mls_key_package_free(m->kp);
    mls_client_free(m->client);
    crypto_signer_free(m->signer);
    crypto_free(m->crypto);
}

/* What an application does with a commit: look at who does what before it is merged. */
static void inspect(const struct member *m, const struct mls_staged *staged)
{
    for (size_t i = 0; i < mls_staged_proposal_count(staged); i++) {
        struct mls_proposal_info p;
        struct mls_member who;
        MUST(mls_staged_proposal(staged, i, &p));
        if (p.type == MLS_ADD)
            say("    %s sees: the commit adds %.*s at leaf %u", m->name,
                (int)p.member.credential.identity.n, (const char *)p.member.credential.identity.p,
                p.leaf);
        else if (p.type == MLS_REMOVE && mls_staged_old_member(staged, p.leaf, &who) == 0)
            say("    %s sees: the commit removes %.*s from leaf %u", m->name,
                (int)who.credential.identity.n, (const char *)who.credential.identity.p, p.leaf);
    }
}

/* Hands a message to everybody in a group but its sender. */
static void deliver(struct member *all, const struct member *from, const struct buf *message)
{
    for (int i = 0; i < MEMBERS; i++) {
        struct member *m = &all[i];
        struct mls_received r;
        if (m == from || m->group == NULL || !mls_group_is_member(m->group))
            continue;
        MUST(mls_group_receive(m->group, buf_view(message), now, &r));
        if (r.kind == MLS_RECEIVED_APPLICATION)
            say("    %s reads: %.*s", m->name, (int)r.data.n, (const char *)r.data.p);
        if (r.kind == MLS_RECEIVED_COMMIT) {
            inspect(m, r.staged);
            MUST(mls_group_merge(m->group, mls_received_take(&r)));
        }
        mls_received_free(&r);
    }
}

/* Commits changes as one member; the Welcome, if any, goes to the newcomers. */
static void commit(struct member *all, struct member *by, const struct mls_change *changes,
                   size_t n)
{
    struct buf message = {0}, welcome = {0};
    MUST(mls_group_commit(by->group, changes, n, NULL, now, &message));
    say("    the commit has %zu bytes", message.n);
    deliver(all, by, &message);
    MUST(mls_group_merge_own(by->group, &welcome));
    for (int i = 0; welcome.n != 0 && i < MEMBERS; i++) {
        struct member *m = &all[i];
        if (m->group != NULL || !mls_welcome_is_for(buf_view(&welcome), m->kp))
            continue;
        MUST(mls_group_join(m->client, buf_view(&welcome), (struct bytes){0}, m->kp, NULL, 0, now,
                            &m->group));
        say("    %s joins by the Welcome (%zu bytes) at leaf %u", m->name, welcome.n,
            mls_group_own_leaf(m->group));
    }
    buf_free(&message);
    buf_free(&welcome);
}

static void talk(struct member *all, struct member *by, const char *text)
{
    struct buf message = {0};
    MUST(mls_group_protect(by->group, (struct bytes){0}, bytes_str(text), &message));
    say("  %s writes: %s  (%zu bytes on the wire)", by->name, text, message.n);
    deliver(all, by, &message);
    buf_free(&message);
}

/* Shows that all members have the same authenticator and export the same key. */
static void compare(struct member *all)
{
    uint8_t first[32], key[32];
    const struct member *reference = NULL;
    for (int i = 0; i < MEMBERS; i++) {
        struct member *m = &all[i];
        if (m->group == NULL || !mls_group_is_member(m->group))
            continue;
        MUST(mls_group_export(m->group, "example", bytes_str("three members"), sizeof key, key));
        if (reference == NULL) {
            memcpy(first, key, sizeof first);
            reference = m;
        } else if (memcmp(first, key, sizeof key) != 0 ||
                   !bytes_equal(mls_group_epoch_authenticator(m->group),
                                mls_group_epoch_authenticator(reference->group))) {
            fprintf(stderr, "%s and %s disagree\n", m->name, reference->name);
            exit(EXIT_FAILURE);
        }
    }
    printf("  epoch %llu, %u members, exported key of all:",
           (unsigned long long)mls_group_epoch(reference->group),
           mls_group_member_count(reference->group));
    for (size_t i = 0; i < 8; i++)
        printf(" %02x", first[i]);
    say(" ...");
}

int main(void)
{
    struct member all[MEMBERS];
    struct member *alice = &all[0], *bob = &all[1], *carol = &all[2], *dave = &all[3];
    now = (uint64_t)time(NULL);
    member_init(alice, "Alice");
    member_init(bob, "Bob");
    member_init(carol, "Carol");
    member_init(dave, "Dave");

    say("1. Alice founds a group and adds Bob and Carol in one commit.");
    MUST(mls_group_new(alice->client, bytes_str("three members"), NULL, 0, now, &alice->group));
    struct mls_change both[2] = {mls_add(mls_key_package_message(bob->kp)),
                                 mls_add(mls_key_package_message(carol->kp))};
    commit(all, alice, both, 2);
    compare(all);

    say("2. Messages flow.");
    talk(all, bob, "Good morning.");
    talk(all, carol, "Shall we start?");

    say("3. Bob adds Dave.");
    struct mls_change add = mls_add(mls_key_package_message(dave->kp));
    commit(all, bob, &add, 1);
    compare(all);
    talk(all, dave, "Sorry to be late.");

    say("4. Alice removes Carol; Carol's old keys are good for nothing now.");
    struct mls_change removal = mls_remove(mls_group_own_leaf(carol->group));
    commit(all, alice, &removal, 1);
    compare(all);
    struct buf secret = {0};
    struct mls_received r;
    MUST(mls_group_protect(alice->group, (struct bytes){0}, bytes_str("Between us now."), &secret));
    int rv = mls_group_receive(carol->group, buf_view(&secret), now, &r);
    say("  Carol tries to read what Alice writes: %s (%s)", conclave_error_text(rv),
        conclave_error_name(rv));
    if (rv == 0)
        return EXIT_FAILURE;
    deliver(all, alice, &secret);
    buf_free(&secret);

    for (int i = 0; i < MEMBERS; i++)
        member_fini(&all[i]);
    say("All members agreed at every step.");
    return EXIT_SUCCESS;
}
