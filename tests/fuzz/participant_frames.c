/* A member of a meeting hears what the input likes: frames that it was sent once, in any order,
 * again, late, changed in a field or a byte, cut off, in another frame, or made up; time passes,
 * connections break, and its user wants this and that. It never fails, is never owed a tick that
 * changes nothing, and is only ever where its group has been. */
#include "fuzz/fuzz.h"
#include "fuzz/participant_stage.h"

#include "wire/reader.h"

#define STEPS 48
#define NOTHING bytes_of(NULL, 0)

struct game {
    const struct stage *stage;
    struct participant *p;
    uint64_t now_us;
    struct reader in;
};

/* ---- What always holds ---- */

static void check_place(const struct game *g)
{
    const struct participant *p = g->p;
    bool found = false;
    if (p->group == NULL)
        return;
    for (size_t i = 0; i < g->stage->n_epochs; i++) {
        const struct stage_epoch *e = &g->stage->epochs[i];
        found = found || (bytes_equal(buf_view(&e->authenticator),
                                      mls_group_epoch_authenticator(p->group)) &&
                          bytes_equal(buf_view(&e->state), buf_view(&p->state_data)));
    }
    MUST_HOLD(found);
}

static void check_roster(const struct game *g)
{
    struct participant_person person;
    uint32_t at = 0, n = 0;
    while (participant_roster_next(g->p, &at, &person)) {
        MUST_HOLD(participant_roster_seat(g->p, person.leaf) != NULL);
        n++;
    }
    MUST_HOLD(n == (g->p->group == NULL ? 0 : mls_group_member_count(g->p->group)));
}

static void check(struct game *g)
{
    struct participant_effect e;
    struct signal_message m;
    while (participant_next(g->p, &e))
        if (e.kind == PARTICIPANT_SEND)
            MUST_HOLD(signal_read(e.data, &m) == 0 && signal_from_client(m.type));
    check_place(g);
    check_roster(g);
    MUST_HOLD(participant_phase(g->p) != PARTICIPANT_OVER ||
              participant_deadline(g->p) == UINT64_MAX);
}

/* ---- Steps ---- */

static void give(struct game *g, enum participant_input_kind kind, struct bytes frame)
{
    const struct participant_input in = {.kind = kind, .frame = frame};
    MUST_HOLD(participant_input(g->p, &in, g->now_us) == 0);
    check(g);
}

static void give_message(struct game *g, const struct signal_message *m)
{
    struct buf frame = {0};
    if (signal_write(m, &frame) == 0)
        give(g, PARTICIPANT_FRAME, buf_view(&frame));
    buf_free(&frame);
}

static struct bytes any_frame(struct game *g)
{
    return buf_view(&g->stage->frames[read_u8(&g->in) % g->stage->n_frames]);
}

static void change_byte(struct game *g)
{
    struct buf frame = {0};
    buf_put(&frame, any_frame(g));
    uint16_t at = read_u16(&g->in);
    uint8_t how = read_u8(&g->in);
    if (how == 0)
        frame.n = at % frame.n;
    else
        frame.p[at % frame.n] ^= how;
    give(g, PARTICIPANT_FRAME, buf_view(&frame));
    buf_free(&frame);
}

static void change_field(struct game *g)
{
    struct signal_message m;
    MUST_HOLD(signal_read(any_frame(g), &m) == 0);
    uint8_t which = read_u8(&g->in), value = read_u8(&g->in);
    switch (which % 7) {
    case 0:
        m.epoch += value < 128 ? value : value - (uint64_t)256;
        break;
    case 1:
        m.leaf = value < 250 ? value : UINT32_MAX;
        break;
    case 2:
        m.reason = value;
        break;
    case 3:
        m.running = value & 1;
        m.waiting = value;
        break;
    case 4:
        m.server_time += (uint64_t)value << (value % 64);
        break;
    case 5:
        m.tree = any_frame(g);
        break;
    default:
        m.version = value;
        break;
    }
    give_message(g, &m);
}

/* The body of one frame in another. */
static void exchange(struct game *g)
{
    struct signal_message a, b;
    MUST_HOLD(signal_read(any_frame(g), &a) == 0);
    MUST_HOLD(signal_read(any_frame(g), &b) == 0);
    b.body = a.body;
    give_message(g, &b);
}

