#include "rtc/ice_client.h"

#include "base/ct.h"
#include "base/earlier.h"
#include "base/wipe.h"

#define PRIORITY ICE_PRIORITY(ICE_TYPE_PEER_REFLEXIVE, 65535)

static int take_config(struct ice_client *c, const struct ice_client_config *config)
{
    struct ice_credentials local, remote;
    if (config->n == 0 || config->n > ICE_CANDIDATES_MAX)
        return CONCLAVE_EINVAL;
    int rv = ice_credentials_set(&local, config->local);
    if (rv == 0)
        rv = ice_credentials_set(&remote, config->remote);
    if (rv != 0)
        goto out;
    c->local = local;
    c->remote = remote;
    c->nomination = config->nomination;
    c->n = config->n;
    for (size_t i = 0; i < c->n; i++)
        c->pairs[i] = (struct ice_pair){.remote = config->candidates[i]};
    ice_client_recheck(c);
out:
    ice_credentials_wipe(&local);
    ice_credentials_wipe(&remote);
    return rv;
}

int ice_client_init(struct ice_client *c, const struct ice_client_config *config)
{
    *c = (struct ice_client){.consent_us = UINT64_MAX};
    memcpy(c->random.key, config->seed, ICE_SEED);
    c->tie_breaker = ice_random_next(&c->random);
    int rv = take_config(c, config);
    if (rv != 0)
        ice_client_fini(c);
    return rv;
}

void ice_client_fini(struct ice_client *c)
{
    wipe(c, sizeof *c);
}

int ice_client_restart(struct ice_client *c, const struct ice_client_config *config)
{
    int rv = take_config(c, config);
    if (rv == 0) /* answers to what was asked before would not verify any more */
        memset(c->consents, 0, sizeof c->consents);
    return rv;
}

void ice_client_recheck(struct ice_client *c)
{
    for (size_t i = 0; i < c->n; i++)
        c->pairs[i].state = ICE_PAIR_WAITING;
    c->checking = true;
    c->first_us = UINT64_MAX;
}

/* ---- State ---- */

static bool has_consent(const struct ice_client *c, uint64_t now_us)
{
    return c->selected.family != RTC_NO_FAMILY && now_us < c->answered_us + ICE_CONSENT_US;
}

enum ice_state ice_client_state(const struct ice_client *c, uint64_t now_us)
{
    if (has_consent(c, now_us))
        return ICE_CONNECTED;
    if (c->checking)
        return ICE_CHECKING;
    return c->selected.family != RTC_NO_FAMILY ? ICE_LOST : ICE_FAILED;
}

const struct rtc_address *ice_client_remote(const struct ice_client *c, uint64_t now_us)
{
    return has_consent(c, now_us) ? &c->selected : NULL;
}

bool ice_client_knows(const struct ice_client *c, const struct rtc_address *from)
{
    for (size_t i = 0; i < c->n; i++)
        if (rtc_address_equal(&c->pairs[i].remote, from))
            return true;
    return false;
}

static struct ice_pair *find_state(struct ice_client *c, enum ice_pair_state state)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->pairs[i].state == state)
            return &c->pairs[i];
    return NULL;
}

static bool is_nominating(const struct ice_client *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->pairs[i].state == ICE_PAIR_IN_PROGRESS && c->pairs[i].nominating)
            return true;
    return false;
}

/* ---- Checks ---- */

/* Writes the check of a pair as it would be; the pair changes only if that worked. */
static int send_pair(struct ice_client *c, struct ice_pair *p, struct ice_pair next,
                     uint64_t now_us, struct buf *out, struct rtc_address *out_to)
{
    bool nominate = next.nominating || c->nomination == ICE_AGGRESSIVE;
    struct ice_check check = {next.transaction, STUN_CONTROLLING, c->tie_breaker, PRIORITY,
                              nominate};
    int rv = ice_check_write(&check, &c->local, &c->remote, out);
    if (rv != 0)
        return rv;
    next.tries++;
    next.due_us = now_us + next.wait_us;
    next.wait_us *= 2;
    *p = next;
    *out_to = p->remote;
    return 0;
}

static int begin_pair(struct ice_client *c, struct ice_pair *p, bool nominating, uint64_t now_us,
                      struct buf *out, struct rtc_address *out_to)
{
    /* RFC 8445 14.3: half a second, or Ta for each pair; these are too few for that to be more */
    struct ice_pair next = {.remote = p->remote,
                            .state = ICE_PAIR_IN_PROGRESS,
                            .nominating = nominating,
                            .sent_us = now_us,
                            .wait_us = ICE_RTO_US};
    ice_random_transaction(&c->random, next.transaction);
    int rv = send_pair(c, p, next, now_us, out, out_to);
    if (rv == 0)
        c->pace_us = now_us + ICE_PACE_US;
    return rv;
}

