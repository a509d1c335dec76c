/* A participant's life, and where its input goes. */
#include <stdlib.h>
#include <string.h>

#include "base/earlier.h"
#include "base/wipe.h"
#include "crypto/suite.h"
#include "identity/certificate.h"
#include "identity/text.h"
#include "participant/inner.h"

#define RETRY_FIRST_US (SECOND_US / 5)
#define RETRY_MOST_US (5 * SECOND_US)
#define RETRIES_BEFORE_TOLD 4
#define ANSWER_US (20 * SECOND_US) /* members are asked for a GroupInfo one by one, for 3 s each */

uint64_t participant_spread(struct participant *p, uint64_t n)
{
    /* splitmix64: for timers, where nothing depends on its being hard to guess */
    uint64_t z = p->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return n == 0 ? 0 : (z ^ z >> 31) % n;
}

/* ---- Life ---- */

static int check_config(const struct participant_config *config)
{
    size_t n = config->name == NULL ? 0 : strlen(config->name);
    if (config->link == NULL || config->signer == NULL || config->trust == NULL ||
        config->n_chain == 0 || n > PARTICIPANT_NAME_MAX ||
        (config->save_key.n != 0 && config->save_key.n != 32))
        return CONCLAVE_EINVAL;
    return n == 0 || text_is_plain(bytes_of(config->name, n)) ? 0 : CONCLAVE_EINVAL;
}

int participant_check_chain(const struct crypto_signer *signer, const struct bytes *chain,
                            size_t n_chain)
{
    struct certificate own;
    return n_chain != 0 && certificate_read(chain[0], &own) == 0 &&
                   bytes_equal(own.key.value, crypto_signer_public(signer))
               ? 0
               : CONCLAVE_ECREDENTIAL;
}

static int take_config(struct participant *p, const struct participant_config *config)
{
    int rv = link_parse(config->link, &p->link);
    if (rv == 0)
        rv = participant_check_chain(config->signer, config->chain, config->n_chain);
    if (rv == 0)
        rv = mls_certificates_encode(config->chain, config->n_chain, &p->chain);
    if (rv == 0)
        rv = crypto_new(CRYPTO_P256_AES128GCM_SHA256_P256, &p->crypto);
    if (rv != 0)
        return rv;
    if (config->name != NULL)
        memcpy(p->name, config->name, strlen(config->name));
    p->signer = config->signer;
    p->trust = config->trust;
    p->persist = config->persist;
    buf_put(&p->save_key, config->save_key);
    p->random = config->seed;
    if (config->seed == 0)
        rv = crypto_random(p->crypto, (uint8_t *)&p->random, sizeof p->random);
    return rv != 0 ? rv : buf_check(&p->save_key);
}

int participant_new(const struct participant_config *config, uint64_t now_us,
                    struct participant **out)
{
    int rv = check_config(config);
    if (rv != 0)
        return rv;
    struct participant *p = calloc(1, sizeof *p);
    if (p == NULL)
        return CONCLAVE_ENOMEM;
    p->now_us = p->left_us = now_us;
    p->retry_us = NEVER;
    p->unsent_end = &p->unsent;
    p->joiners_at_once = PARTICIPANT_ADDS_LIMIT;
    rv = take_config(p, config);
    if (rv == 0) {
        p->connection = OPENING;
        participant_effect_simple(p, PARTICIPANT_CONNECT);
        participant_phase_set(p, PARTICIPANT_CONNECTING);
        rv = participant_effects_check(&p->effects);
    }
    if (rv != 0) {
        participant_free(p);
        return rv;
    }
    *out = p;
    return 0;
}

void participant_free(struct participant *p)
{
    if (p == NULL)
        return;
    mls_group_free(p->group);
    mls_group_free(p->rejoining);
    mls_key_package_free(p->key_package);
    mls_client_free(p->client);
    participant_roster_fini(p);
    participant_callers_fini(&p->lobby);
    participant_callers_fini(&p->joiners);
    participant_wishes_fini(p);
    participant_talk_fini(p);
    meeting_names_free(p->names);
    participant_realm_release(p->realm);
    card_free(p->card);
    buf_free(&p->state_data);
    buf_free(&p->last_group);
    buf_free(&p->chain);
    buf_free(&p->save_key);
    participant_effects_fini(&p->effects);
    crypto_free(p->crypto);
    wipe(p, sizeof *p);
    free(p);
}

