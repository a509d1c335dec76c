#include "cmd/join_media.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/earlier.h"
#include "cmd/join_media_run.h"
#include "cmd/udp_address.h"
#include "crypto/aead.h"

#define NAME 96

/* A file begins when for so long nothing has changed of what others need to receive it from its
 * first frame on: keys, connection, what the switch knows of us. */
#define CALM_US UINT64_C(500000)
/* And at the latest so long after there is somebody to receive it. */
#define UNCALM_US UINT64_C(3000000)

/* After its last frame a track stays for so long: what was lost of it may be asked for. */
#define LINGER_US UINT64_C(1000000)

/* Pictures wanted of others: more than any is sent in. */
#define HEIGHT 2160

struct own {
    struct join_source *source; /* NULL: there is none */
    bool stopped;
    bool published;
    bool need_key; /* one was dropped: what follows is of no use before the next key frame */
    bool demanded; /* pictures: somebody wants them */
    bool started;
    uint64_t published_us, start_us;
    uint64_t end_us; /* the source is over, and its track ends then; 0: it goes on */
};

struct join_media {
    struct join_media_config config;
    char name[NAME];
    struct crypto *crypto;
    struct aead_engine *engine;
    struct net_udp *udp;
    struct net_watch *watch[2];
    struct net_timer *timer;
    struct line *line;
    struct join_record *record;
    struct own own[SIGNAL_SCREEN + 1]; /* by source; the first is none */
    bool epoch_known;
    uint64_t epoch;
    uint64_t tag;       /* tells epochs of different groups apart */
    struct buf present; /* a bit for each leaf there was in the last epoch */
    struct buf removed; /* leaves, uint32_t, that are gone since */
    bool others, connected;
    uint64_t alone_until_us; /* since when somebody else is there */
    uint64_t calm_us;        /* since when nothing has changed */
    uint32_t speaker;
    bool pumping;
    int failed;
};

static void pump(struct join_media *m);

static void tell(struct join_media *m, struct join_media_news news)
{
    m->config.events->news(m->config.ctx, &news);
}

static void trouble(struct join_media *m, const char *text)
{
    tell(m, (struct join_media_news){.kind = JOIN_MEDIA_TROUBLE, .text = text});
}

/* Media is over for this process; the meeting is not. */
static void fail(struct join_media *m, int rv)
{
    char text[160];
    if (rv == 0 || m->failed != 0)
        return;
    m->failed = rv;
    if (m->line != NULL)
        line_down(m->line);
    snprintf(text, sizeof text, "Audio and video have ended: %s.", conclave_error_text(rv));
    trouble(m, text);
}

uint64_t join_media_now(struct join_media *m)
{
    return net_loop_now(m->config.loop);
}

static struct participant *brain(struct join_media *m)
{
    return join_session_participant(m->config.session);
}

/* ---- Epochs ---- */

static bool bit(const struct buf *b, uint32_t i)
{
    return i / 8 < b->n && (b->p[i / 8] >> i % 8 & 1) != 0;
}

static void set_bit(struct buf *b, uint32_t i)
{
    static const uint8_t zero;
    while (b->n <= i / 8 && !b->failed)
        buf_put(b, bytes_of(&zero, 1));
    if (!b->failed)
        b->p[i / 8] |= (uint8_t)(1u << i % 8);
}

static void note_removed(struct join_media *m, uint32_t leaf)
{
    buf_put(&m->removed, bytes_of(&leaf, sizeof leaf));
}

/* Who is in the group now, and who of those before no longer is: also those whose end was missed
 * while we were cut off. */
static int look_at_group(struct join_media *m)
{
    struct participant_person person;
    struct buf present = {0};
    for (uint32_t at = 0; participant_roster_next(brain(m), &at, &person);)
        set_bit(&present, person.leaf);
    for (uint32_t i = 0; i < m->present.n * 8; i++)
        if (bit(&m->present, i) && !bit(&present, i))
            note_removed(m, i);
    buf_free(&m->present);
    m->present = present;
    return buf_check(&m->present) != 0 ? CONCLAVE_ENOMEM : buf_check(&m->removed);
}

