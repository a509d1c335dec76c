/* From Hello to the meeting (docs/PROTOCOL.md section 5, Opening): the card is checked against the
 * link before anything is said that tells who we are. */
#include <string.h>

#include "base/ct.h"
#include "base/wipe.h"
#include "crypto/labels.h"
#include "crypto/sha256.h"
#include "participant/inner.h"

#define CLOCK_SECONDS 300u
/* A key package serves one knock: long enough for a lobby, and for clocks that differ. */
#define KEY_PACKAGE_BEFORE UINT64_C(3600)
#define KEY_PACKAGE_AFTER UINT64_C(86400)

static struct bytes link_secret(const struct participant *p)
{
    return p->link.has_secret ? bytes_of(p->link.secret, sizeof p->link.secret) : none();
}

static struct bytes link_hash(const struct participant *p)
{
    return bytes_of(p->link.card_hash, sizeof p->link.card_hash);
}

int participant_open_greet(struct participant *p)
{
    uint8_t access[32];
    struct signal_message hello = {
        .type = SIGNAL_HELLO, .version = SIGNAL_VERSION, .number = bytes_str(p->link.number)};
    if (p->link.has_secret) {
        int rv = link_derive(link_secret(p), link_hash(p), LINK_ACCESS, access);
        if (rv != 0)
            return rv;
        hello.access = bytes_of(access, sizeof access);
    }
    p->connection = GREETED;
    p->asked_us = p->now_us;
    p->waiting_us = 0;
    participant_effect_send(p, &hello);
    return 0;
}

/* ---- The card ---- */

/* The reason why a card is not taken, or 0. *out_error: of the system. */
static int refuse_card(struct participant *p, const struct card *card, int *out_error)
{
    const struct card_terms *terms = card_terms(card);
    struct bytes provider = participant_trust_provider(p->trust);
    if (p->link.has_hash ? !bytes_equal(card_hash(card), link_hash(p)) : !terms->open)
        return REASON_CARD_MISMATCH;
    /* docs/PROTOCOL.md section 2: without the secret all keys follow from what the server knows */
    if (!terms->open && !p->link.has_secret)
        return REASON_BAD_LINK;
    if (terms->mode != CARD_E2E)
        return REASON_STANDARD_MODE;
    if (provider.n != 0 && !bytes_equal(provider, terms->provider_root))
        return REASON_CARD_SERVER;
    struct crypto *crypto = NULL;
    struct realm *realm = NULL;
    int rv = crypto_new(terms->suites[0], &crypto);
    if (rv == CONCLAVE_ESUITE)
        return REASON_UNSUPPORTED_SUITE;
    if (rv == 0)
        crypto_remember(crypto, participant_trust_verified(p->trust));
    if (rv == 0)
        rv = participant_trust_realm(p->trust, card, &realm);
    if (rv == 0)
        rv = card_verify(card, crypto, participant_realm_anchors(realm), &p->organiser);
    if (rv == 0) {
        crypto_free(p->crypto);
        p->crypto = crypto;
        participant_realm_release(p->realm);
        p->realm = realm;
        return REASON_NONE;
    }
    crypto_free(crypto);
    participant_realm_release(realm);
    if (conclave_error_class(rv) != CONCLAVE_CLASS_SYSTEM)
        return REASON_CARD_INVALID;
    *out_error = rv;
    return REASON_NONE;
}

static int derive_keys(struct participant *p)
{
    struct bytes hash = card_hash(p->card);
    struct bytes secret = card_terms(p->card)->open ? none() : link_secret(p);
    uint8_t name_key[LINK_DERIVED];
    int rv = link_derive(secret, hash, LINK_PSK, p->psk);
    if (rv == 0)
        rv = link_derive(secret, hash, LINK_NAMES, name_key);
    if (rv == 0)
        rv = meeting_names_new(name_key, &p->names);
    wipe(name_key, sizeof name_key);
    return rv;
}