/* ---- Phases ---- */

void participant_phase_set(struct participant *p, enum participant_phase phase)
{
    if (p->phase == phase)
        return;
    p->phase = phase;
    participant_effect_event(p, &(struct participant_effect){.event = PARTICIPANT_PHASE,
                                                             .reason = phase == PARTICIPANT_OVER
                                                                           ? p->end_reason
                                                                           : REASON_NONE,
                                                             .leaf = MLS_NO_LEAF,
                                                             .by = MLS_NO_LEAF});
}

void participant_end_with(struct participant *p, int reason)
{
    if (p->phase == PARTICIPANT_OVER)
        return;
    p->end_reason = reason;
    if (p->connection != OFFLINE)
        participant_effect_simple(p, PARTICIPANT_DISCONNECT);
    p->connection = OFFLINE;
    p->retry_us = NEVER;
    bool keep = reason == REASON_REPLACED; /* what is saved is the other one's now */
    bool persist = p->persist;
    p->persist = persist && !keep;
    participant_group_drop(p);
    p->persist = persist;
    mls_key_package_free(p->key_package);
    p->key_package = NULL;
    participant_phase_set(p, PARTICIPANT_OVER);
}

static uint64_t backoff(struct participant *p)
{
    uint64_t us = RETRY_FIRST_US << (p->retries < 6 ? p->retries : 6);
    p->retries++;
    if (us > RETRY_MOST_US)
        us = RETRY_MOST_US;
    return us + participant_spread(p, us / 2);
}

static void go_offline(struct participant *p)
{
    if (p->connection == LIVE)
        p->left_us = p->now_us;
    p->connection = OFFLINE;
    mls_group_free(p->rejoining);
    p->rejoining = NULL;
}

void participant_reconnect(struct participant *p, uint64_t after_us)
{
    if (p->phase == PARTICIPANT_OVER)
        return;
    if (p->connection != OFFLINE)
        participant_effect_simple(p, PARTICIPANT_DISCONNECT);
    go_offline(p);
    /* Even "at once" is not, the third time in a row. */
    p->retry_us = p->now_us + (p->retries > 2 ? backoff(p) : after_us);
    if (after_us == 0)
        p->retries++;
    participant_phase_set(p, p->group != NULL && !p->founding ? PARTICIPANT_RECONNECTING
                                                              : PARTICIPANT_CONNECTING);
}

/* ---- Input ---- */

static void tell_if_unreachable(struct participant *p, int reason)
{
    if (p->retries <= RETRIES_BEFORE_TOLD || p->unreachable_told)
        return;
    p->unreachable_told = true;
    participant_notify(p, PARTICIPANT_WARNING, reason, MLS_NO_LEAF);
}

/* By when what we opened with is to be answered. At the door one waits as long as it takes. */
static uint64_t answer_time(const struct participant *p)
{
    bool at_the_door = p->connection == ASKED && p->group == NULL && p->waiting_us != 0;
    bool asked = p->connection == GREETED || p->connection == ASKED;
    return asked && !at_the_door ? p->asked_us + ANSWER_US : NEVER;
}

static void disconnected(struct participant *p, int reason)
{
    if (p->connection == OFFLINE)
        return;
    go_offline(p);
    if (reason == REASON_TLS && p->card == NULL) {
        participant_end_with(p, REASON_TLS);
        return;
    }
    if (p->waiting_us != 0 && p->now_us - p->waiting_us >= RETRY_MOST_US) {
        p->retries = 0; /* at the door a connection that has held so long was one that works */
        p->unreachable_told = false;
    }
    p->retry_us = p->now_us + backoff(p);
    tell_if_unreachable(p, reason != 0 ? reason : REASON_UNREACHABLE);
    participant_phase_set(p, p->group != NULL && !p->founding ? PARTICIPANT_RECONNECTING
                                                              : PARTICIPANT_CONNECTING);
}

