#include "desk.h"

#include <stdlib.h>
#include <string.h>

/* ---- Life ---- */

void desk_set_link(struct desk *d)
{
    buf_free(&d->link);
    meeting_world_link_text(&d->w, &d->link);
    d->config.link = (const char *)d->link.p;
}

void desk_set_terms(struct desk *d, const struct card_terms *terms)
{
    meeting_world_set_card(&d->w, terms);
    card_free(d->card);
    assert_int_equal(card_read(buf_view(&d->w.card), &d->card), 0);
    desk_set_link(d);
}

void desk_open(struct desk *d)
{
    *d = (struct desk){.now_us = MEETING_NOW * SECOND_US};
    meeting_world_init(&d->w);
    assert_int_equal(card_read(buf_view(&d->w.card), &d->card), 0);
    desk_set_link(d);
    assert_int_equal(participant_trust_new(&d->trust), 0);
}

static void forget_saved(struct desk *d)
{
    buf_free(&d->snapshot);
    for (size_t i = 0; i < d->n_deltas; i++)
        buf_free(&d->deltas[i]);
    free(d->deltas);
    d->deltas = NULL;
    d->n_deltas = 0;
}

void desk_unseat(struct desk *d)
{
    participant_free(d->p);
    d->p = NULL;
    desk_forget(d);
}

void desk_close(struct desk *d)
{
    desk_unseat(d);
    forget_saved(d);
    participant_trust_free(d->trust);
    buf_free(&d->link);
    card_free(d->card);
    meeting_world_fini(&d->w);
}

void desk_configure(struct desk *d, const struct meeting_person *who)
{
    d->config = (struct participant_config){.link = (const char *)d->link.p,
                                            .name = "Somebody",
                                            .signer = who->signer,
                                            .chain = who->chain,
                                            .n_chain = 1,
                                            .trust = d->trust,
                                            .persist = true,
                                            .seed = 1};
}

void desk_start(struct desk *d)
{
    assert_int_equal(participant_new(&d->config, d->now_us, &d->p), 0);
    desk_take(d);
}

void desk_seat(struct desk *d, const struct meeting_person *who)
{
    desk_configure(d, who);
    desk_start(d);
}

/* ---- Effects ---- */

static void keep_delta(struct desk *d, struct bytes data)
{
    d->deltas = realloc(d->deltas, (d->n_deltas + 1) * sizeof *d->deltas);
    assert_non_null(d->deltas);
    d->deltas[d->n_deltas] = (struct buf){0};
    buf_put(&d->deltas[d->n_deltas++], data);
}

static void take(struct desk *d, const struct participant_effect *e)
{
    struct signal_message m = {0};
    assert_true(d->n < DESK_EFFECTS);
    if (e->kind == PARTICIPANT_SEND) {
        assert_int_equal(signal_read(e->data, &m), 0);
        buf_clear(&d->last[m.type]);
        buf_put(&d->last[m.type], e->data);
    } else if (e->kind == PARTICIPANT_SAVE_SNAPSHOT) {
        forget_saved(d);
        buf_put(&d->snapshot, e->data);
    } else if (e->kind == PARTICIPANT_SAVE_DELTA) {
        keep_delta(d, e->data);
    } else if (e->kind == PARTICIPANT_SAVE_NOTHING) {
        forget_saved(d);
    }
    d->list[d->n++] = (struct desk_effect){.kind = e->kind,
                                           .event = e->event,
                                           .severity = e->severity,
                                           .reason = e->reason,
                                           .sync = e->sync,
                                           .type = m.type};
}

void desk_take(struct desk *d)
{
    struct participant_effect e;
    while (participant_next(d->p, &e))
        take(d, &e);
}

void desk_forget(struct desk *d)
{
    d->n = 0;
    for (size_t i = 0; i < DESK_FRAMES; i++)
        buf_free(&d->last[i]);
}

/* ---- Input ---- */

static void give(struct desk *d, const struct participant_input *in)
{
    assert_int_equal(participant_input(d->p, in, d->now_us), 0);
    desk_take(d);
}

void desk_connect(struct desk *d)
{
    give(d, &(struct participant_input){.kind = PARTICIPANT_CONNECTED});
}

void desk_disconnect(struct desk *d, int reason)
{
    give(d, &(struct participant_input){.kind = PARTICIPANT_DISCONNECTED, .reason = reason});
}

