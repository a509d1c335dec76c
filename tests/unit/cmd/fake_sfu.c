#include "unit/cmd/fake_sfu.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void note(struct sfu *s, const char *format, ...)
{
    size_t n = strlen(s->log);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(s->log + n, sizeof s->log - n, format, args);
    va_end(args);
}

static int outcome(struct sfu *s)
{
    int rv = s->next_error;
    s->next_error = 0;
    return rv;
}

bool fake_sfu_said(struct sfu *s, const char *log)
{
    bool same = strcmp(s->log, log) == 0;
    if (!same)
        (void)fprintf(stderr, "the switch was told:\n%sand not:\n%s", s->log, log);
    s->log[0] = '\0';
    return same;
}

void fake_sfu_event(struct sfu *s, const struct sfu_event *e)
{
    s->events[s->n_events++] = *e;
}

int sfu_meeting_open(struct sfu *s, uint32_t meeting, const struct sfu_meeting_config *config)
{
    note(s, "meeting %u bits %u\n", meeting, config->epoch_bits);
    if (s->next_error == 0 && s->stats.meetings < FAKE_MEETINGS)
        s->meetings[s->stats.meetings] = meeting;
    s->stats.meetings += s->next_error == 0;
    return outcome(s);
}

void sfu_meeting_close(struct sfu *s, uint32_t meeting)
{
    note(s, "meeting-close %u\n", meeting);
    size_t last = --s->stats.meetings;
    for (size_t i = 0; i < last && last < FAKE_MEETINGS; i++)
        if (s->meetings[i] == meeting)
            s->meetings[i] = s->meetings[last];
}

int sfu_meeting_epoch(struct sfu *s, uint32_t meeting, uint64_t epoch, uint32_t leaves)
{
    note(s, "epoch %u %llu %u\n", meeting, (unsigned long long)epoch, leaves);
    s->stats.memory = (size_t)epoch;
    return outcome(s);
}

size_t sfu_meeting_speakers(const struct sfu *s, uint32_t meeting, uint32_t *out, size_t max)
{
    size_t n = s->n_speakers < max ? s->n_speakers : max;
    (void)meeting;
    memcpy(out, s->speakers, n * sizeof out[0]);
    return n;
}

static void answer(const char *ufrag, struct sfu_peer_answer *out)
{
    *out = (struct sfu_peer_answer){.n_audio = 1, .n_video = 2, .fingerprint = {7}};
    (void)snprintf(out->ufrag, sizeof out->ufrag, "%s", ufrag);
    (void)snprintf(out->pwd, sizeof out->pwd, "0123456789012345678901");
    out->audio[0] = (struct sfu_slot){.ssrc = 100};
    out->video[0] = (struct sfu_slot){.ssrc = 200, .rtx_ssrc = 201};
    out->video[1] = (struct sfu_slot){.ssrc = 300, .rtx_ssrc = 301};
}

int sfu_peer_open(struct sfu *s, uint32_t peer, const struct sfu_peer_config *config,
                  uint64_t now_us, struct sfu_peer_answer *out)
{
    (void)now_us;
    note(s, "open %u of %u leaf %u\n", peer, config->meeting, config->leaf);
    int rv = outcome(s);
    if (rv != 0)
        return rv;
    s->stats.peers++;
    s->config = *config;
    s->has_extensions = config->extensions != NULL;
    if (s->has_extensions)
        s->extensions = *config->extensions;
    answer("open", out);
    return 0;
}

int sfu_peer_restart(struct sfu *s, uint32_t peer, struct bytes ufrag, struct bytes pwd,
                     struct sfu_peer_answer *out)
{
    (void)ufrag;
    (void)pwd;
    note(s, "restart %u\n", peer);
    int rv = outcome(s);
    if (rv == 0)
        answer("again", out);
    return rv;
}

int sfu_peer_login(struct sfu *s, uint32_t peer, struct bytes ufrag, struct bytes pwd,
                   uint64_t now_us)
{
    (void)now_us;
    note(s, "login %u %.*s %.*s\n", peer, (int)ufrag.n, (const char *)ufrag.p, (int)pwd.n,
         (const char *)pwd.p);
    return outcome(s);
}

void sfu_peer_close(struct sfu *s, uint32_t peer)
{
    note(s, "close %u\n", peer);
    s->stats.peers--;
}

int sfu_publish(struct sfu *s, uint32_t peer, const struct sfu_track *track, uint64_t now_us)
{
    (void)now_us;
    note(s, "publish %u kind %d layers %zu\n", peer, (int)track->kind, track->n_layers);
    s->track = *track;
    return outcome(s);
}

void sfu_unpublish(struct sfu *s, uint32_t peer, enum sfu_kind kind)
{
    note(s, "unpublish %u kind %d\n", peer, (int)kind);
}

int sfu_subscribe(struct sfu *s, uint32_t peer, const struct sfu_want *wants, size_t n,
                  uint64_t now_us)
{
    (void)now_us;
    note(s, "subscribe %u:", peer);
    for (size_t i = 0; i < n; i++)
        note(s, " %u/%d/%u", wants[i].leaf, (int)wants[i].kind, wants[i].max_height);
    note(s, "\n");
    return outcome(s);
}

bool sfu_next(struct sfu *s, struct sfu_event *out)
{
    if (s->n_events == 0)
        return false;
    *out = s->events[0];
    s->n_events--;
    memmove(s->events, s->events + 1, s->n_events * sizeof s->events[0]);
    return true;
}

/* ---- For a thread around it ---- */

int sfu_new(const struct sfu_config *config, struct sfu **out)
{
    (void)config;
    *out = calloc(1, sizeof **out);
    return *out == NULL ? CONCLAVE_ENOMEM : 0;
}

void sfu_free(struct sfu *s)
{
    free(s);
}

bool sfu_input(struct sfu *s, uint8_t *datagram, size_t n, const struct rtc_address *from,
               uint64_t now_us)
{
    (void)now_us;
    n = n < FAKE_DATAGRAM ? n : FAKE_DATAGRAM;
    memcpy(s->datagram, datagram, n);
    s->out = (struct sfu_group){
        .to = *from, .p = s->datagram, .n = n, .segment = (uint16_t)n, .count = 1};
    s->waits = true;
    return true; /* there is room for one */
}

size_t sfu_output(struct sfu *s, struct sfu_group *out, size_t max)
{
    if (!s->waits || max == 0)
        return 0;
    out[0] = s->out;
    return 1;
}

void sfu_sent(struct sfu *s, size_t n)
{
    s->waits = s->waits && n == 0;
}

uint64_t sfu_deadline(const struct sfu *s)
{
    return s->stats.counters.refused == 0 ? 0 : UINT64_MAX; /* once */
}

void sfu_tick(struct sfu *s, uint64_t now_us)
{
    (void)now_us;
    s->stats.counters.refused++;
}

void sfu_stats(const struct sfu *s, struct sfu_stats *out)
{
    *out = s->stats;
}

/* The first, each with its number for packets. */
size_t sfu_meetings_stats(const struct sfu *s, struct sfu_meeting_stats *out, size_t max)
{
    size_t n = s->stats.meetings < max ? s->stats.meetings : max;
    n = n < FAKE_MEETINGS ? n : FAKE_MEETINGS;
    for (size_t i = 0; i < n; i++)
        out[i] = (struct sfu_meeting_stats){.meeting = s->meetings[i],
                                            .counters.packets_in = 100 + s->meetings[i]};
    return n;
}