static int waiting(struct participant *p, uint8_t why)
{
    if (p->connection != ASKED || p->group != NULL)
        return 0;
    participant_phase_set(p, why == SIGNAL_WAIT_NOT_STARTED ? PARTICIPANT_NOT_STARTED
                             : why == SIGNAL_WAIT_LOBBY     ? PARTICIPANT_IN_LOBBY
                                                            : PARTICIPANT_JOINING);
    if (why == SIGNAL_WAIT_NOT_STARTED && meeting_may_found(p->card, &p->own) &&
        now_of(p) >= card_terms(p->card)->not_before) {
        /* The group that we knocked at is no more: then it is for us to begin. */
        participant_reconnect(p, 0);
        return 0;
    }
    if (p->waiting_us == 0)
        p->waiting_us = p->now_us;
    return 0;
}

/* A GroupInfo for somebody who resumes: it tells the server nothing that it does not have, but for
 * the key that external commits are encrypted to. */
static int give_info(struct participant *p)
{
    struct buf info = {0};
    if (p->connection != LIVE || p->group == NULL)
        return 0;
    int rv = mls_group_info(p->group, MLS_INFO_EXTERNAL_PUB, &info);
    if (rv == 0)
        participant_effect_send(
            p, &(struct signal_message){.type = SIGNAL_INFO, .body = buf_view(&info)});
    buf_free(&info);
    return rv != 0 && conclave_error_class(rv) != CONCLAVE_CLASS_SYSTEM ? 0 : rv;
}

static int dispatch(struct participant *p, const struct signal_message *m)
{
    switch (m->type) {
    case SIGNAL_CHALLENGE:
        return participant_open_challenge(p, m);
    case SIGNAL_WAITING:
        return waiting(p, m->waiting);
    case SIGNAL_TAKEN:
        return participant_open_taken(p);
    case SIGNAL_LIVE:
        return participant_open_live(p, m);
    case SIGNAL_INFO_OF:
        return participant_open_info(p, m);
    case SIGNAL_FAULT:
        return participant_open_fault(p, m->reason);
    case SIGNAL_WELCOMED:
        return participant_group_welcomed(p, m);
    case SIGNAL_COMMITTED:
        return participant_group_committed(p, m->body);
    case SIGNAL_PROPOSED:
        return participant_group_proposed(p, m->body);
    case SIGNAL_UNDONE:
        return participant_group_undone(p, m);
    case SIGNAL_REJECTED:
        return participant_lead_rejected(p, m);
    case SIGNAL_LOBBY:
        return participant_door_lobby(p, m);
    case SIGNAL_JOINERS:
        return participant_door_joiners(p, m);
    case SIGNAL_APP_FROM:
        return participant_talk_received(p, m->body);
    case SIGNAL_MEDIA_OF: /* for whoever has the media: it is judged there */
        if (p->connection == LIVE)
            participant_effect_data(p, PARTICIPANT_MEDIA, m->body, false);
        return 0;
    case SIGNAL_INFO_REQUEST:
        return give_info(p);
    case SIGNAL_PRESENCE:
        if (p->group != NULL)
            participant_roster_presence(p, m->presence);
        return 0;
    default:
        return CONCLAVE_ESYNTAX; /* a client's message */
    }
}

void participant_retry(struct participant *p)
{
    participant_reconnect(p, SECOND_US + backoff(p));
}

/* Memory ran out, and a frame of the server's or of ours is lost. A new connection makes up for it:
 * the server says again what came since, and what is ours to say is said again. */
static void begin_anew(struct participant *p)
{
    participant_reconnect(p, backoff(p));
}