static int enter_epoch(struct join_media *m)
{
    struct participant_frame_key k;
    int rv = participant_frame_key(brain(m), &k);
    if (rv != 0)
        return rv;
    rv = look_at_group(m);
    if (rv == 0) {
        const struct call_epoch e = {.id = k.epoch,
                                     .base_key = bytes_of(k.key, sizeof k.key),
                                     .group_size = k.group_size,
                                     .own_leaf = k.own_leaf,
                                     /* The allocator's alignment is a number's, too. */
                                     .removed = (const uint32_t *)(const void *)m->removed.p,
                                     .n_removed = m->removed.n / sizeof(uint32_t)};
        rv = line_epoch(m->line, &e, join_media_now(m));
    }
    explicit_bzero(&k, sizeof k);
    buf_clear(&m->removed);
    return rv;
}

/* The line begins with the first epoch, which decides what it may seal with. */
static int begin_line(struct join_media *m)
{
    struct line_config config = {.crypto = m->crypto, .engine = m->engine};
    int rv = join_media_run_take(m->config.folder, m->name, m->tag, &config.run);
    if (rv == 0)
        rv = line_new(&config, join_media_now(m), &m->line);
    if (rv == CONCLAVE_EEXHAUSTED)
        trouble(m, "Audio and video wait for the meeting's next keys: this participant was "
                   "restarted too often since the last ones.");
    return rv;
}

/* The meeting began anew, as another group, whose epochs count from the start: nothing of before
 * is of use. */
static void end_line(struct join_media *m)
{
    line_free(m->line);
    m->line = NULL;
    m->connected = false;
    for (unsigned i = SIGNAL_AUDIO; i <= SIGNAL_SCREEN; i++)
        m->own[i].published = false;
    join_record_pause(m->record);
    buf_clear(&m->present);
    buf_clear(&m->removed);
}

static void follow_epoch(struct join_media *m)
{
    struct participant_meeting meeting;
    uint64_t tag = 0;
    if (m->failed != 0 || participant_meeting(brain(m), &meeting) != 0 || !meeting.in_meeting)
        return;
    int rv = participant_export(brain(m), "Conclave Media Run", bytes_of(NULL, 0), sizeof tag,
                                (uint8_t *)&tag);
    if (rv == 0 && m->epoch_known && m->tag == tag)
        return;
    m->tag = tag;
    if (m->line != NULL && meeting.epoch <= m->epoch)
        end_line(m);
    if (rv == 0 && m->line == NULL)
        rv = begin_line(m);
    m->epoch_known = true;
    m->epoch = meeting.epoch;
    m->calm_us = join_media_now(m);
    if (rv == 0)
        rv = enter_epoch(m);
    if (rv != CONCLAVE_EEXHAUSTED)
        fail(m, rv);
}

/* ---- Others ---- */

/* Whether somebody sends this, or has not said yet. */
static bool may_send(const struct participant_person *person, uint8_t source)
{
    return !person->sends_known || (person->sends & join_source_bit(source)) != 0;
}

/* Screens first: they are what a meeting is about when there is one. */
static void want_pictures(struct join_media *m)
{
    static const uint8_t sources[] = {SIGNAL_SCREEN, SIGNAL_CAMERA};
    struct signal_want wants[SIGNAL_WANTS_MAX];
    struct participant_person person;
    size_t n = 0;
    if (m->line == NULL || !m->config.watch)
        return;
    for (size_t i = 0; i < sizeof sources; i++)
        for (uint32_t at = 0;
             n < SIGNAL_WANTS_MAX && participant_roster_next(brain(m), &at, &person);)
            if (!person.me && may_send(&person, sources[i]))
                wants[n++] = (struct signal_want){person.leaf, sources[i], HEIGHT};
    fail(m, line_want(m->line, wants, n));
}

static void look_at_roster(struct join_media *m)
{
    struct participant_person person;
    bool others = false;
    for (uint32_t at = 0; !others && participant_roster_next(brain(m), &at, &person);)
        others = !person.me && person.connected;
    if (others && !m->others)
        m->alone_until_us = m->calm_us = join_media_now(m);
    m->others = others;
    want_pictures(m);
}

static const char *name_of(struct join_media *m, uint32_t leaf, struct participant_person *person)
{
    uint32_t at = leaf;
    bool found = participant_roster_next(brain(m), &at, person) && person->leaf == leaf;
    return found ? person->name : "";
}

