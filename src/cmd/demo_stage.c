#include "cmd/demo_stage.h"

#include <uv.h>

/* Nothing in the play takes longer, on any machine worth the name. */
#define PATIENCE_MS 20000

void demo_put(const struct demo *d, enum terminal_colour colour, const char *text)
{
    struct buf b = {0};
    terminal_put_colour(&b, d->colours, colour);
    terminal_put(&b, "%s", text);
    terminal_put_colour(&b, d->colours, TERMINAL_NORMAL);
    fwrite(b.p, 1, b.n, stdout);
    buf_free(&b);
}

void demo_put_clock(const struct demo *d)
{
    char clock[32];
    snprintf(clock, sizeof clock, "%5.1f s  ",
             (double)(net_loop_now(d->loop) - d->began_us) / 1000000);
    demo_put(d, TERMINAL_DIM, clock);
}

void demo_impatient(void *ctx)
{
    struct demo *d = ctx;
    d->impatient = true;
}

bool demo_until(struct demo *d, bool (*come_about)(struct demo *d))
{
    d->impatient = false;
    net_timer_set(d->patience, net_loop_now(d->loop) + (uint64_t)PATIENCE_MS * 1000);
    while (!come_about(d) && !d->impatient)
        uv_run(net_loop_uv(d->loop), UV_RUN_ONCE);
    net_timer_set(d->patience, UINT64_MAX);
    return come_about(d);
}

struct participant *demo_brain(struct demo *d, enum role who)
{
    return join_session_participant(d->cast[who].session);
}