/* RFC 8445 8.1.1: the best pair that works, once nothing better can be hoped for. */
static struct ice_pair *ripe_pair(struct ice_client *c, uint64_t now_us)
{
    bool impatient = c->first_us != UINT64_MAX && now_us >= c->first_us + ICE_PATIENCE_US;
    if (is_nominating(c))
        return NULL;
    for (size_t i = 0; i < c->n; i++) {
        if (c->pairs[i].state == ICE_PAIR_SUCCEEDED)
            return &c->pairs[i];
        if (c->pairs[i].state != ICE_PAIR_FAILED && !impatient)
            return NULL;
    }
    return NULL;
}

/* Pairs that were asked often enough, and the end of it all. */
static void give_up(struct ice_client *c, uint64_t now_us)
{
    bool any = false;
    for (size_t i = 0; i < c->n; i++) {
        struct ice_pair *p = &c->pairs[i];
        if (p->state == ICE_PAIR_IN_PROGRESS && p->tries == ICE_TRIES && now_us >= p->due_us)
            p->state = ICE_PAIR_FAILED;
        any = any || p->state != ICE_PAIR_FAILED;
    }
    c->checking = any;
}

static int next_check(struct ice_client *c, uint64_t now_us, struct buf *out,
                      struct rtc_address *out_to)
{
    give_up(c, now_us);
    for (size_t i = 0; i < c->n; i++) {
        struct ice_pair *p = &c->pairs[i];
        if (p->state == ICE_PAIR_IN_PROGRESS && now_us >= p->due_us)
            return send_pair(c, p, *p, now_us, out, out_to);
    }
    struct ice_pair *ripe = ripe_pair(c, now_us);
    if (ripe != NULL)
        return begin_pair(c, ripe, true, now_us, out, out_to);
    struct ice_pair *waiting = find_state(c, ICE_PAIR_WAITING);
    if (waiting != NULL && now_us >= c->pace_us && !is_nominating(c))
        return begin_pair(c, waiting, false, now_us, out, out_to);
    return 0;
}

/* RFC 7675 5.1: each request is another transaction and is sent once. It nominates, so that the
 * server has no other pair in mind than we do, whatever the order in which checks arrived. */
static int ask_consent(struct ice_client *c, uint64_t now_us, struct buf *out,
                       struct rtc_address *out_to)
{
    struct ice_consent *k = &c->consents[c->next_consent];
    struct ice_consent next = {.asked = true, .sent_us = now_us};
    ice_random_transaction(&c->random, next.transaction);
    struct ice_check check = {next.transaction, STUN_CONTROLLING, c->tie_breaker, PRIORITY, true};
    int rv = ice_check_write(&check, &c->local, &c->remote, out);
    if (rv != 0)
        return rv;
    *k = next;
    c->next_consent = (c->next_consent + 1) % ICE_CONSENTS;
    c->consent_us = now_us + ICE_CONSENT_EVERY_US * 4 / 5 +
                    ice_random_next(&c->random) % (ICE_CONSENT_EVERY_US * 2 / 5);
    *out_to = c->selected;
    return 0;
}

/* What time brings about by itself: the end of consent, and before that, doubt. */
static void age(struct ice_client *c, uint64_t now_us)
{
    if (!has_consent(c, now_us)) {
        c->consent_us = UINT64_MAX;
    } else if (!c->checking && !c->doubted && now_us >= c->answered_us + ICE_DOUBT_US) {
        c->doubted = true;
        ice_client_recheck(c);
    }
}

int ice_client_next(struct ice_client *c, uint64_t now_us, struct buf *out,
                    struct rtc_address *out_to)
{
    size_t start = out->n;
    age(c, now_us);
    if (c->checking) {
        int rv = next_check(c, now_us, out, out_to);
        if (rv != 0 || out->n != start)
            return rv;
    }
    return now_us >= c->consent_us ? ask_consent(c, now_us, out, out_to) : 0;
}

static uint64_t check_deadline(const struct ice_client *c)
{
    uint64_t at = UINT64_MAX;
    bool succeeded = false;
    for (size_t i = 0; i < c->n; i++) {
        const struct ice_pair *p = &c->pairs[i];
        if (p->state == ICE_PAIR_IN_PROGRESS)
            at = earlier(at, p->due_us);
        if (p->state == ICE_PAIR_WAITING && !is_nominating(c))
            at = earlier(at, c->pace_us);
        succeeded = succeeded || p->state == ICE_PAIR_SUCCEEDED;
    }
    return succeeded && !is_nominating(c) ? earlier(at, c->first_us + ICE_PATIENCE_US) : at;
}

uint64_t ice_client_deadline(const struct ice_client *c)
{
    uint64_t at = c->checking ? check_deadline(c) : UINT64_MAX;
    if (c->consent_us == UINT64_MAX)
        return at;
    at = earlier(at, earlier(c->consent_us, c->answered_us + ICE_CONSENT_US));
    return c->checking || c->doubted ? at : earlier(at, c->answered_us + ICE_DOUBT_US);
}

/* ---- What comes in ---- */

