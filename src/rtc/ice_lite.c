#include "rtc/ice_lite.h"

#include "base/ct.h"
#include "base/wipe.h"

#define PRIORITY ICE_PRIORITY(ICE_TYPE_HOST, 65535)

static int generation_set(struct ice_generation *g, struct ice_login local, struct ice_login remote)
{
    int rv = ice_credentials_set(&g->local, local);
    if (rv == 0 && (remote.ufrag.n != 0 || remote.pwd.n != 0))
        rv = ice_credentials_set(&g->remote, remote);
    return rv;
}

int ice_lite_init(struct ice_lite *l, const struct ice_lite_config *config)
{
    *l = (struct ice_lite){0};
    memcpy(l->random.key, config->seed, ICE_SEED);
    l->tie_breaker = ice_random_next(&l->random);
    int rv = generation_set(&l->now, config->local, config->remote);
    if (rv != 0)
        ice_lite_fini(l);
    return rv;
}

void ice_lite_fini(struct ice_lite *l)
{
    wipe(l, sizeof *l);
}

int ice_lite_restart(struct ice_lite *l, struct ice_login local, struct ice_login remote)
{
    struct ice_generation next = {0};
    int rv = generation_set(&next, local, remote);
    if (rv == 0) {
        l->past = l->now;
        l->now = next;
        l->has_past = true;
        for (size_t i = 0; i < ICE_PATHS_MAX; i++) /* their answers would not verify any more */
            l->paths[i].probe = (struct ice_probe){0};
    }
    wipe(&next, sizeof next);
    return rv;
}

/* ---- Paths ---- */

static struct ice_path *find(struct ice_lite *l, const struct rtc_address *address)
{
    if (l->selected != NULL && rtc_address_equal(&l->selected->address, address))
        return l->selected; /* media comes from nowhere else */
    for (size_t i = 0; i < ICE_PATHS_MAX; i++)
        if (rtc_address_equal(&l->paths[i].address, address))
            return &l->paths[i];
    return NULL;
}

/* A place for a new path: free, or of the one silent for longest that is not in use. */
static struct ice_path *place(struct ice_lite *l)
{
    struct ice_path *oldest = NULL;
    for (size_t i = 0; i < ICE_PATHS_MAX; i++) {
        struct ice_path *p = &l->paths[i];
        if (p->address.family == RTC_NO_FAMILY)
            return p;
        if (p != l->nominated && p != l->selected &&
            (oldest == NULL || p->seen_us < oldest->seen_us))
            oldest = p;
    }
    return oldest;
}

static bool is_fresh(const struct ice_path *p, uint64_t now_us)
{
    return now_us < p->seen_us + ICE_CONSENT_US;
}

bool ice_lite_knows(const struct ice_lite *l, const struct rtc_address *from, uint64_t now_us)
{
    for (size_t i = 0; i < ICE_PATHS_MAX; i++)
        if (rtc_address_equal(&l->paths[i].address, from))
            return is_fresh(&l->paths[i], now_us);
    return false;
}

const struct ice_path *ice_lite_remote(const struct ice_lite *l, uint64_t now_us)
{
    return l->selected != NULL && is_fresh(l->selected, now_us) ? l->selected : NULL;
}

static void count(struct ice_path *p, size_t n)
{
    if (!p->proven)
        p->received += n + ICE_DATAGRAM_OVERHEAD;
}

bool ice_lite_arrived(struct ice_lite *l, const struct rtc_address *from, size_t n, uint64_t now_us)
{
    struct ice_path *p = find(l, from);
    if (p == NULL || !is_fresh(p, now_us))
        return false;
    count(p, n);
    return true;
}

static bool spend(struct ice_path *p, size_t n)
{
    size_t sent = p->sent + n + ICE_DATAGRAM_OVERHEAD;
    if (p->proven)
        return true;
    if (sent > ICE_AMPLIFICATION * p->received)
        return false;
    p->sent = sent;
    return true;
}

bool ice_lite_spend(struct ice_lite *l, const struct rtc_address *to, size_t n)
{
    struct ice_path *p = find(l, to);
    return p != NULL && spend(p, n);
}

/* The nominated path is taken at once as long as the one in use is not proven either; else when it
 * is. A probe says so if the client's password is known. */
static void settle(struct ice_lite *l, uint64_t now_us)
{
    struct ice_path *n = l->nominated;
    if (n == NULL)
        return;
    if (n->proven || l->selected == NULL || !l->selected->proven)
        l->selected = n;
    if (n->proven || l->now.remote.pwd_n == 0 || n->probe.tries != 0)
        return;
    ice_random_transaction(&l->random, n->probe.transaction);
    n->probe.due_us = now_us;
    n->probe.wait_us = ICE_RTO_US;
    n->probe.tries = 1;
}

int ice_lite_login(struct ice_lite *l, struct ice_login remote, uint64_t now_us)
{
    if (l->now.remote.pwd_n != 0)
        return CONCLAVE_ESTATE;
    int rv = ice_credentials_set(&l->now.remote, remote);
    if (rv == 0 && !l->has_past) /* else what is nominated is of the past */
        settle(l, now_us);
    return rv;
}

static void prove(struct ice_lite *l, struct ice_path *p)
{
    p->proven = true;
    p->probe = (struct ice_probe){0};
    if (p == l->nominated)
        l->selected = p;
}

void ice_lite_prove(struct ice_lite *l, const struct rtc_address *address)
{
    struct ice_path *p = find(l, address);
    if (p != NULL)
        prove(l, p);
}

/* ---- Checks of the client ---- */