void desk_say_bytes(struct desk *d, struct bytes frame)
{
    give(d, &(struct participant_input){.kind = PARTICIPANT_FRAME, .frame = frame});
}

void desk_say(struct desk *d, const struct signal_message *m)
{
    struct buf frame = {0};
    assert_int_equal(signal_write(m, &frame), 0);
    desk_say_bytes(d, buf_view(&frame));
    buf_free(&frame);
}

void desk_challenge_card(struct desk *d, bool running, struct bytes card)
{
    static const uint8_t nonce[SIGNAL_NONCE] = {1};
    desk_say(d, &(struct signal_message){.type = SIGNAL_CHALLENGE,
                                         .version = SIGNAL_VERSION,
                                         .nonce = bytes_of(nonce, sizeof nonce),
                                         .server_time = d->now_us / SECOND_US,
                                         .running = running,
                                         .card = card});
}

void desk_challenge(struct desk *d, bool running)
{
    desk_challenge_card(d, running, card_encoded(d->card));
}

void desk_live(struct desk *d, uint64_t epoch, uint32_t leaf)
{
    desk_say(d, &(struct signal_message){.type = SIGNAL_LIVE, .epoch = epoch, .leaf = leaf});
}

void desk_fault(struct desk *d, int reason)
{
    desk_say(d, &(struct signal_message){.type = SIGNAL_FAULT, .reason = (uint16_t)reason});
}

void desk_wait(struct desk *d, uint64_t us)
{
    uint64_t until = d->now_us + us;
    while (participant_deadline(d->p) <= until) {
        uint64_t at = participant_deadline(d->p);
        d->now_us = at > d->now_us ? at : d->now_us;
        assert_int_equal(participant_tick(d->p, d->now_us), 0);
        desk_take(d);
        assert_true(participant_deadline(d->p) > d->now_us);
    }
    d->now_us = until;
}

void desk_greet(struct desk *d, bool running)
{
    desk_connect(d);
    desk_challenge(d, running);
}

void desk_found(struct desk *d)
{
    desk_greet(d, false);
    desk_live(d, 0, 0);
    assert_int_equal(participant_phase(d->p), PARTICIPANT_IN_MEETING);
    desk_forget(d);
}

/* ---- Looking ---- */

unsigned desk_sent(const struct desk *d, enum signal_type type)
{
    unsigned n = 0;
    for (size_t i = 0; i < d->n; i++)
        n += d->list[i].kind == PARTICIPANT_SEND && d->list[i].type == type;
    return n;
}

struct signal_message desk_last(const struct desk *d, enum signal_type type)
{
    struct signal_message m;
    assert_true(d->last[type].n != 0);
    assert_int_equal(signal_read(buf_view(&d->last[type]), &m), 0);
    return m;
}

unsigned desk_asked(const struct desk *d, enum participant_effect_kind kind)
{
    unsigned n = 0;
    for (size_t i = 0; i < d->n; i++)
        n += d->list[i].kind == kind;
    return n;
}

unsigned desk_told(const struct desk *d, enum participant_event event)
{
    unsigned n = 0;
    for (size_t i = 0; i < d->n; i++)
        n += d->list[i].kind == PARTICIPANT_EVENT && d->list[i].event == event;
    return n;
}

unsigned desk_noticed(const struct desk *d, int reason)
{
    unsigned n = 0;
    for (size_t i = 0; i < d->n; i++)
        n += d->list[i].event == PARTICIPANT_NOTICE && d->list[i].reason == reason;
    return n;
}

void desk_assert_over(const struct desk *d, int reason)
{
    assert_int_equal(participant_phase(d->p), PARTICIPANT_OVER);
    assert_string_equal(participant_reason_name(participant_end_reason(d->p)),
                        participant_reason_name(reason));
    assert_true(participant_deadline(d->p) == UINT64_MAX);
}

size_t desk_place(const struct desk *d, enum participant_effect_kind kind)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->list[i].kind == kind)
            return i;
    return DESK_EFFECTS;
}

size_t desk_place_sent(const struct desk *d, enum signal_type type)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->list[i].kind == PARTICIPANT_SEND && d->list[i].type == type)
            return i;
    return DESK_EFFECTS;
}
