/* The media switch put into the daemon: which addresses it says, and who hears whom. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/conclaved_daemon.h"

struct addresses {
    struct media_address list[MEDIA_ADDRESSES];
    size_t n;
};

static void add(struct addresses *a, const void *ip, uint8_t n)
{
    if (a->n == MEDIA_ADDRESSES)
        return;
    a->list[a->n].n = n;
    memcpy(a->list[a->n++].ip, ip, n);
}

/* false: no address, or one that means all of them. */
static bool add_text(struct addresses *a, const char *text)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1 && v4.s_addr != INADDR_ANY)
        add(a, &v4, 4);
    else if (inet_pton(AF_INET6, text, &v6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&v6))
        add(a, &v6, 16);
    else
        return false;
    return true;
}

/* The address this machine would send from to the world: connect() sends nothing for UDP, it only
 * looks for the way. Without one there is nothing to add. */
static void add_outgoing(struct addresses *a, int family)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    bool six = family == AF_INET6;
    struct sockaddr *to = six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
    socklen_t n = six ? sizeof v6 : sizeof v4;
    (void)inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);     /* RFC 5737: nobody's */
    (void)inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr); /* RFC 3849: nobody's */
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, to, n) == 0 && getsockname(fd, to, &n) == 0) {
        if (six)
            add(a, &v6.sin6_addr, 16);
        else
            add(a, &v4.sin_addr, 4);
    }
    if (fd >= 0)
        (void)close(fd);
}

/* What is set; else where it listens; else, if that is everywhere, where it sends from. */
static void find_addresses(const struct config *c, struct addresses *out)
{
    struct config_words words;
    struct config_address at;
    bool anywhere = false;
    (void)config_words(c->media_addresses, &words); /* config_check() has read them */
    for (size_t i = 0; i < words.n; i++)
        (void)add_text(out, words.words[i]);
    if (out->n != 0)
        return;
    (void)config_words(c->listen, &words);
    for (size_t i = 0; i < words.n; i++)
        if (config_address(words.words[i], &at) && !add_text(out, at.host))
            anywhere = true;
    if (anywhere) {
        add_outgoing(out, AF_INET);
        add_outgoing(out, AF_INET6);
    }
    if (out->n == 0) { /* for this machine alone */
        (void)add_text(out, "127.0.0.1");
        (void)add_text(out, "::1");
    }
}

/* ---- Between the hall and the switch ---- */

static void say(void *ctx, uint64_t conn, struct bytes body)
{
    struct daemon *d = ctx;
    int rv = hall_media(d->hall, conn, body);
    if (rv != 0)
        daemon_error(d, rv, "the media switch");
}

static bool epoch(void *ctx, const char *number, uint64_t *out_epoch, uint32_t *out_leaves)
{
    const struct daemon *d = ctx;
    return hall_epoch(d->hall, number, out_epoch, out_leaves);
}

static void hear(void *ctx, const char *number, uint64_t conn, uint32_t leaf, struct bytes body)
{
    struct daemon *d = ctx;
    int rv = media_hear(d->media, number, conn, leaf, body);
    if (rv != 0)
        daemon_error(d, rv, "the media switch");
}

static void gone(void *ctx, uint64_t conn)
{
    struct daemon *d = ctx;
    media_gone(d->media, conn);
}

static void tell_epoch(void *ctx, const char *number, uint64_t now, uint32_t leaves)
{
    struct daemon *d = ctx;
    media_epoch(d->media, number, now, leaves);
}

int daemon_open_media(struct daemon *d, struct hall_out *out, char why[static CONFIG_WHY])
{
    const struct config *c = d->config;
    struct addresses addresses = {.n = 0};
    if (!c->media)
        return 0;
    find_addresses(c, &addresses);
    const struct media_config config = {
        .loop = d->loop,
        .workers = (unsigned)c->media_workers,
        .udp = {.port = (uint16_t)c->media_port, .loopback = c->listen[0] == '\0'},
        .addresses = addresses.list,
        .n_addresses = addresses.n,
        .ctx = d,
        .say = say,
        .epoch = epoch,
    };
    int rv = media_new(&config, &d->media);
    if (rv != 0) {
        (void)snprintf(why, CONFIG_WHY, "[media] port = %u: %s", (unsigned)c->media_port,
                       rv == CONCLAVE_EINVAL ? strerror(errno) : conclave_error_text(rv));
        return rv;
    }
    out->media = hear;
    out->media_gone = gone;
    out->media_epoch = tell_epoch;
    return 0;
}

/* ---- For administrators ---- */

bool daemon_media(void *daemon, const char *number, struct service_media *out)
{
    const struct daemon *d = daemon;
    struct sfu_meeting_stats s;
    if (d->media == NULL || media_meeting_stats(d->media, number, &s) != 0)
        return false;
    const struct sfu_counters *c = &s.counters;
    const struct sfu_receivers *r = &s.receivers;
    *out = (struct service_media){
        .peers = s.peers,
        .connected = s.connected,
        .tracks = s.tracks,
        .speaker = s.speaker != SFU_NOBODY,
        .packets_in = c->packets_in,
        .bytes_in = c->bytes_in,
        .packets_out = c->packets_out,
        .bytes_out = c->bytes_out,
        .lost_in = c->lost_in,
        .recovered_in = c->recovered_in,
        .nacks = c->nacks,
        .retransmitted = c->retransmitted,
        .key_frames_asked = c->key_frames_asked,
        .refused = c->refused,
        .dropped = c->dropped_video + c->dropped_audio + c->dropped_control,
        .waiting = r->waiting,
        .narrow = r->narrow,
        .rtt_us = r->rtt_us,
        .loss_ppm = r->loss_ppm,
    };
    for (size_t i = 0; i < SFU_LAYERS; i++)
        out->flowing += r->flowing[i];
    return true;
}
