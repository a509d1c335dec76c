#include "rtc/ice.h"

#include "base/siphash.h"
#include "base/wipe.h"

static bool is_ice_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

static bool is_credential(struct bytes b, size_t min)
{
    if (b.n < min || b.n > ICE_CREDENTIAL_MAX)
        return false;
    for (size_t i = 0; i < b.n; i++)
        if (!is_ice_char(b.p[i]))
            return false;
    return true;
}

int ice_credentials_set(struct ice_credentials *c, struct ice_login login)
{
    if (!is_credential(login.ufrag, ICE_UFRAG_MIN) || !is_credential(login.pwd, ICE_PWD_MIN))
        return CONCLAVE_EINVAL;
    c->ufrag_n = (uint16_t)login.ufrag.n;
    c->pwd_n = (uint16_t)login.pwd.n;
    memcpy(c->ufrag, login.ufrag.p, login.ufrag.n);
    memcpy(c->pwd, login.pwd.p, login.pwd.n);
    return 0;
}

void ice_credentials_wipe(struct ice_credentials *c)
{
    wipe(c, sizeof *c);
}

uint64_t ice_random_next(struct ice_random *r)
{
    r->n++;
    return siphash(r->key, bytes_of(&r->n, sizeof r->n));
}

void ice_random_transaction(struct ice_random *r, uint8_t out[static STUN_TRANSACTION_SIZE])
{
    uint64_t a = ice_random_next(r), b = ice_random_next(r);
    memcpy(out, &a, 8);
    memcpy(out + 8, &b, STUN_TRANSACTION_SIZE - 8);
}

bool ice_rate_take(struct ice_rate *r, unsigned per_second, unsigned burst, uint64_t now_us)
{
    uint64_t interval = ICE_SECOND / per_second;
    uint64_t next = r->next_us > now_us ? r->next_us : now_us;
    if (next - now_us >= burst * interval)
        return false;
    r->next_us = next + interval;
    return true;
}

/* RFC 8445 7.2.2: the fragment of who receives, a colon, that of who sends. */
static size_t username_of(const struct ice_credentials *receiver,
                          const struct ice_credentials *sender,
                          uint8_t out[static STUN_USERNAME_MAX])
{
    memcpy(out, receiver->ufrag, receiver->ufrag_n);
    out[receiver->ufrag_n] = ':';
    memcpy(out + receiver->ufrag_n + 1, sender->ufrag, sender->ufrag_n);
    return (size_t)receiver->ufrag_n + 1 + sender->ufrag_n;
}

int ice_check_write(const struct ice_check *c, const struct ice_credentials *local,
                    const struct ice_credentials *remote, struct buf *out)
{
    uint8_t name[STUN_USERNAME_MAX];
    size_t n = username_of(remote, local, name);
    struct stun_message m = {
        .class = STUN_REQUEST,
        .method = STUN_BINDING,
        .has_username = true,
        .username = bytes_of(name, n),
        .has_priority = true,
        .priority = c->priority,
        .role = c->role,
        .tie_breaker = c->tie_breaker,
        .use_candidate = c->nominate,
    };
    memcpy(m.transaction, c->transaction, sizeof m.transaction);
    return stun_write(&m, ice_pwd(remote), out);
}

int ice_addressee(struct bytes datagram, struct bytes *out_ufrag)
{
    struct stun_message m;
    int rv = stun_read(datagram, &m);
    if (rv != 0)
        return rv;
    const uint8_t *colon = m.username.n != 0 ? memchr(m.username.p, ':', m.username.n) : NULL;
    if (m.class != STUN_REQUEST || m.method != STUN_BINDING || colon == NULL)
        return CONCLAVE_ESYNTAX;
    *out_ufrag = bytes_of(m.username.p, (size_t)(colon - m.username.p));
    return 0;
}

bool ice_request_is_named(const struct stun_message *m, const struct ice_credentials *local,
                          const struct ice_credentials *remote)
{
    uint8_t name[STUN_USERNAME_MAX];
    size_t n = username_of(local, remote, name);
    struct bytes username = m->username;
    if (remote->ufrag_n == 0 && username.n > n)
        username.n = n;
    return bytes_equal(username, bytes_of(name, n));
}

uint16_t ice_request_objection(const struct stun_message *m, enum stun_role ours)
{
    if (m->unknown_count != 0) /* RFC 8489 6.3.1 */
        return STUN_UNKNOWN_ATTRIBUTE;
    if (m->role == ours) /* RFC 8445 7.3.1.1, and neither of us ever changes its role */
        return STUN_ROLE_CONFLICT;
    if (!m->has_priority || m->role == STUN_NO_ROLE) /* RFC 8445 7.1.1, 7.1.3 */
        return STUN_BAD_REQUEST;
    return 0;
}

int ice_answer_write(const struct stun_message *request, uint16_t error,
                     const struct rtc_address *from, const struct ice_credentials *local,
                     struct buf *out)
{
    struct stun_message m = {
        .class = error == 0 ? STUN_SUCCESS : STUN_ERROR, .method = STUN_BINDING, .error = error};
    memcpy(m.transaction, request->transaction, sizeof m.transaction);
    if (error == 0)
        m.mapped = *from;
    if (error == STUN_UNKNOWN_ATTRIBUTE) {
        memcpy(m.unknown, request->unknown, sizeof m.unknown);
        m.unknown_count = request->unknown_count;
    }
    return stun_write(&m, ice_pwd(local), out);
}

int ice_refusal_write(const struct stun_message *request, struct buf *out)
{
    bool complete = request->has_username && request->integrity.n != 0;
    struct stun_message m = {.class = STUN_ERROR,
                             .method = STUN_BINDING,
                             .error = complete ? STUN_UNAUTHENTICATED : STUN_BAD_REQUEST};
    memcpy(m.transaction, request->transaction, sizeof m.transaction);
    return stun_write(&m, bytes_of(NULL, 0), out);
}