static void take_frame(struct join_media *m, const struct call_event *f)
{
    struct participant_person person;
    const char *name = NULL;
    if (m->config.events->got != NULL)
        m->config.events->got(m->config.ctx, f);
    if (join_record_wants_name(m->record, f->leaf, f->source)) /* to look it up is to decrypt it */
        name = name_of(m, f->leaf, &person);
    int rv = join_record_frame(m->record, f, name, join_media_now(m));
    if (rv == CONCLAVE_ESTORE)
        trouble(m, "Recording has stopped: the disk does not take it.");
    else if (rv != CONCLAVE_ELIMIT)
        fail(m, rv);
}

static void take_speakers(struct join_media *m, const struct line_effect *e)
{
    uint32_t first = e->n_leaves != 0 ? e->leaves[0] : MLS_NO_LEAF;
    if (first == m->speaker)
        return;
    m->speaker = first;
    tell(m, (struct join_media_news){.kind = JOIN_MEDIA_SPEAKER, .leaf = first});
}

/* ---- One's own ---- */

/* For the others' rosters. */
static void say_what_is_sent(struct join_media *m)
{
    uint8_t sends = 0;
    for (unsigned i = SIGNAL_AUDIO; i <= SIGNAL_SCREEN; i++)
        if (m->own[i].published)
            sends |= join_source_bit((uint8_t)i);
    int rv = participant_set_sends(brain(m), sends, join_media_now(m));
    if (rv != CONCLAVE_ESTATE) /* it is over */
        fail(m, rv);
    join_session_wake(m->config.session);
}

static void publish(struct join_media *m, uint8_t source)
{
    struct own *o = &m->own[source];
    if (m->line == NULL || o->source == NULL || o->stopped || o->published || m->failed != 0)
        return;
    struct line_track t = {.source = source, .n_layers = join_source_layers(o->source)};
    for (uint8_t i = 0; i < t.n_layers; i++)
        t.height[i] = join_source_height(o->source, i);
    int rv = line_publish(m->line, &t);
    o->published = rv == 0;
    o->published_us = m->calm_us = join_media_now(m);
    o->need_key = source != SIGNAL_AUDIO;
    for (uint8_t i = 0; i < t.n_layers; i++)
        join_source_want_key(o->source, i);
    fail(m, rv);
    say_what_is_sent(m);
}

static void unpublish(struct join_media *m, uint8_t source)
{
    if (!m->own[source].published)
        return;
    line_unpublish(m->line, source);
    m->own[source].published = false;
    say_what_is_sent(m);
}

static void publish_all(struct join_media *m)
{
    for (unsigned i = SIGNAL_AUDIO; i <= SIGNAL_SCREEN; i++)
        publish(m, (uint8_t)i);
}

