#include "net/loop.h"

#include <stdlib.h>
#include <uv.h>

#include "net/clock.h"

struct net_signal {
    uv_signal_t handle;
    void (*caught)(void *ctx, int signum);
    void *ctx;
    struct net_signal *next;
};

struct net_loop {
    uv_loop_t uv;
    struct net_clock clock;
    struct net_signal *signals;
    size_t working;
};

struct net_timer {
    uv_timer_t handle;
    struct net_loop *loop;
    void (*fire)(void *ctx);
    void *ctx;
};

struct net_watch {
    uv_poll_t handle;
    void (*readable)(void *ctx);
    void *ctx;
};

struct work {
    uv_work_t request;
    struct net_loop *loop;
    void (*run)(void *ctx);
    void (*done)(void *ctx);
    void *ctx;
};

int net_loop_new(struct net_loop **out)
{
    struct net_loop *l = calloc(1, sizeof *l);
    if (l == NULL || uv_loop_init(&l->uv) != 0) {
        free(l);
        return CONCLAVE_ENOMEM;
    }
    *out = l;
    return 0;
}

static void signal_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void net_loop_free(struct net_loop *l)
{
    if (l == NULL)
        return;
    while (l->signals != NULL) {
        struct net_signal *s = l->signals;
        l->signals = s->next;
        uv_close((uv_handle_t *)&s->handle, signal_closed);
    }
    /* what was closed is told so by the loop, in a round or two */
    while (uv_run(&l->uv, UV_RUN_NOWAIT) != 0)
        ;
    (void)uv_loop_close(&l->uv);
    free(l);
}

void net_loop_run(struct net_loop *l)
{
    (void)uv_run(&l->uv, UV_RUN_DEFAULT);
}

void net_loop_stop(struct net_loop *l)
{
    uv_stop(&l->uv);
}

uint64_t net_loop_now(struct net_loop *l)
{
    return net_clock_now(&l->clock);
}

void *net_loop_uv(struct net_loop *l)
{
    return &l->uv;
}

/* ---- Timers ---- */

static void timer_fired(uv_timer_t *handle)
{
    struct net_timer *t = handle->data;
    t->fire(t->ctx);
}

int net_timer_new(struct net_loop *l, void (*fire)(void *ctx), void *ctx, struct net_timer **out)
{
    struct net_timer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return CONCLAVE_ENOMEM;
    t->loop = l;
    t->fire = fire;
    t->ctx = ctx;
    (void)uv_timer_init(&l->uv, &t->handle); /* cannot fail */
    t->handle.data = t;
    *out = t;
    return 0;
}

void net_timer_set(struct net_timer *t, uint64_t at_us)
{
    uint64_t now = net_loop_now(t->loop);
    uint64_t wait_ms = at_us <= now ? 0 : (at_us - now) / 1000;
    if (at_us == UINT64_MAX) {
        (void)uv_timer_stop(&t->handle);
        return;
    }
    /* The loop's own time stands still while handlers run, however long that takes. It must not be
     * moved here: libuv goes on firing timers as long as any is due, and at least a millisecond
     * behind that time none is before the descriptors were looked at. */
    uint64_t passed_ms = uv_hrtime() / 1000000 - uv_now(&t->loop->uv);
    (void)uv_timer_start(&t->handle, timer_fired, passed_ms + wait_ms + 1, 0);
}

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void net_timer_free(struct net_timer *t)
{
    if (t != NULL)
        uv_close((uv_handle_t *)&t->handle, timer_closed);
}

/* ---- Signals ---- */

static void signal_caught(uv_signal_t *handle, int signum)
{
    struct net_signal *s = handle->data;
    s->caught(s->ctx, signum);
}

int net_loop_signal(struct net_loop *l, int signum, void (*caught)(void *ctx, int signum),
                    void *ctx)
{
    struct net_signal *s = calloc(1, sizeof *s);
    if (s == NULL || uv_signal_init(&l->uv, &s->handle) != 0) {
        free(s);
        return CONCLAVE_ENOMEM;
    }
    s->handle.data = s;
    s->caught = caught;
    s->ctx = ctx;
    s->next = l->signals;
    l->signals = s;
    return uv_signal_start(&s->handle, signal_caught, signum) == 0 ? 0 : CONCLAVE_EINVAL;
}

/* ---- Descriptors ---- */

static void watch_fired(uv_poll_t *handle, int status, int events)
{
    struct net_watch *w = handle->data;
    (void)events; /* reading is all it is for */
    if (status == 0)
        w->readable(w->ctx);
}

static void watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

int net_watch_new(struct net_loop *l, int fd, void (*readable)(void *ctx), void *ctx,
                  struct net_watch **out)
{
    struct net_watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return CONCLAVE_ENOMEM;
    if (uv_poll_init(&l->uv, &w->handle, fd) != 0) {
        free(w);
        return CONCLAVE_EINVAL;
    }
    w->handle.data = w;
    w->readable = readable;
    w->ctx = ctx;
    if (uv_poll_start(&w->handle, UV_READABLE, watch_fired) != 0) {
        net_watch_free(w);
        return CONCLAVE_EINVAL;
    }
    *out = w;
    return 0;
}

void net_watch_free(struct net_watch *w)
{
    if (w != NULL)
        uv_close((uv_handle_t *)&w->handle, watch_closed);
}

/* ---- Work ---- */

static void work_run(uv_work_t *request)
{
    struct work *w = request->data;
    w->run(w->ctx);
}

static void work_done(uv_work_t *request, int status)
{
    struct work *w = request->data;
    (void)status; /* nothing here cancels */
    w->loop->working--;
    w->done(w->ctx);
    free(w);
}

int net_loop_work(struct net_loop *l, void (*run)(void *ctx), void (*done)(void *ctx), void *ctx)
{
    struct work *w = calloc(1, sizeof *w);
    if (w == NULL)
        return CONCLAVE_ENOMEM;
    w->request.data = w;
    w->loop = l;
    w->run = run;
    w->done = done;
    w->ctx = ctx;
    if (uv_queue_work(&l->uv, &w->request, work_run, work_done) != 0) {
        free(w);
        return CONCLAVE_ENOMEM;
    }
    l->working++;
    return 0;
}

size_t net_loop_working(const struct net_loop *l)
{
    return l->working;
}

void net_loop_finish(struct net_loop *l)
{
    while (l->working != 0)
        (void)uv_run(&l->uv, UV_RUN_ONCE);
}