static bool is_transaction(const uint8_t *ours, const struct stun_message *m)
{
    return ct_equal(bytes_of(ours, STUN_TRANSACTION_SIZE),
                    bytes_of(m->transaction, STUN_TRANSACTION_SIZE));
}

static void give_consent(struct ice_client *c, uint64_t now_us)
{
    c->answered_us = now_us;
    c->doubted = false;
}

static void select_pair(struct ice_client *c, const struct ice_pair *p, uint64_t now_us)
{
    c->selected = p->remote;
    c->checking = false;
    c->consent_us = now_us + ICE_RTO_US;
    give_consent(c, now_us);
}

static void pair_answered(struct ice_client *c, struct ice_pair *p, const struct stun_message *m,
                          uint64_t now_us)
{
    if (m->class == STUN_ERROR) { /* RFC 8445 7.2.5.2.4 */
        p->state = ICE_PAIR_FAILED;
        return;
    }
    p->state = ICE_PAIR_SUCCEEDED;
    c->mapped = m->mapped;
    if (p->tries == 1) /* else nobody knows which one was answered */
        c->rtt_us = now_us - p->sent_us;
    if (!c->checking) /* too late: another pair was quicker */
        return;
    if (p->nominating || c->nomination == ICE_AGGRESSIVE)
        select_pair(c, p, now_us);
    else
        c->first_us = earlier(c->first_us, now_us);
}

static void consent_answered(struct ice_client *c, struct ice_consent *k,
                             const struct stun_message *m, uint64_t now_us)
{
    k->asked = false;
    if (m->class != STUN_SUCCESS)
        return;
    c->mapped = m->mapped;
    c->rtt_us = now_us - k->sent_us;
    give_consent(c, now_us);
}

static struct ice_pair *pair_of(struct ice_client *c, const struct stun_message *m,
                                const struct rtc_address *from)
{
    for (size_t i = 0; i < c->n; i++) {
        struct ice_pair *p = &c->pairs[i];
        if (p->state == ICE_PAIR_IN_PROGRESS && rtc_address_equal(&p->remote, from) &&
            is_transaction(p->transaction, m))
            return p;
    }
    return NULL;
}

static struct ice_consent *consent_of(struct ice_client *c, const struct stun_message *m,
                                      const struct rtc_address *from)
{
    for (size_t i = 0; i < ICE_CONSENTS; i++)
        if (c->consents[i].asked && rtc_address_equal(&c->selected, from) &&
            is_transaction(c->consents[i].transaction, m))
            return &c->consents[i];
    return NULL;
}

/* RFC 8445 7.2.5. An error without integrity may be anybody's, and what it says, time will tell. */
static int input_answer(struct ice_client *c, const struct stun_message *m,
                        const struct rtc_address *from, uint64_t now_us)
{
    struct ice_pair *p = pair_of(c, m, from);
    struct ice_consent *k = p == NULL ? consent_of(c, m, from) : NULL;
    if (p == NULL && k == NULL)
        return CONCLAVE_ESENDER;
    int rv = stun_verify(m, ice_pwd(&c->remote));
    if (rv != 0)
        return rv;
    if (m->class == STUN_SUCCESS && m->mapped.family == RTC_NO_FAMILY) /* RFC 8445 7.2.5.3.1 */
        return CONCLAVE_ESYNTAX;
    if (p != NULL)
        pair_answered(c, p, m, now_us);
    else
        consent_answered(c, k, m, now_us);
    return 0;
}

/* The server wants to know whether we are where our checks came from. */
static int input_request(struct ice_client *c, const struct stun_message *m,
                         const struct rtc_address *from, uint64_t now_us, struct buf *out)
{
    bool named = ice_request_is_named(m, &c->local, &c->remote);
    if (!ice_rate_take(named ? &c->rate : &c->refusals, ICE_CHECKS_PER_SECOND, ICE_CHECKS_BURST,
                       now_us))
        return CONCLAVE_ELIMIT;
    int rv = named ? stun_verify(m, ice_pwd(&c->local)) : CONCLAVE_ESIGNATURE;
    if (rv == CONCLAVE_ESIGNATURE)
        return ice_refusal_write(m, out);
    if (rv != 0)
        return rv;
    return ice_answer_write(m, ice_request_objection(m, STUN_CONTROLLING), from, &c->local, out);
}

int ice_client_input(struct ice_client *c, struct bytes datagram, const struct rtc_address *from,
                     uint64_t now_us, struct buf *out)
{
    struct stun_message m;
    if (!ice_client_knows(c, from))
        return CONCLAVE_ESENDER;
    int rv = stun_read(datagram, &m);
    if (rv != 0)
        return rv;
    if (m.method != STUN_BINDING || !m.has_fingerprint) /* RFC 8445 7.1 */
        return CONCLAVE_ESYNTAX;
    if (m.class == STUN_INDICATION)
        return 0;
    return m.class == STUN_REQUEST ? input_request(c, &m, from, now_us, out)
                                   : input_answer(c, &m, from, now_us);
}