/* Who we are by these certificates. */
static int judge_self(const struct participant *p, struct bytes chain, struct identity *out)
{
    const struct mls_credential own = {.type = MLS_X509, .certificates = chain};
    return participant_realm_verify(p->realm, &own, crypto_signer_public(p->signer), now_of(p),
                                    out);
}

/* Why a certificate's dates do not fit: if our clock is not the server's, signing in anew would not
 * help. */
static int date_reason(const struct participant *p)
{
    return p->clock_told ? REASON_CLOCK : REASON_CERTIFICATE_EXPIRED;
}

/* Our own certificate: said before anybody else notices. */
static void warn_of_self(struct participant *p)
{
    if (p->own.reason == IDENTITY_EXPIRED || p->own.reason == IDENTITY_NOT_YET_VALID)
        participant_end_with(p, date_reason(p));
    else if (p->own.category == IDENTITY_UNVERIFIED)
        participant_notify(p, PARTICIPANT_INFO, REASON_UNVERIFIED, MLS_NO_LEAF);
}

int participant_open_card(struct participant *p, struct bytes encoded)
{
    struct card *card = NULL;
    int rv = card_read(encoded, &card), error = 0;
    if (rv != 0 && conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM)
        return rv;
    int reason = rv != 0 ? REASON_CARD_INVALID : refuse_card(p, card, &error);
    if (reason != REASON_NONE || error != 0) {
        card_free(card);
        if (reason != REASON_NONE)
            participant_end_with(p, reason);
        return error;
    }
    p->card = card;
    rv = derive_keys(p);
    if (rv == 0)
        rv = judge_self(p, buf_view(&p->chain), &p->own);
    if (rv == 0)
        rv = participant_group_make_client(p);
    if (rv == 0) {
        participant_tell(p, PARTICIPANT_CARD);
        warn_of_self(p);
        return 0;
    }
    if (conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM) { /* as if it had not come */
        meeting_names_free(p->names);
        p->names = NULL;
        card_free(card);
        p->card = NULL;
        return rv;
    }
    participant_end_with(p, rv == CONCLAVE_ELIFETIME ? date_reason(p) : REASON_UNSUPPORTED_SUITE);
    return 0;
}

/* ---- Another certificate ---- */

/* For members (docs/PROTOCOL.md section 4): another who is the same. Before, anybody may come. */
static int check_renewal(const struct participant *p, struct bytes chain, struct identity *out)
{
    if (p->card == NULL)
        return 0;
    int rv = judge_self(p, chain, out);
    if (rv == 0 && p->group != NULL && !identity_same(&p->own, out))
        rv = CONCLAVE_ECREDENTIAL;
    return rv;
}

static int take_renewal(struct participant *p, struct buf *chain, const struct identity *own)
{
    struct buf before = p->chain;
    p->chain = *chain;
    int rv = p->card != NULL ? participant_group_make_client(p) : 0;
    if (rv != 0) {
        p->chain = before;
        return rv;
    }
    *chain = before;
    p->own = *own;
    participant_lead_compare(p); /* the next commit of ours shows it */
    if (p->key_package != NULL)  /* which has the old one in it */
        participant_reconnect(p, 0);
    return 0;
}

int participant_renew(struct participant *p, const struct bytes *chain, size_t n_chain,
                      uint64_t now_us)
{
    struct buf encoded = {0};
    struct identity own = p->own;
    if (p->phase == PARTICIPANT_OVER)
        return CONCLAVE_ESTATE;
    p->now_us = now_us;
    int rv = participant_check_chain(p->signer, chain, n_chain);
    if (rv == 0)
        rv = mls_certificates_encode(chain, n_chain, &encoded);
    if (rv == 0)
        rv = check_renewal(p, buf_view(&encoded), &own);
    if (rv == 0)
        rv = take_renewal(p, &encoded, &own);
    buf_free(&encoded);
    return rv != 0 ? rv : participant_settle(p, 0);
}

/* ---- What we ask for ---- */

