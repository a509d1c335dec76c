/* The participant: life, input, effects, wishes. Looking is in view.c. */
#include "wasm/meeting.h"

#include <stdlib.h>

#include "meeting/link.h"

/* ---- Life ---- */

static int read_anchors(struct reader *r, struct participant_trust *trust)
{
    struct reader list = read_sub(r);
    int rv = 0;
    while (rv == 0 && reader_ok(&list) && reader_left(&list) != 0) {
        char names[16][IDENTITY_DOMAIN_MAX + 1];
        const char *domains[16];
        struct identity_anchor how = {.domains = domains};
        how.purpose = (enum identity_purpose)read_u8(&list);
        struct bytes pem = read_vec(&list);
        struct reader inner = read_sub(&list);
        while (reader_ok(&inner) && reader_left(&inner) != 0 && how.n_domains < 16) {
            wasm_read_text(&inner, names[how.n_domains], sizeof names[0]);
            domains[how.n_domains] = names[how.n_domains];
            how.n_domains++;
        }
        if (reader_end(&inner) != 0)
            return CONCLAVE_EINVAL;
        rv = participant_trust_add_pem(trust, &how, pem);
    }
    return rv != 0 || reader_ok(&list) ? rv : CONCLAVE_EINVAL;
}

static int read_trust(struct reader *r, struct wasm_meeting *m)
{
    struct bytes root = read_vec(r);
    int rv = participant_trust_new(&m->trust);
    if (rv == 0 && root.n != 0)
        rv = participant_trust_set_provider(m->trust, root);
    return rv != 0 ? rv : read_anchors(r, m->trust);
}

/* With a snapshot it is restored; deltas without one are nothing to go on. */
static int make(struct participant_config *config, struct reader *r, double now,
                struct participant **out)
{
    struct bytes snapshot = read_vec(r);
    struct reader list = read_sub(r);
    size_t n = 0, room = reader_left(&list) / 2 + 1;
    if (reader_end(r) != 0)
        return CONCLAVE_EINVAL;
    if (snapshot.n == 0)
        return participant_new(config, wasm_us(now), out);
    struct bytes *deltas = calloc(room, sizeof *deltas);
    if (deltas == NULL)
        return CONCLAVE_ENOMEM;
    while (reader_ok(&list) && reader_left(&list) != 0 && n < room)
        deltas[n++] = read_vec(&list);
    int rv = reader_end(&list) != 0 ? CONCLAVE_EINVAL : 0;
    if (rv == 0)
        rv = participant_restore(config, snapshot, deltas, n, wasm_us(now), out);
    free(deltas);
    return rv;
}

static int begin(struct reader *r, double now, struct wasm_meeting *m)
{
    char link[LINK_TEXT_MAX + 1], name[PARTICIPANT_NAME_MAX + 1];
    struct bytes chain[WASM_CHAIN_MAX];
    struct participant_config config = {.link = link, .name = name, .chain = chain};
    wasm_read_text(r, link, sizeof link);
    wasm_read_text(r, name, sizeof name);
    int rv = wasm_read_signer(r, &m->signer);
    if (rv == 0) {
        config.n_chain = wasm_read_list(r, chain, WASM_CHAIN_MAX);
        rv = read_trust(r, m);
    }
    config.save_key = read_vec(r);
    config.persist = config.save_key.n != 0;
    config.signer = m->signer;
    config.trust = m->trust;
    return rv != 0 ? rv : make(&config, r, now, &m->participant);
}

WASM_EXPORT("meeting_free") void wasm_meeting_free(struct wasm_meeting *m);
void wasm_meeting_free(struct wasm_meeting *m)
{
    if (m == NULL)
        return;
    participant_free(m->participant);
    participant_trust_free(m->trust);
    crypto_signer_free(m->signer);
    free(m);
}

/* link<V> name<V> signer chain<V> root<V> anchors<V> save_key<V> snapshot<V> deltas<V>; the answer
 * is the address. Errors of participant_new() and participant_restore(). */
WASM_EXPORT("meeting_new")
int wasm_meeting_new(const uint8_t *p, size_t n, double now, struct buf *answer);
int wasm_meeting_new(const uint8_t *p, size_t n, double now, struct buf *answer)
{
    struct reader r = reader_of(bytes_of(p, n));
    struct wasm_meeting *m = calloc(1, sizeof *m);
    if (m == NULL)
        return CONCLAVE_ENOMEM;
    int rv = begin(&r, now, m);
    if (rv == 0) {
        write_u32(answer, (uint32_t)(uintptr_t)m);
        rv = buf_check(answer);
    }
    if (rv != 0)
        wasm_meeting_free(m);
    return rv;
}

/* ---- Input, time ---- */

WASM_EXPORT("meeting_input")
int wasm_meeting_input(struct wasm_meeting *m, int kind, const uint8_t *p, size_t n, int reason,
                       double now);
int wasm_meeting_input(struct wasm_meeting *m, int kind, const uint8_t *p, size_t n, int reason,
                       double now)
{
    const struct participant_input in = {
        .kind = (enum participant_input_kind)kind, .frame = bytes_of(p, n), .reason = reason};
    return participant_input(m->participant, &in, wasm_us(now));
}

WASM_EXPORT("meeting_tick") int wasm_meeting_tick(struct wasm_meeting *m, double now);
int wasm_meeting_tick(struct wasm_meeting *m, double now)
{
    return participant_tick(m->participant, wasm_us(now));
}