static int frame(struct participant *p, struct bytes data)
{
    struct signal_message m;
    if (p->connection == OFFLINE || p->connection == OPENING)
        return 0; /* what was still on its way */
    p->stats.bytes_in += data.n;
    int rv = signal_read(data, &m);
    if (rv == 0)
        rv = dispatch(p, &m);
    if (rv == 0)
        return 0;
    if (conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM) {
        begin_anew(p);
        return rv;
    }
    p->stats.refused++;
    participant_notify(p, PARTICIPANT_WARNING, REASON_MALFORMED, MLS_NO_LEAF);
    participant_reconnect(p, backoff(p));
    return 0;
}

static int timers(struct participant *p)
{
    if (answer_time(p) <= p->now_us) { /* a server that says nothing is as good as none */
        p->rejoin = false;             /* nor does a GroupInfo come that nobody gives */
        participant_reconnect(p, 0);
        tell_if_unreachable(p, REASON_UNREACHABLE);
    }
    int rv = participant_group_tick(p);
    if (rv == 0 && p->phase != PARTICIPANT_OVER)
        rv = participant_lead_tick(p);
    if (rv == 0 && p->phase != PARTICIPANT_OVER)
        rv = participant_talk_tick(p);
    if (rv == 0 && p->phase != PARTICIPANT_OVER)
        rv = participant_persist_tick(p);
    if (p->retry_us <= p->now_us) { /* last: any of them may have asked for it */
        p->retry_us = NEVER;
        p->connection = OPENING;
        participant_effect_simple(p, PARTICIPANT_CONNECT);
    }
    return rv;
}

/* What every call from outside ends with. */
int participant_settle(struct participant *p, int rv)
{
    if (rv == 0 && p->phase != PARTICIPANT_OVER) {
        rv = timers(p);
        if (rv != 0)
            begin_anew(p);
    }
    if (participant_effects_check(&p->effects) != 0) {
        begin_anew(p);
        (void)!participant_effects_check(&p->effects); /* the same failure, told once */
        rv = rv != 0 ? rv : CONCLAVE_ENOMEM;
    }
    return rv;
}

int participant_input(struct participant *p, const struct participant_input *in, uint64_t now_us)
{
    int rv = 0;
    if (p->phase == PARTICIPANT_OVER)
        return 0;
    p->now_us = now_us;
    switch (in->kind) {
    case PARTICIPANT_CONNECTED:
        rv = p->connection == OPENING ? participant_open_greet(p) : 0;
        break;
    case PARTICIPANT_FRAME:
        rv = frame(p, in->frame);
        break;
    case PARTICIPANT_DISCONNECTED:
        disconnected(p, in->reason);
        break;
    default:
        return CONCLAVE_EINVAL;
    }
    return participant_settle(p, rv);
}

int participant_tick(struct participant *p, uint64_t now_us)
{
    if (p->phase == PARTICIPANT_OVER)
        return 0;
    p->now_us = now_us;
    return participant_settle(p, 0);
}

uint64_t participant_deadline(const struct participant *p)
{
    if (p->phase == PARTICIPANT_OVER)
        return NEVER;
    uint64_t at = earlier(earlier(p->retry_us, answer_time(p)), participant_lead_deadline(p));
    return earlier(at, earlier(participant_talk_deadline(p), participant_group_deadline(p)));
}

/* ---- Leaving ---- */

int participant_leave(struct participant *p, uint64_t now_us)
{
    struct mls_change change = mls_self_remove();
    struct buf message = {0};
    int rv = 0;
    if (p->phase == PARTICIPANT_OVER)
        return CONCLAVE_ESTATE;
    p->now_us = now_us;
    if (p->connection == LIVE && p->group != NULL && mls_group_member_count(p->group) > 1)
        rv = mls_group_propose(p->group, &change, NULL, now_of(p), &message);
    if (rv == 0 && message.n != 0)
        participant_effect_send(
            p, &(struct signal_message){.type = SIGNAL_PROPOSE, .body = buf_view(&message)});
    if (p->connection == LIVE || p->connection == ASKED)
        participant_effect_send(p, &(struct signal_message){.type = SIGNAL_LEAVE});
    buf_free(&message);
    participant_end_with(
        p, REASON_LEFT); /* whatever came of the proposal: the server sees that we are gone */
    return participant_effects_check(&p->effects);
}