static int prove(struct participant *p, enum signal_type type, struct bytes subject,
                 struct buf *out_signature)
{
    struct buf tbs = {0};
    p->asked_us = p->now_us;
    int rv = signal_connect_tbs(bytes_of(p->nonce, sizeof p->nonce), type, subject, &tbs);
    struct bytes part = buf_view(&tbs);
    if (rv == 0)
        rv = sign_with_label(p->signer, SIGNAL_CONNECT_LABEL, &part, 1, out_signature);
    buf_free(&tbs);
    return rv;
}

static int prove_hash(struct participant *p, enum signal_type type, struct bytes subject,
                      struct buf *out_signature)
{
    uint8_t hash[CARD_HASH];
    int rv = crypto_sha256(subject, hash);
    return rv != 0 ? rv : prove(p, type, bytes_of(hash, sizeof hash), out_signature);
}

int participant_open_knock(struct participant *p)
{
    struct mls_key_package *kp = NULL;
    struct buf signature = {0};
    uint64_t now = now_of(p);
    int rv = mls_key_package_new(p->client, now - KEY_PACKAGE_BEFORE, now + KEY_PACKAGE_AFTER,
                                 false, &kp);
    if (rv == 0)
        rv = prove_hash(p, SIGNAL_KNOCK, mls_key_package_message(kp), &signature);
    if (rv == 0) {
        mls_key_package_free(p->key_package);
        p->key_package = kp;
        p->connection = ASKED;
        participant_effect_send(p, &(struct signal_message){.type = SIGNAL_KNOCK,
                                                            .body = mls_key_package_message(kp),
                                                            .signature = buf_view(&signature)});
    } else {
        mls_key_package_free(kp);
    }
    buf_free(&signature);
    return rv;
}

static int found(struct participant *p)
{
    struct buf info = {0}, tree = {0}, signature = {0};
    int rv = p->group == NULL ? participant_group_found(p) : 0;
    if (rv == 0) /* so that a crash before the answer leaves no group without a member */
        rv = participant_persist_snapshot(p);
    if (rv == 0)
        rv = mls_group_info(p->group, 0, &info);
    if (rv == 0)
        rv = mls_group_tree(p->group, &tree);
    if (rv == 0)
        rv = prove_hash(p, SIGNAL_FOUND, buf_view(&info), &signature);
    if (rv == 0) {
        p->connection = ASKED;
        participant_effect_send(p, &(struct signal_message){.type = SIGNAL_FOUND,
                                                            .body = buf_view(&info),
                                                            .tree = buf_view(&tree),
                                                            .signature = buf_view(&signature)});
    }
    buf_free(&info);
    buf_free(&tree);
    buf_free(&signature);
    return rv;
}

/* Resume with the group we have, or Rejoin where it can no longer be followed. */
static int come_back(struct participant *p)
{
    struct mls_context context;
    struct buf signature = {0};
    enum signal_type type = p->rejoin && !p->founding ? SIGNAL_REJOIN : SIGNAL_RESUME;
    mls_group_context(p->group, &context);
    int rv = participant_lead_forget(p);
    if (rv == 0)
        rv = prove(p, type, context.group_id, &signature);
    if (rv == 0) {
        p->connection = ASKED;
        participant_effect_send(p, &(struct signal_message){.type = type,
                                                            .group_id = context.group_id,
                                                            .leaf = mls_group_own_leaf(p->group),
                                                            .epoch = context.epoch,
                                                            .signature = buf_view(&signature)});
    }
    buf_free(&signature);
    return rv;
}

static int begin(struct participant *p)
{
    const struct card_terms *terms = card_terms(p->card);
    uint64_t now = now_of(p);
    if (terms->not_after != 0 && now > terms->not_after)
        participant_end_with(p, REASON_EXPIRED_LINK);
    else if (meeting_may_found(p->card, &p->own) && now >= terms->not_before)
        return found(p);
    else if (meeting_may_found(p->card, &p->own))
        participant_end_with(p, REASON_TOO_EARLY);
    else
        return participant_open_knock(p);
    return 0;
}

