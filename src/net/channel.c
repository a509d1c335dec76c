#include "net/channel.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct net_channel {
    pthread_mutex_t lock; /* of the three below */
    struct net_message *first, **last;
    size_t n;
    size_t most;
    int fd; /* an eventfd: it can be read while something waits */
};

int net_channel_new(size_t most, struct net_channel **out)
{
    struct net_channel *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CONCLAVE_ENOMEM;
    c->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (c->fd < 0 || pthread_mutex_init(&c->lock, NULL) != 0) {
        if (c->fd >= 0)
            (void)close(c->fd);
        free(c);
        return CONCLAVE_EINTERNAL;
    }
    c->last = &c->first;
    c->most = most;
    *out = c;
    return 0;
}

void net_channel_free(struct net_channel *c)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_destroy(&c->lock);
    (void)close(c->fd);
    free(c);
}

int net_channel_fd(const struct net_channel *c)
{
    return c->fd;
}

bool net_channel_put(struct net_channel *c, struct net_message *m, bool must)
{
    (void)pthread_mutex_lock(&c->lock); /* cannot fail: neither recursive nor robust */
    bool room = must || c->n < c->most;
    bool first = c->n == 0;
    if (room) {
        m->next = NULL;
        *c->last = m;
        c->last = &m->next;
        c->n++;
    }
    (void)pthread_mutex_unlock(&c->lock);
    if (room && first)
        (void)eventfd_write(c->fd, 1); /* fails only beyond 2^64 - 2 */
    return room;
}

struct net_message *net_channel_take(struct net_channel *c)
{
    eventfd_t unused;
    /* Before looking: what is put after the look makes it readable again. */
    (void)eventfd_read(c->fd, &unused);
    (void)pthread_mutex_lock(&c->lock);
    struct net_message *first = c->first;
    c->first = NULL;
    c->last = &c->first;
    c->n = 0;
    (void)pthread_mutex_unlock(&c->lock);
    return first;
}