/* Milliseconds since 1970, or -1: never. */
WASM_EXPORT("meeting_deadline") double wasm_meeting_deadline(const struct wasm_meeting *m);
double wasm_meeting_deadline(const struct wasm_meeting *m)
{
    uint64_t at = participant_deadline(m->participant);
    return at == UINT64_MAX ? -1 : (double)at / 1000;
}

/* ---- Effects ---- */

static void write_effect(struct buf *b, const struct participant_effect *e)
{
    write_u8(b, (uint8_t)e->kind);
    switch (e->kind) {
    case PARTICIPANT_SAVE_DELTA:
        write_u8(b, e->sync);
        write_vec(b, e->data);
        break;
    case PARTICIPANT_SEND:
    case PARTICIPANT_SAVE_SNAPSHOT:
    case PARTICIPANT_MEDIA:
        write_vec(b, e->data);
        break;
    case PARTICIPANT_EVENT:
        write_u8(b, (uint8_t)e->event);
        write_u8(b, (uint8_t)e->severity);
        wasm_write_reason(b, e->reason);
        write_u32(b, e->leaf);
        write_u32(b, e->by);
        write_u64(b, e->epoch);
        write_vec(b, e->text);
        write_vec(b, e->id);
        break;
    case PARTICIPANT_CONNECT:
    case PARTICIPANT_DISCONNECT:
    case PARTICIPANT_SAVE_NOTHING:
        break;
    }
}

/* All there are, one after another. */
WASM_EXPORT("meeting_effects") int wasm_meeting_effects(struct wasm_meeting *m, struct buf *answer);
int wasm_meeting_effects(struct wasm_meeting *m, struct buf *answer)
{
    struct participant_effect e;
    while (participant_next(m->participant, &e))
        write_effect(answer, &e);
    return buf_check(answer);
}

/* ---- Wishes ---- */

enum wish {
    WISH_SAY = 1,
    WISH_REACT,
    WISH_HAND,
    WISH_ADMIT,
    WISH_ADMIT_ALL,
    WISH_REFUSE,
    WISH_EJECT,
    WISH_LOCK,
    WISH_COHOST,
    WISH_END,
    WISH_LEAVE,
    WISH_RENEW,
    WISH_MEDIA,
    WISH_SENDS,
    WISH_ASK_MUTE,
};

static int say(struct participant *p, struct reader *r, struct buf *answer, uint64_t now)
{
    char text[PARTICIPANT_CHAT_MAX + 1];
    wasm_read_text(r, text, sizeof text);
    return reader_ok(r) ? participant_say(p, text, answer, now) : CONCLAVE_EINVAL;
}

static int react(struct participant *p, struct reader *r, uint64_t now)
{
    char emoji[64];
    wasm_read_text(r, emoji, sizeof emoji);
    return reader_ok(r) ? participant_react(p, emoji, now) : CONCLAVE_EINVAL;
}

static int renew(struct participant *p, struct reader *r, uint64_t now)
{
    struct bytes chain[WASM_CHAIN_MAX];
    size_t n = wasm_read_list(r, chain, WASM_CHAIN_MAX);
    return reader_ok(r) ? participant_renew(p, chain, n, now) : CONCLAVE_EINVAL;
}

static int cohost(struct participant *p, struct reader *r, uint64_t now)
{
    uint32_t leaf = read_u32(r);
    return participant_make_cohost(p, leaf, read_u8(r) != 0, now);
}

static int fulfil(struct participant *p, enum wish wish, struct reader *r, struct buf *answer,
                  uint64_t now)
{
    switch (wish) {
    case WISH_SAY:
        return say(p, r, answer, now);
    case WISH_REACT:
        return react(p, r, now);
    case WISH_HAND:
        return participant_raise_hand(p, read_u8(r) != 0, now);
    case WISH_ADMIT:
        return participant_admit(p, read_vec(r), now);
    case WISH_ADMIT_ALL:
        return participant_admit_all(p, now);
    case WISH_REFUSE:
        return participant_refuse(p, read_vec(r), now);
    case WISH_EJECT:
        return participant_eject(p, read_u32(r), now);
    case WISH_LOCK:
        return participant_lock(p, read_u8(r) != 0, now);
    case WISH_COHOST:
        return cohost(p, r, now);
    case WISH_END:
        return participant_end(p, now);
    case WISH_LEAVE:
        return participant_leave(p, now);
    case WISH_RENEW:
        return renew(p, r, now);
    case WISH_MEDIA:
        return participant_media_send(p, read_vec(r), now);
    case WISH_SENDS:
        return participant_set_sends(p, read_u8(r), now);
    case WISH_ASK_MUTE:
        return participant_ask_mute(p, read_u32(r), now);
    }
    return CONCLAVE_EINVAL;
}

/* The answer to a chat is its id. */
WASM_EXPORT("meeting_wish")
int wasm_meeting_wish(struct wasm_meeting *m, int wish, const uint8_t *p, size_t n, double now,
                      struct buf *answer);
int wasm_meeting_wish(struct wasm_meeting *m, int wish, const uint8_t *p, size_t n, double now,
                      struct buf *answer)
{
    struct reader r = reader_of(bytes_of(p, n));
    return fulfil(m->participant, (enum wish)wish, &r, answer, wasm_us(now));
}