static int ask(struct participant *p, bool running)
{
    if (p->group == NULL && !running && p->last_group.n != 0)
        participant_notify(p, PARTICIPANT_ALARM, REASON_MEETING_RESTARTED, MLS_NO_LEAF);
    if (p->group == NULL)
        return running ? participant_open_knock(p) : begin(p);
    if (running)
        return come_back(p);
    if (p->founding)
        return found(p);
    /* docs/PROTOCOL.md section 5, End: it is gone, or the server pretends so. Either way it is not
     * the meeting we were in. */
    participant_notify(p, PARTICIPANT_ALARM, REASON_MEETING_RESTARTED, MLS_NO_LEAF);
    participant_end_with(p, REASON_GONE);
    return 0;
}

int participant_open_challenge(struct participant *p, const struct signal_message *m)
{
    uint64_t now = now_of(p);
    if (p->connection != GREETED)
        return CONCLAVE_ESYNTAX;
    if (m->version != SIGNAL_VERSION) {
        participant_end_with(p, REASON_VERSION);
        return 0;
    }
    uint64_t apart = m->server_time > now ? m->server_time - now : now - m->server_time;
    if (apart > CLOCK_SECONDS && !p->clock_told) {
        p->clock_told = true;
        participant_notify(p, PARTICIPANT_WARNING, REASON_CLOCK, MLS_NO_LEAF);
    }
    memcpy(p->nonce, m->nonce.p, sizeof p->nonce);
    if (p->card == NULL) {
        int rv = participant_open_card(p, m->card);
        if (rv != 0 || p->phase == PARTICIPANT_OVER)
            return rv;
    } else if (!bytes_equal(m->card, card_encoded(p->card))) {
        participant_end_with(p, REASON_CARD_MISMATCH);
        return 0;
    }
    return ask(p, m->running);
}

/* ---- Answers ---- */

void participant_open_rejoin(struct participant *p)
{
    if (participant_group_refuses(p)) {
        participant_end_with(p, p->stuck_reason);
    } else if (p->rejoins >= PARTICIPANT_REJOINS_LIMIT) {
        participant_end_with(p, REASON_CANNOT_FOLLOW);
    } else {
        p->rejoins++;
        p->rejoin = true;
        participant_reconnect(p, 0);
    }
}

int participant_open_taken(struct participant *p)
{
    if (p->connection != ASKED || !p->founding)
        return CONCLAVE_ESYNTAX;
    participant_group_drop(p);
    return participant_open_knock(p);
}

/* We are where the server is, or have not been told everything. */
int participant_open_live(struct participant *p, const struct signal_message *m)
{
    if (p->connection != ASKED || p->group == NULL)
        return p->group == NULL ? CONCLAVE_ESYNTAX : 0;
    if (p->rejoining != NULL) { /* our commit was taken, and has not come back */
        participant_reconnect(p, 0);
        return 0;
    }
    bool founded = p->founding;
    if (m->leaf != mls_group_own_leaf(p->group) || m->epoch != mls_group_epoch(p->group)) {
        participant_notify(p, PARTICIPANT_ALARM, REASON_COMMIT_FOREIGN, MLS_NO_LEAF);
        if (founded)
            participant_reconnect(p, 0);
        else
            participant_open_rejoin(p);
        return 0;
    }
    if (founded) {
        p->founding = false; /* and is saved as such */
        int rv = participant_group_take_up(p);
        p->founding = rv != 0;
        if (rv != 0)
            return rv;
    }
    p->connection = LIVE;
    participant_door_forget(p);
    p->retries = 0;
    p->unreachable_told = false;
    p->fault_told = 0;
    participant_phase_set(p, PARTICIPANT_IN_MEETING);
    if (founded) {
        participant_group_enter(p);
        return 0;
    }
    participant_roster_all_here(p); /* Presence follows, with who is not */
    participant_talk_resume(p);
    return participant_lead_resume(p);
}