/* The check of n bytes was verified and is answered: now it may change something. */
static void accept_check(struct ice_lite *l, const struct stun_message *m, size_t n,
                         size_t answer_n, bool is_past, const struct rtc_address *from,
                         uint64_t now_us)
{
    struct ice_path *p = find(l, from);
    if (p == NULL && is_past)
        return;
    if (p == NULL) {
        p = place(l);
        *p = (struct ice_path){.address = *from};
    }
    p->seen_us = now_us;
    count(p, n);
    (void)spend(p, answer_n); /* not refused: it is no larger than the check */
    /* RFC 8445 12.1: before a nomination any path that works may be used; browsers do */
    if (is_past || !(m->use_candidate || l->nominated == NULL))
        return;
    if (l->has_past) {
        wipe(&l->past, sizeof l->past);
        l->has_past = false;
    }
    l->nominated = p;
    settle(l, now_us);
}

/* The credentials a check was made with, if its name is true; NULL: none of ours. */
static const struct ice_generation *generation_of(const struct ice_lite *l,
                                                  const struct stun_message *m)
{
    if (ice_request_is_named(m, &l->now.local, &l->now.remote))
        return &l->now;
    if (l->has_past && ice_request_is_named(m, &l->past.local, &l->past.remote))
        return &l->past;
    return NULL;
}

/* What an outsider can send costs next to nothing. One who has seen a name on the way costs HMACs
 * at a rate, and from another address than the client's does not use up the client's. */
static bool is_within_rate(struct ice_lite *l, bool named, const struct rtc_address *from,
                           uint64_t now_us)
{
    if (named && find(l, from) != NULL)
        return ice_rate_take(&l->known, ICE_CHECKS_PER_SECOND, ICE_CHECKS_BURST, now_us);
    return ice_rate_take(named ? &l->strangers : &l->refusals, ICE_STRANGERS_PER_SECOND,
                         ICE_STRANGERS_BURST, now_us);
}

/* RFC 8445 7.3, RFC 8489 9.1.3. */
static int input_check(struct ice_lite *l, const struct stun_message *m, size_t n,
                       const struct rtc_address *from, uint64_t now_us, struct buf *out)
{
    size_t start = out->n;
    const struct ice_generation *g = generation_of(l, m);
    if (!is_within_rate(l, g != NULL, from, now_us))
        return CONCLAVE_ELIMIT;
    int rv = g != NULL ? stun_verify(m, ice_pwd(&g->local)) : CONCLAVE_ESIGNATURE;
    if (rv == CONCLAVE_ESIGNATURE)
        return ice_refusal_write(m, out);
    if (rv != 0)
        return rv;
    uint16_t error = ice_request_objection(m, STUN_CONTROLLED);
    rv = ice_answer_write(m, error, from, &g->local, out);
    if (rv == 0 && error == 0)
        accept_check(l, m, n, out->n - start, g == &l->past, from, now_us);
    return rv;
}

/* ---- Checks of ours ---- */

/* RFC 8445 7.2.5: authenticated, to a check that was made, from where it was sent to. */
static int input_answer(struct ice_lite *l, const struct stun_message *m,
                        const struct rtc_address *from, uint64_t now_us)
{
    struct ice_path *p = find(l, from);
    if (p == NULL || p->probe.tries == 0 ||
        !ct_equal(bytes_of(p->probe.transaction, STUN_TRANSACTION_SIZE),
                  bytes_of(m->transaction, STUN_TRANSACTION_SIZE)))
        return CONCLAVE_ESENDER;
    int rv = stun_verify(m, ice_pwd(&l->now.remote));
    if (rv != 0 || m->class == STUN_ERROR)
        return rv;
    p->seen_us = now_us;
    prove(l, p);
    return 0;
}

int ice_lite_input(struct ice_lite *l, struct bytes datagram, const struct rtc_address *from,
                   uint64_t now_us, struct buf *out)
{
    struct stun_message m;
    int rv = stun_read(datagram, &m);
    if (rv != 0)
        return rv;
    if (m.method != STUN_BINDING || !m.has_fingerprint) /* RFC 8445 7.1 */
        return CONCLAVE_ESYNTAX;
    if (m.class == STUN_INDICATION) /* RFC 8445 11: keeps a NAT awake, and is not answered */
        return 0;
    return m.class == STUN_REQUEST ? input_check(l, &m, datagram.n, from, now_us, out)
                                   : input_answer(l, &m, from, now_us);
}

static bool is_probing(const struct ice_lite *l)
{
    return l->nominated != NULL && l->nominated->probe.tries != 0;
}

int ice_lite_next(struct ice_lite *l, uint64_t now_us, struct buf *out, struct rtc_address *out_to)
{
    struct ice_path *p = l->nominated;
    size_t start = out->n;
    if (!is_probing(l) || now_us < p->probe.due_us)
        return 0;
    if (p->probe.tries > ICE_TRIES) { /* the client's next check starts another */
        p->probe.tries = 0;
        return 0;
    }
    struct ice_check check = {p->probe.transaction, STUN_CONTROLLED, l->tie_breaker, PRIORITY,
                              false};
    int rv = ice_check_write(&check, &l->now.local, &l->now.remote, out);
    if (rv != 0)
        return rv;
    if (spend(p, out->n - start))
        *out_to = p->address;
    else
        out->n = start; /* as if it was lost */
    p->probe.tries++;
    p->probe.due_us = now_us + p->probe.wait_us;
    p->probe.wait_us *= 2;
    return 0;
}

uint64_t ice_lite_deadline(const struct ice_lite *l)
{
    return is_probing(l) ? l->nominated->probe.due_us : UINT64_MAX;
}

uint64_t ice_lite_consent_end(const struct ice_lite *l)
{
    return l->selected != NULL ? l->selected->seen_us + ICE_CONSENT_US : UINT64_MAX;
}