static bool waits(const struct own *o)
{
    return o->source != NULL && o->published && !o->started;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* When a source has waited long enough, whatever else there is. */
static uint64_t patience_end(const struct join_media *m, const struct own *o)
{
    return later(m->alone_until_us, o->published_us) + UNCALM_US;
}

/* Whether all that wait may begin: at once, so that sound and pictures stay together. */
static bool may_start(const struct join_media *m, uint64_t now)
{
    bool calm = now >= m->calm_us + CALM_US;
    for (size_t i = SIGNAL_AUDIO; i <= SIGNAL_SCREEN; i++) {
        const struct own *o = &m->own[i];
        bool ready = calm && (i == SIGNAL_AUDIO || o->demanded);
        if (waits(o) && !ready && now < patience_end(m, o))
            return false;
    }
    return m->connected && m->others;
}

static void start(struct join_media *m, uint64_t now)
{
    if (!may_start(m, now))
        return;
    for (size_t i = SIGNAL_AUDIO; i <= SIGNAL_SCREEN; i++) {
        if (!waits(&m->own[i]))
            continue;
        m->own[i].started = true;
        m->own[i].start_us = now;
    }
}

/* When to look again whether one may. */
static uint64_t start_due(struct join_media *m, const struct own *o)
{
    uint64_t calm = m->calm_us + CALM_US, end = patience_end(m, o);
    return calm > join_media_now(m) && calm < end ? calm : end;
}

static uint64_t due(const struct own *o)
{
    uint64_t at = o->source != NULL && o->started ? join_source_due(o->source) : UINT64_MAX;
    return at == UINT64_MAX ? at : o->start_us + at;
}

static uint64_t end_due(const struct own *o)
{
    return o->end_us != 0 ? o->end_us : UINT64_MAX;
}

static void send_layer(struct join_media *m, uint8_t source, uint8_t layer,
                       const struct join_moment *moment)
{
    struct own *o = &m->own[source];
    const struct media_frame *f = &moment->layers[layer];
    const struct call_frame frame = {.data = f->data,
                                     .pts = f->pts,
                                     .captured_us = o->start_us + moment->at_us,
                                     .level = moment->level,
                                     .voice = moment->voice};
    if (o->need_key && !f->key)
        return;
    int rv = line_send(m->line, source, layer, &frame, join_media_now(m));
    if (rv == 0) {
        o->need_key = false;
        if (m->config.events->sent != NULL)
            m->config.events->sent(m->config.ctx, source, layer, f->data);
    } else if (rv == CONCLAVE_ESTATE || rv == CONCLAVE_ELIMIT || rv == CONCLAVE_EINVAL) {
        o->need_key = source != SIGNAL_AUDIO; /* dropped */
        join_source_want_key(o->source, layer);
    } else {
        fail(m, rv);
    }
}

static void send_moment(struct join_media *m, uint8_t source)
{
    struct own *o = &m->own[source];
    struct join_source_fault fault;
    struct join_moment moment;
    int rv = join_source_take(o->source, &moment, &fault);
    if (rv == 0) {
        for (uint8_t i = 0; o->published && i < join_source_layers(o->source); i++)
            if (moment.layers[i].data.n != 0)
                send_layer(m, source, i, &moment);
        return;
    }
    if (rv == CONCLAVE_EINTERNAL) /* one that the encoder could not make */
        return;
    join_media_remove(m, source);
    if (rv == CONCLAVE_EINVAL)
        trouble(m, fault.text);
    else if (rv != CONCLAVE_ENOTFOUND)
        fail(m, rv);
}

static void end_of(struct join_media *m, uint8_t source, uint64_t now)
{
    struct own *o = &m->own[source];
    if (o->source == NULL || join_source_due(o->source) != UINT64_MAX)
        return;
    if (o->end_us == 0)
        o->end_us = now + LINGER_US;
    if (o->end_us > now)
        return;
    join_media_remove(m, source);
    tell(m, (struct join_media_news){.kind = JOIN_MEDIA_ENDED, .source = source});
}

static void feed(struct join_media *m)
{
    uint64_t now = join_media_now(m);
    start(m, now);
    for (unsigned i = SIGNAL_AUDIO; i <= SIGNAL_SCREEN; i++) {
        if (m->own[i].started)
            join_source_skip(m->own[i].source, now - m->own[i].start_us);
        while (due(&m->own[i]) <= now)
            send_moment(m, (uint8_t)i);
        end_of(m, (uint8_t)i, now);
    }
}

int join_media_add(struct join_media *m, const struct join_source_config *config,
                   struct join_source_fault *out_fault)
{
    struct join_source *source = NULL;
    int rv = join_source_new(config, &source, out_fault);
    if (rv != 0)
        return rv;
    join_media_remove(m, config->source);
    m->own[config->source] = (struct own){.source = source};
    publish(m, config->source);
    pump(m);
    return 0;
}

void join_media_remove(struct join_media *m, uint8_t source)
{
    unpublish(m, source);
    join_source_free(m->own[source].source);
    m->own[source] = (struct own){0};
}

bool join_media_has(const struct join_media *m, uint8_t source)
{
    return m->own[source].source != NULL;
}

int join_media_stop(struct join_media *m, uint8_t source, bool stopped)
{
    struct own *o = &m->own[source];
    if (o->source == NULL)
        return CONCLAVE_ENOTFOUND;
    o->stopped = stopped;
    if (stopped)
        unpublish(m, source);
    else
        publish(m, source);
    pump(m);
    return 0;
}

bool join_media_is_stopped(const struct join_media *m, uint8_t source)
{
    return m->own[source].stopped;
}

static int share(struct join_media *m, const char *path)
{
    const struct join_source_config config = {.source = SIGNAL_SCREEN, .path = path};
    struct join_source_fault fault;
    int rv = join_media_add(m, &config, &fault);
    if (rv == CONCLAVE_EINVAL)
        trouble(m, fault.text);
    return rv;
}

static int share_no_more(struct join_media *m)
{
    if (!join_media_has(m, SIGNAL_SCREEN))
        return CONCLAVE_ENOTFOUND;
    join_media_remove(m, SIGNAL_SCREEN);
    pump(m);
    return 0;
}

int join_media_do(struct join_media *m, const struct join_command *command)
{
    switch (command->verb) {
    case JOIN_MUTE:
    case JOIN_UNMUTE:
        return join_media_stop(m, SIGNAL_AUDIO, command->verb == JOIN_MUTE);
    case JOIN_STOP_VIDEO:
    case JOIN_START_VIDEO:
        return join_media_stop(m, SIGNAL_CAMERA, command->verb == JOIN_STOP_VIDEO);
    case JOIN_SHARE:
        return share(m, command->text);
    case JOIN_UNSHARE:
        return share_no_more(m);
    default:
        return CONCLAVE_EUNSUPPORTED;
    }
}

/* ---- The line ---- */

static void send_datagram(struct join_media *m, const struct line_effect *e)
{
    const struct net_udp_group group = {.to = udp_address_to_net(&e->to),
                                        .p = e->data.p,
                                        .n = e->data.n,
                                        .segment = (uint16_t)e->data.n};
    net_udp_send(m->udp, &group, 1);
}

static void say(struct join_media *m, struct bytes body)
{
    int rv = participant_media_send(brain(m), body, join_media_now(m));
    if (rv != CONCLAVE_ESTATE) /* the connection has just gone: all is said again with the next */
        fail(m, rv);
    join_session_wake(m->config.session);
}

static void take_demand(struct join_media *m, const struct line_effect *e)
{
    struct own *o = &m->own[e->source];
    o->demanded = o->demanded || e->layers != 0;
    if (o->source != NULL)
        join_source_demand(o->source, e->layers);
}

static void carry_out(struct join_media *m, const struct line_effect *e)
{
    switch (e->kind) {
    case LINE_SAY:
        say(m, e->data);
        break;
    case LINE_SEND:
        send_datagram(m, e);
        break;
    case LINE_CONNECTED:
        m->connected = true;
        m->calm_us = join_media_now(m);
        tell(m, (struct join_media_news){.kind = JOIN_MEDIA_CONNECTED});
        break;
    case LINE_LOST:
        m->connected = false;
        join_record_pause(m->record);
        tell(m, (struct join_media_news){.kind = JOIN_MEDIA_LOST});
        break;
    case LINE_REFUSED:
        tell(m, (struct join_media_news){.kind = JOIN_MEDIA_REFUSED});
        break;
    case LINE_FRAME:
        take_frame(m, &e->frame);
        break;
    case LINE_KEY_FRAME_WANTED:
        if (m->own[e->source].source != NULL)
            join_source_want_key(m->own[e->source].source, e->layer);
        break;
    case LINE_DEMAND:
        take_demand(m, e);
        break;
    case LINE_SPEAKERS:
        take_speakers(m, e);
        break;
    case LINE_FLOW: /* that it sends no more of somebody's is no loss */
        join_record_flow(m->record, &e->flow);
        break;
    case LINE_NOTHING:
        break;
    }
}

static void drain(struct join_media *m)
{
    struct line_effect e = {.kind = LINE_NOTHING};
    do {
        if (m->line == NULL || m->failed != 0)
            return;
        int rv = line_next(m->line, join_media_now(m), &e);
        if (rv != 0)
            fail(m, rv);
        else
            carry_out(m, &e);
    } while (e.kind != LINE_NOTHING);
}

static uint64_t deadline(struct join_media *m)
{
    if (m->line == NULL || m->failed != 0)
        return UINT64_MAX;
    uint64_t at = line_deadline(m->line);
    for (size_t i = SIGNAL_AUDIO; i <= SIGNAL_SCREEN; i++) {
        at = earlier(at, earlier(due(&m->own[i]), end_due(&m->own[i])));
        if (waits(&m->own[i]) && m->connected && m->others)
            at = earlier(at, start_due(m, &m->own[i]));
    }
    return at;
}

static void pump(struct join_media *m)
{
    if (m->pumping || m->line == NULL)
        return; /* from within: the one outside goes on */
    m->pumping = true;
    drain(m);
    if (m->failed == 0)
        feed(m);
    drain(m);
    m->pumping = false;
    net_timer_set(m->timer, deadline(m));
}

static void on_timer(void *ctx)
{
    struct join_media *m = ctx;
    if (m->line != NULL && m->failed == 0)
        fail(m, line_tick(m->line, join_media_now(m)));
    if (join_record_flush(m->record, join_media_now(m)) != 0)
        net_timer_set(m->timer, UINT64_MAX); /* told when it happened */
    pump(m);
}

static void take_datagram(void *ctx, uint8_t *p, size_t n, const struct net_udp_address *from)
{
    struct join_media *m = ctx;
    struct rtc_address address = udp_address_of_net(from);
    if (m->line == NULL || m->failed != 0)
        return;
    fail(m, line_input(m->line, p, n, &address, join_media_now(m)));
    drain(m);
}

static void on_readable(void *ctx)
{
    struct join_media *m = ctx;
    const struct net_udp_sink sink = {m, take_datagram};
    m->pumping = true;
    (void)net_udp_receive(m->udp, &sink);
    m->pumping = false;
    pump(m);
}

/* ---- The meeting ---- */

static void follow_phase(struct join_media *m)
{
    if (m->line == NULL || m->failed != 0)
        return;
    if (participant_phase(brain(m)) != PARTICIPANT_IN_MEETING) {
        line_down(m->line);
        return;
    }
    look_at_roster(m);
    publish_all(m);
    line_up(m->line);
}

void join_media_event(struct join_media *m, const struct participant_effect *e)
{
    if (m->failed != 0)
        return;
    switch (e->event) {
    case PARTICIPANT_GONE:
        if (e->leaf != MLS_NO_LEAF) {
            note_removed(m, e->leaf);
            join_record_gone(m->record, e->leaf);
        }
        break;
    case PARTICIPANT_ROSTER:
        if (m->line != NULL)
            look_at_roster(m);
        break;
    case PARTICIPANT_MUTE: /* the person undoes it, nobody else */
        if (join_media_has(m, SIGNAL_AUDIO))
            fail(m, join_media_stop(m, SIGNAL_AUDIO, true));
        break;
    case PARTICIPANT_CODE:
    case PARTICIPANT_PHASE:
        follow_epoch(m);
        follow_phase(m);
        break;
    default:
        break;
    }
    pump(m);
}

void join_media_hear(struct join_media *m, struct bytes body)
{
    if (m->line == NULL || m->failed != 0)
        return;
    int rv = line_hear(m->line, body, join_media_now(m));
    if (conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM) /* else the server's fault: nothing */
        fail(m, rv);
    pump(m);
}

/* ---- Life ---- */

static int open_port(struct join_media *m)
{
    static const enum net_udp_family families[] = {NET_UDP_IPV4, NET_UDP_IPV6};
    int rv = net_udp_open(&(struct net_udp_config){.port = 0}, &m->udp);
    for (size_t i = 0; rv == 0 && i < 2; i++)
        if (net_udp_has(m->udp, families[i]))
            rv = net_watch_new(m->config.loop, net_udp_descriptor(m->udp, families[i]), on_readable,
                               m, &m->watch[i]);
    return rv;
}

int join_media_new(const struct join_media_config *config, struct join_media **out)
{
    struct join_media *m = calloc(1, sizeof *m);
    if (m == NULL)
        return CONCLAVE_ENOMEM;
    m->config = *config;
    m->config.watch = config->watch || config->record != NULL;
    m->speaker = MLS_NO_LEAF;
    snprintf(m->name, sizeof m->name, "%s", config->name != NULL ? config->name : "");
    int rv = join_record_new(config->record, &m->record);
    if (rv == 0)
        rv = crypto_new(CRYPTO_P256_AES128GCM_SHA256_P256, &m->crypto);
    if (rv == 0)
        rv = aead_engine_new(AEAD_BEST, &m->engine);
    if (rv == 0)
        rv = open_port(m);
    if (rv == 0)
        rv = net_timer_new(config->loop, on_timer, m, &m->timer);
    if (rv == 0) {
        *out = m;
        return 0;
    }
    int kept = errno;
    join_media_free(m);
    errno = kept;
    return rv;
}

void join_media_free(struct join_media *m)
{
    if (m == NULL)
        return;
    for (unsigned i = SIGNAL_AUDIO; i <= SIGNAL_SCREEN; i++)
        join_source_free(m->own[i].source);
    net_timer_free(m->timer);
    net_watch_free(m->watch[0]);
    net_watch_free(m->watch[1]);
    line_free(m->line);
    join_record_free(m->record);
    net_udp_free(m->udp);
    aead_engine_free(m->engine);
    crypto_free(m->crypto);
    buf_free(&m->present);
    buf_free(&m->removed);
    free(m);
}

struct line *join_media_line(struct join_media *m)
{
    return m->line;
}

const struct join_record *join_media_record(const struct join_media *m)
{
    return m->record;
}
