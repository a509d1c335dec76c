#include "liar.h"

/* The victim's frames end here; everybody else's go on to the room. */
static bool up(void *ctx, struct stage *s, struct stage_actor *a, struct buf *frame)
{
    struct liar *l = ctx;
    struct signal_message m;
    (void)s;
    if (a != l->victim)
        return true;
    assert_int_equal(signal_read(buf_view(frame), &m), 0);
    l->heard[m.type]++;
    buf_move(&l->last[m.type], frame);
    return false;
}

static bool down(void *ctx, struct stage *s, struct stage_actor *a, struct buf *frame)
{
    const struct liar *l = ctx;
    (void)s;
    (void)frame;
    return a != l->victim;
}

void liar_begin(struct liar *l, struct attack_scene *a, struct stage_actor *victim)
{
    *l = (struct liar){.a = a, .victim = victim};
    a->s.hooks = (struct stage_hooks){.ctx = l, .down = down, .up = up};
}

void liar_end(struct liar *l)
{
    for (size_t i = 0; i < ATTACK_TYPES; i++)
        buf_free(&l->last[i]);
    l->a->s.hooks = (struct stage_hooks){0};
}

static bool said_hello(struct stage *s, void *ctx)
{
    (void)s;
    return liar_heard(ctx, SIGNAL_HELLO) != 0;
}

void liar_cut(struct liar *l)
{
    l->heard[SIGNAL_HELLO] = 0;
    stage_cut(&l->a->s, l->victim);
    assert_true(stage_until(&l->a->s, 20 * STAGE_SECOND, said_hello, l));
}

void liar_say(struct liar *l, const struct signal_message *m)
{
    attack_deliver(&l->a->s, l->victim, m);
}

void liar_say_mls(struct liar *l, enum signal_type type, struct bytes message)
{
    liar_say(l, &(struct signal_message){.type = type, .body = message});
}

void liar_challenge(struct liar *l, bool running)
{
    static const uint8_t nonce[SIGNAL_NONCE] = {1};
    liar_say(l, &(struct signal_message){.type = SIGNAL_CHALLENGE,
                                         .version = SIGNAL_VERSION,
                                         .nonce = bytes_of(nonce, sizeof nonce),
                                         .server_time = l->a->s.now_us / STAGE_SECOND,
                                         .running = running,
                                         .card = card_encoded(l->a->s.card)});
}

void liar_live(struct liar *l, uint64_t epoch, uint32_t leaf)
{
    liar_say(l, &(struct signal_message){.type = SIGNAL_LIVE, .epoch = epoch, .leaf = leaf});
}

void liar_fault(struct liar *l, int reason)
{
    liar_say(l, &(struct signal_message){.type = SIGNAL_FAULT, .reason = (uint16_t)reason});
}

unsigned liar_heard(const struct liar *l, enum signal_type type)
{
    return l->heard[type];
}

struct signal_message liar_last(const struct liar *l, enum signal_type type)
{
    struct signal_message m;
    assert_true(l->heard[type] != 0);
    assert_int_equal(signal_read(buf_view(&l->last[type]), &m), 0);
    return m;
}