/* It is the group that we were in, no older than what we have seen of it, no other history of the
 * epoch we are in, and the leaf that we take anew is ours. */
static int check_resumed(const struct participant *p)
{
    struct mls_context before, now;
    struct mls_member own;
    struct meeting_state state;
    mls_group_context(p->group, &before);
    mls_group_context(p->rejoining, &now);
    int rv = mls_group_member(p->rejoining, mls_group_own_leaf(p->group), &own);
    if (rv == 0)
        rv = meeting_extensions_check(now.extensions, p->card, &state);
    if (rv != 0)
        return rv;
    if (!bytes_equal(now.group_id, before.group_id) ||
        !bytes_equal(own.signature_key, crypto_signer_public(p->signer)) ||
        state.started_at != p->state.started_at)
        return CONCLAVE_EGROUP;
    if (now.epoch < before.epoch ||
        (now.epoch == before.epoch &&
         !bytes_equal(now.confirmed_transcript_hash, before.confirmed_transcript_hash)))
        return CONCLAVE_EEPOCH;
    return 0;
}

/* RFC 9420 12.4.3.2: back into our own leaf by an external commit. */
int participant_open_info(struct participant *p, const struct signal_message *m)
{
    struct buf commit = {0};
    if (p->connection != ASKED || p->group == NULL || !p->rejoin || p->rejoining != NULL)
        return CONCLAVE_ESYNTAX;
    struct bytes psk = card_hash(p->card);
    p->asked_us = p->now_us;
    int rv = mls_group_join_external(p->client, m->body, m->tree, mls_group_own_leaf(p->group),
                                     &psk, card_terms(p->card)->open ? 0 : 1, now_of(p),
                                     &p->rejoining, &commit);
    if (rv == 0)
        rv = participant_group_check(p, p->rejoining);
    if (rv == 0)
        rv = check_resumed(p);
    if (rv == 0)
        participant_effect_send(
            p, &(struct signal_message){.type = SIGNAL_COMMIT, .body = buf_view(&commit)});
    buf_free(&commit);
    if (rv == 0 || conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM)
        return rv;
    mls_group_free(p->rejoining);
    p->rejoining = NULL;
    participant_end_with(p, REASON_CANNOT_FOLLOW);
    return 0;
}

/* The group is not there for us any more; the meeting may be. */
static void start_over(struct participant *p)
{
    if (!p->founding)
        participant_notify(p, PARTICIPANT_WARNING, REASON_JOINING_ANEW, MLS_NO_LEAF);
    participant_group_drop(p);
    p->rejoin = false;
    participant_reconnect(p, 0);
}

int participant_open_fault(struct participant *p, int reason)
{
    switch (reason) {
    case REASON_NONE:
        return CONCLAVE_ESYNTAX;
    case REASON_SERVER_STOPS:
    case REASON_SERVER_ERROR:
    case REASON_TOO_MANY:
        if (p->fault_told != reason)
            participant_notify(p, PARTICIPANT_WARNING, reason, MLS_NO_LEAF);
        p->fault_told = reason;
        participant_retry(p);
        return 0;
    case REASON_OUT_OF_REACH:
        if (p->group != NULL)
            participant_open_rejoin(p);
        else
            participant_reconnect(p, 0);
        return 0;
    case REASON_NOT_A_MEMBER:
        if (p->group == NULL)
            break;
        start_over(p);
        return 0;
    case REASON_GONE:
        if (p->group != NULL && !p->founding)
            break;
        start_over(p);
        return 0;
    case REASON_EJECTED:
    case REASON_ENDED:
    case REASON_REFUSED_BY_HOST:
        /* What a host does to members is in a commit; the server's word for it is not enough. */
        if (p->group == NULL || p->founding)
            break;
        participant_end_with(p, REASON_UNCONFIRMED_END);
        return 0;
    default:
        break;
    }
    participant_end_with(p, reason);
    return 0;
}
