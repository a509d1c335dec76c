/* The event loop of a program: timers, signals, and work for another thread, over libuv. Everything
 * but net_loop_work()'s `run` happens on the thread that runs the loop.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <conclave/bytes.h>

struct net_loop;

/* ENOMEM. */
int net_loop_new(struct net_loop **out) CONCLAVE_CHECKED;
/* After net_loop_run() returned, and whatever uses the loop is gone. */
void net_loop_free(struct net_loop *l);

/* Until net_loop_stop(). */
void net_loop_run(struct net_loop *l);
void net_loop_stop(struct net_loop *l);

/* Microseconds since 1970 that never go back; see net/clock.h. */
uint64_t net_loop_now(struct net_loop *l);

/* The uv_loop_t, for those who build on libuv themselves. */
void *net_loop_uv(struct net_loop *l);

/* ---- Timers ---- */

struct net_timer;

/* ENOMEM. */
int net_timer_new(struct net_loop *l, void (*fire)(void *ctx), void *ctx,
                  struct net_timer **out) CONCLAVE_CHECKED;
/* Fires once, soon after the time; UINT64_MAX: not at all. In place of what was set before. */
void net_timer_set(struct net_timer *t, uint64_t at_us);
void net_timer_free(struct net_timer *t);

/* ---- Signals ---- */

/* From now on a signal calls this instead of ending the program. ENOMEM, EINVAL. */
int net_loop_signal(struct net_loop *l, int signum, void (*caught)(void *ctx, int signum),
                    void *ctx) CONCLAVE_CHECKED;

/* ---- Descriptors ---- */

struct net_watch;

/* Calls readable() as long as the descriptor can be read. It stays the caller's, and open until
 * net_watch_free(). ENOMEM, EINVAL. */
int net_watch_new(struct net_loop *l, int fd, void (*readable)(void *ctx), void *ctx,
                  struct net_watch **out) CONCLAVE_CHECKED;
void net_watch_free(struct net_watch *w);

/* ---- Work that takes long ---- */

/* run(ctx) on another thread, then done(ctx) on this one. ENOMEM: neither is called. */
int net_loop_work(struct net_loop *l, void (*run)(void *ctx), void (*done)(void *ctx),
                  void *ctx) CONCLAVE_CHECKED;
/* How much of it is not done yet. */
size_t net_loop_working(const struct net_loop *l);
/* Waits until all work is done. */
void net_loop_finish(struct net_loop *l);

#endif