static void make_up(struct game *g)
{
    uint8_t n = read_u8(&g->in);
    give(g, PARTICIPANT_FRAME, read_bytes(&g->in, n % (reader_left(&g->in) + 1)));
}

static void wait(struct game *g)
{
    uint64_t until = g->now_us + (uint64_t)read_u8(&g->in) * SECOND_US / 4;
    while (participant_deadline(g->p) <= until) {
        uint64_t at = participant_deadline(g->p);
        g->now_us = at > g->now_us ? at : g->now_us;
        MUST_HOLD(participant_tick(g->p, g->now_us) == 0);
        check(g);
        MUST_HOLD(participant_deadline(g->p) > g->now_us);
    }
    g->now_us = until;
}

/* As far as the server's Live: each step may be left out. */
static void connect(struct game *g, uint8_t steps)
{
    static const uint8_t nonce[SIGNAL_NONCE] = {1};
    give(g, PARTICIPANT_CONNECTED, NOTHING);
    if ((steps & 1) != 0)
        give_message(g, &(struct signal_message){.type = SIGNAL_CHALLENGE,
                                                 .version = SIGNAL_VERSION,
                                                 .nonce = bytes_of(nonce, sizeof nonce),
                                                 .server_time = g->now_us / SECOND_US,
                                                 .running = true,
                                                 .card = buf_view(&g->stage->card)});
    if ((steps & 2) != 0 && g->p->group != NULL)
        give_message(g, &(struct signal_message){.type = SIGNAL_LIVE,
                                                 .epoch = mls_group_epoch(g->p->group),
                                                 .leaf = mls_group_own_leaf(g->p->group)});
}

/* What comes of a wish depends on the phase and the role: all that is asked is that it comes back
 * with no error of the system's. */
static void want(struct game *g)
{
    struct participant *p = g->p;
    uint8_t what = read_u8(&g->in), whom = read_u8(&g->in);
    struct participant_person person = {0};
    uint32_t at = 0;
    int rv = 0;
    bool somebody = participant_lobby_next(p, &at, &person);
    switch (what % 10) {
    case 0:
        rv = participant_say(p, "Hello?", NULL, g->now_us);
        break;
    case 1:
        rv = participant_raise_hand(p, whom & 1, g->now_us);
        break;
    case 2:
        rv = participant_react(p, "!", g->now_us);
        break;
    case 3:
        rv = participant_lock(p, whom & 1, g->now_us);
        break;
    case 4:
        rv = participant_eject(p, whom % 6, g->now_us);
        break;
    case 5:
        rv = participant_admit_all(p, g->now_us);
        break;
    case 6:
        rv = somebody ? participant_admit(p, person.ref, g->now_us) : 0;
        break;
    case 7:
        rv = somebody ? participant_refuse(p, person.ref, g->now_us) : 0;
        break;
    case 8:
        rv = participant_make_cohost(p, whom % 6, whom & 64, g->now_us);
        break;
    default:
        rv = whom == 255 ? participant_end(p, g->now_us) : 0;
        break;
    }
    MUST_HOLD(rv == 0 || conclave_error_class(rv) != CONCLAVE_CLASS_SYSTEM);
    check(g);
}

static void step(struct game *g)
{
    switch (read_u8(&g->in) % 10) {
    case 0:
    case 1:
        give(g, PARTICIPANT_FRAME, any_frame(g));
        break;
    case 2:
        change_byte(g);
        break;
    case 3:
        change_field(g);
        break;
    case 4:
        exchange(g);
        break;
    case 5:
        make_up(g);
        break;
    case 6:
        wait(g);
        break;
    case 7:
        give(g, PARTICIPANT_DISCONNECTED, NOTHING);
        break;
    case 8:
        connect(g, read_u8(&g->in));
        break;
    default:
        want(g);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct game g = {.stage = participant_stage(), .in = reader_of(bytes_of(data, size))};
    g.now_us = g.stage->saved_us;
    g.p = participant_stage_member();
    connect(&g, 3);
    MUST_HOLD(participant_phase(g.p) == PARTICIPANT_IN_MEETING);
    for (int i = 0; i < STEPS && reader_left(&g.in) != 0; i++)
        step(&g);
    participant_free(g.p);
    return 0;
}
