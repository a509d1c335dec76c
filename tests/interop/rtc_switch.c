/* The media switch of conclaved behind a pipe: one meeting on one worker, on a UDP port of this
 * machine, for other implementations to meet in. What a control connection would carry comes in
 * lines:
 *
 *     epoch EPOCH LEAVES     the group is in this epoch, its tree has so many leaves
 *     say CONN LEAF BODY     the member on that leaf says this (docs/PROTOCOL.md section 9), in hex
 *     gone CONN              its connection ended
 *     count                  asks for the numbers below
 *
 * and goes out in lines:
 *
 *     CONN BODY              to that member
 *     count NAME=NUMBER ...
 *
 * It ends when its input does.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/conclaved_media.h"
#include "net/loop.h"
#include "signal/media.h"

#define MEETING "1"
#define BODY_MAX SIGNAL_MEDIA_MAX
#define LINE_MAX_BYTES (2 * BODY_MAX + 64)

struct run {
    struct net_loop *loop;
    struct media *media;
    bool has_epoch;
    uint64_t epoch;
    uint32_t leaves;
    char line[LINE_MAX_BYTES];
    size_t n;
};

static void need(int rv, const char *what)
{
    if (rv != 0) {
        (void)fprintf(stderr, "rtc-switch: %s: %s\n", what, conclave_error_name(rv));
        exit(2);
    }
}

/* ---- Lines out ---- */

static void say(void *ctx, uint64_t conn, struct bytes body)
{
    (void)ctx;
    (void)printf("%" PRIu64 " ", conn);
    for (size_t i = 0; i < body.n; i++)
        (void)printf("%02x", body.p[i]);
    (void)printf("\n");
    (void)fflush(stdout);
}

static void count(const struct run *r)
{
    struct media_worker_stats all;
    media_worker_stats(media_worker(r->media, 0), &all);
    const struct sfu_counters *c = &all.sfu.counters;
    (void)printf("count peers=%" PRIu32 " connected=%" PRIu32 " packets_in=%" PRIu64
                 " packets_out=%" PRIu64 " lost_in=%" PRIu64 " recovered_in=%" PRIu64
                 " nacks=%" PRIu64 " retransmitted=%" PRIu64 " not_retransmitted=%" PRIu64
                 " key_frames_asked=%" PRIu64 " refused=%" PRIu64 " said_no=%" PRIu64 "\n",
                 all.sfu.peers, all.sfu.connected, c->packets_in, c->packets_out, c->lost_in,
                 c->recovered_in, c->nacks, c->retransmitted, c->not_retransmitted,
                 c->key_frames_asked, c->refused, all.desk.refused);
    (void)fflush(stdout);
}

/* ---- Lines in ---- */

static void refuse(const char *line)
{
    (void)fprintf(stderr, "rtc-switch: not understood: %s\n", line);
    exit(2);
}

static bool take_word(const char **line, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(*line, word, n) != 0)
        return false;
    *line += n;
    return true;
}

static uint64_t take_number(const char **line)
{
    char *end;
    uint64_t value = strtoull(*line, &end, 10);
    if (end == *line)
        refuse(*line);
    *line = end;
    return value;
}

static size_t take_hex(const char *text, uint8_t out[static BODY_MAX])
{
    size_t n = 0;
    for (text += *text == ' '; n < BODY_MAX && text[0] != '\0' && text[1] != '\0'; text += 2) {
        const char digits[3] = {text[0], text[1], '\0'};
        out[n++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return n;
}

static void hear(struct run *r, const char *line)
{
    uint8_t body[BODY_MAX];
    uint64_t conn = take_number(&line);
    uint32_t leaf = (uint32_t)take_number(&line);
    size_t n = take_hex(line, body);
    need(media_hear(r->media, MEETING, conn, leaf, bytes_of(body, n)), "media_hear");
}

static void obey(struct run *r, const char *line)
{
    if (take_word(&line, "epoch ")) {
        r->epoch = take_number(&line);
        r->leaves = (uint32_t)take_number(&line);
        r->has_epoch = true;
        media_epoch(r->media, MEETING, r->epoch, r->leaves);
    } else if (take_word(&line, "say ")) {
        hear(r, line);
    } else if (take_word(&line, "gone ")) {
        media_gone(r->media, take_number(&line));
    } else if (take_word(&line, "count")) {
        count(r);
    } else {
        refuse(line);
    }
}

static void obey_lines(struct run *r)
{
    char *end;
    while ((end = memchr(r->line, '\n', r->n)) != NULL) {
        size_t used = (size_t)(end - r->line) + 1;
        *end = '\0';
        obey(r, r->line);
        r->n -= used;
        memmove(r->line, r->line + used, r->n);
    }
    need(r->n == sizeof r->line ? CONCLAVE_ELIMIT : 0, "a line");
}

static void readable(void *ctx)
{
    struct run *r = ctx;
    ssize_t n = read(STDIN_FILENO, r->line + r->n, sizeof r->line - r->n);
    if (n == 0)
        net_loop_stop(r->loop);
    if (n <= 0)
        return;
    r->n += (size_t)n;
    obey_lines(r);
}

/* ---- The meeting ---- */

static bool tell_epoch(void *ctx, const char *number, uint64_t *out_epoch, uint32_t *out_leaves)
{
    const struct run *r = ctx;
    (void)number;
    *out_epoch = r->epoch;
    *out_leaves = r->leaves;
    return r->has_epoch;
}

int main(void)
{
    struct run r = {0};
    const struct media_address here = {{127, 0, 0, 1}, 4};
    struct net_watch *watch = NULL;
    need(net_loop_new(&r.loop), "net_loop_new");
    const struct media_config config = {.loop = r.loop,
                                        .workers = 1,
                                        .udp = {.loopback = true},
                                        .addresses = &here,
                                        .n_addresses = 1,
                                        .ctx = &r,
                                        .say = say,
                                        .epoch = tell_epoch};
    need(media_new(&config, &r.media), "media_new");
    need(net_watch_new(r.loop, STDIN_FILENO, readable, &r, &watch), "net_watch_new");
    net_loop_run(r.loop);
    net_watch_free(watch);
    media_free(r.media);
    net_loop_free(r.loop);
    return 0;
}
