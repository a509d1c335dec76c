#include "cmd/conclaved_media_desk.h"

#include <stdlib.h>
#include <string.h>

#include <conclave/crypto.h>

#include "room/table.h"

struct transport {
    struct table_link by_peer; /* first */
    struct member *member;
    bool open;
    uint8_t fingerprint[SFU_FINGERPRINT];
    struct sfu_peer_answer answer;
};

struct track {
    bool published;
    uint8_t transport;
    enum sfu_kind kind;
};

struct member {
    struct table_link by_conn; /* first */
    struct member *next, **link;
    struct meeting *meeting;
    uint32_t leaf;
    struct transport transports[SIGNAL_TRANSPORTS_MAX];
    struct track tracks[SIGNAL_TRACKS_MAX];
};

struct meeting {
    struct table_link by_number; /* first */
    struct member *members;
};

struct media_desk {
    struct media_desk_config config;
    struct buf candidates;
    struct table members, meetings, peers; /* by connection, by number, by peer */
    uint32_t next_peer;
    struct buf conns;         /* of those a message goes to */
    struct buf flows;         /* that one member is to be told together, */
    struct member *flows_for; /* and which, or NULL */
    struct media_desk_counters counters;
};

static struct table_link *find(const struct table *t, uint64_t key)
{
    return t->heads == NULL ? NULL : room_table_find(t, key);
}

static struct member *member_of(const struct media_desk *d, uint64_t conn)
{
    return (struct member *)find(&d->members, conn); /* the link is its first member */
}

static struct meeting *meeting_of(const struct media_desk *d, uint32_t number)
{
    return (struct meeting *)find(&d->meetings, number);
}

static struct transport *transport_of(const struct media_desk *d, uint32_t peer)
{
    return (struct transport *)find(&d->peers, peer);
}

static uint8_t index_of(const struct transport *t)
{
    return (uint8_t)(t - t->member->transports);
}

static uint32_t peer_of(const struct transport *t)
{
    return (uint32_t)t->by_peer.key;
}

/* ---- Saying ---- */

static void say_to(struct media_desk *d, const uint64_t *conns, size_t n,
                   const struct signal_media *m, int failed)
{
    struct buf body = {0};
    int rv = failed != 0 ? failed : signal_media_write(m, &body);
    if (rv == 0) {
        d->config.say(d->config.ctx, conns, n, buf_view(&body));
        d->counters.said += n;
    } else {
        d->counters.unsaid += n;
    }
    buf_free(&body);
}

static void say(struct media_desk *d, uint64_t conn, const struct signal_media *m)
{
    say_to(d, &conn, 1, m, 0);
}

static void say_state(struct media_desk *d, uint64_t conn, uint8_t transport,
                      enum signal_state state)
{
    say(d, conn,
        &(struct signal_media){
            .kind = SIGNAL_MEDIA_STATE, .transport = transport, .state = (uint8_t)state});
}

static void put_slots(struct buf *b, const struct sfu_slot *slots, size_t n)
{
    for (size_t i = 0; i < n; i++)
        signal_put_slot(b, &(struct signal_slot){slots[i].ssrc, slots[i].rtx_ssrc});
}

static void say_answer(struct media_desk *d, const struct transport *t)
{
    const struct sfu_peer_answer *a = &t->answer;
    struct buf audio = {0}, video = {0};
    put_slots(&audio, a->audio, a->n_audio);
    put_slots(&video, a->video, a->n_video);
    int rv = buf_check(&audio) != 0 ? CONCLAVE_ENOMEM : buf_check(&video);
    const struct signal_media m = {.kind = SIGNAL_MEDIA_ANSWER,
                                   .transport = index_of(t),
                                   .ufrag = bytes_str(a->ufrag),
                                   .pwd = bytes_str(a->pwd),
                                   .fingerprint = bytes_of(a->fingerprint, sizeof a->fingerprint),
                                   .list = buf_view(&d->candidates),
                                   .audio_slots = buf_view(&audio),
                                   .video_slots = buf_view(&video)};
    say_to(d, &t->member->by_conn.key, 1, &m, rv);
    buf_free(&audio);
    buf_free(&video);
}

static bool has_speakers(const struct media_desk *d, const struct meeting *g)
{
    uint32_t leaf;
    return sfu_meeting_speakers(d->config.sfu, (uint32_t)g->by_number.key, &leaf, 1) != 0;
}

static void say_speakers(struct media_desk *d, const struct meeting *g, const uint64_t *conns,
                         size_t n_conns)
{
    uint32_t leaves[SIGNAL_SPEAKERS_MAX];
    struct buf list = {0};
    size_t n = sfu_meeting_speakers(d->config.sfu, (uint32_t)g->by_number.key, leaves,
                                    SIGNAL_SPEAKERS_MAX);
    for (size_t i = 0; i < n; i++)
        signal_put_leaf(&list, leaves[i]);
    int rv = buf_check(&list);
    say_to(d, conns, n_conns,
           &(struct signal_media){.kind = SIGNAL_MEDIA_SPEAKERS, .list = buf_view(&list)}, rv);
    buf_free(&list);
}

/* ---- Life ---- */

int media_desk_new(const struct media_desk_config *config, struct media_desk **out)
{
    struct mix_seed seeds[3];
    struct media_desk *d = calloc(1, sizeof *d);
    if (d == NULL)
        return CONCLAVE_ENOMEM;
    d->config = *config;
    buf_put(&d->candidates, config->candidates);
    int rv = buf_check(&d->candidates);
    if (rv == 0)
        rv = crypto_random(config->crypto, (uint8_t *)seeds, sizeof seeds);
    if (rv == 0)
        rv = room_table_init(&d->members, seeds[0]);
    if (rv == 0)
        rv = room_table_init(&d->meetings, seeds[1]);
    if (rv == 0)
        rv = room_table_init(&d->peers, seeds[2]);
    if (rv != 0) {
        media_desk_free(d);
        return rv;
    }
    *out = d;
    return 0;
}

static void transport_close(struct media_desk *d, struct transport *t)
{
    if (!t->open)
        return;
    sfu_peer_close(d->config.sfu, peer_of(t));
    room_table_take(&d->peers, &t->by_peer);
    t->open = false;
    for (size_t i = 0; i < SIGNAL_TRACKS_MAX; i++)
        if (t->member->tracks[i].transport == index_of(t))
            t->member->tracks[i].published = false;
}

static void transports_close(struct media_desk *d, struct member *m)
{
    for (size_t i = 0; i < SIGNAL_TRANSPORTS_MAX; i++)
        transport_close(d, &m->transports[i]);
}

static void member_free(struct media_desk *d, struct member *m)
{
    transports_close(d, m);
    room_table_take(&d->members, &m->by_conn);
    *m->link = m->next;
    if (m->next != NULL)
        m->next->link = m->link;
    free(m);
}

static void meeting_free(struct media_desk *d, struct meeting *g)
{
    for (struct member *m = g->members, *next; m != NULL; m = next) {
        next = m->next;
        member_free(d, m);
    }
    sfu_meeting_close(d->config.sfu, (uint32_t)g->by_number.key);
    room_table_take(&d->meetings, &g->by_number);
    free(g);
}

void media_desk_free(struct media_desk *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->meetings.cap; i++)
        while (d->meetings.heads[i] != NULL)
            meeting_free(d, (struct meeting *)d->meetings.heads[i]);
    room_table_fini(&d->members);
    room_table_fini(&d->meetings);
    room_table_fini(&d->peers);
    buf_free(&d->candidates);
    buf_free(&d->conns);
    buf_free(&d->flows);
    free(d);
}

/* ---- Meetings ---- */

int media_desk_open(struct media_desk *d, uint32_t meeting)
{
    const struct sfu_meeting_config config = {.epoch_bits = SIGNAL_EPOCH_BITS};
    struct meeting *g = calloc(1, sizeof *g);
    if (g == NULL)
        return CONCLAVE_ENOMEM;
    int rv = sfu_meeting_open(d->config.sfu, meeting, &config);
    if (rv != 0) {
        free(g);
        return rv;
    }
    room_table_put(&d->meetings, &g->by_number, meeting);
    return 0;
}

void media_desk_close(struct media_desk *d, uint32_t meeting)
{
    struct meeting *g = meeting_of(d, meeting);
    if (g != NULL)
        meeting_free(d, g);
}

void media_desk_epoch(struct media_desk *d, uint32_t meeting, uint64_t epoch, uint32_t leaves)
{
    if (meeting_of(d, meeting) != NULL &&
        sfu_meeting_epoch(d->config.sfu, meeting, epoch, leaves) != 0)
        d->counters.refused++; /* it goes on by the epoch before */
}

/* ---- Transports ---- */

/* The member by its connection, new or as it was; what it had on another leaf is gone. NULL: no
 * memory. */
static struct member *member_get(struct media_desk *d, struct meeting *g, uint64_t conn,
                                 uint32_t leaf)
{
    struct member *m = member_of(d, conn);
    if (m != NULL && m->leaf != leaf)
        transports_close(d, m);
    if (m == NULL) {
        m = calloc(1, sizeof *m);
        if (m == NULL)
            return NULL;
        for (size_t i = 0; i < SIGNAL_TRANSPORTS_MAX; i++)
            m->transports[i].member = m;
        m->meeting = g;
        m->next = g->members;
        m->link = &g->members;
        if (m->next != NULL)
            m->next->link = &m->next;
        g->members = m;
        room_table_put(&d->members, &m->by_conn, conn);
    }
    m->leaf = leaf;
    return m;
}

/* An id that is there twice is refused; one whose meaning is unknown stands for nothing. */
static int read_extensions(struct bytes list, struct rtp_ext_map *map)
{
    struct signal_extension e;
    int rv = 0;
    while (rv == 0 && signal_next_extension(&list, &e)) {
        const char *uri = rtp_ext_uri((enum rtp_ext_id)e.which);
        if (uri != NULL)
            rv = rtp_ext_map_add(map, e.id, bytes_str(uri));
    }
    return rv;
}

static uint32_t free_peer(struct media_desk *d)
{
    while (transport_of(d, d->next_peer) != NULL)
        d->next_peer++;
    return d->next_peer++;
}

static int transport_open(struct media_desk *d, struct transport *t, const struct signal_media *m,
                          uint64_t now_us)
{
    struct rtp_ext_map extensions = {0};
    const struct sfu_peer_config config = {
        .meeting = (uint32_t)t->member->meeting->by_number.key,
        .leaf = t->member->leaf,
        .fingerprint = m->fingerprint,
        .ufrag = m->ufrag,
        .pwd = m->pwd,
        .extensions = m->list.n == 0 ? NULL : &extensions,
        .sends = (m->roles & SIGNAL_SENDS) != 0,
        .receives = (m->roles & SIGNAL_RECEIVES) != 0,
        .audio_payload_type = m->audio,
        .video_payload_type = m->video,
        .rtx_payload_type = m->rtx,
    };
    uint32_t peer = free_peer(d);
    int rv = read_extensions(m->list, &extensions);
    if (rv == 0)
        rv = sfu_peer_open(d->config.sfu, peer, &config, now_us, &t->answer);
    if (rv != 0)
        return rv;
    memcpy(t->fingerprint, m->fingerprint.p, sizeof t->fingerprint);
    room_table_put(&d->peers, &t->by_peer, peer);
    t->open = true;
    return 0;
}

/* docs/PROTOCOL.md section 9: the same key is the same transport, which looks for a new way;
 * another key is another transport. */
static int hear_open(struct media_desk *d, struct member *who, const struct signal_media *m,
                     uint64_t now_us)
{
    struct transport *t = &who->transports[m->transport];
    bool same =
        t->open && bytes_equal(m->fingerprint, bytes_of(t->fingerprint, sizeof t->fingerprint));
    int rv;
    if (same) {
        rv = sfu_peer_restart(d->config.sfu, peer_of(t), m->ufrag, m->pwd, &t->answer);
    } else {
        transport_close(d, t);
        rv = transport_open(d, t, m, now_us);
    }
    if (rv == 0)
        say_answer(d, t);
    /* who speaks is told when it changes, and to whom it is news */
    if (rv == 0 && !same && (m->roles & SIGNAL_RECEIVES) != 0 && has_speakers(d, who->meeting))
        say_speakers(d, who->meeting, &who->by_conn.key, 1);
    return rv;
}

static int hear_login(struct media_desk *d, const struct member *who, const struct signal_media *m,
                      uint64_t now_us)
{
    const struct transport *t = &who->transports[m->transport];
    return t->open ? sfu_peer_login(d->config.sfu, peer_of(t), m->ufrag, m->pwd, now_us)
                   : CONCLAVE_ENOTFOUND;
}

/* ---- Tracks ---- */

static const enum sfu_kind kinds[] = {
    [SIGNAL_AUDIO] = SFU_AUDIO, [SIGNAL_CAMERA] = SFU_CAMERA, [SIGNAL_SCREEN] = SFU_SCREEN};
static const uint8_t sources[] = {
    [SFU_AUDIO] = SIGNAL_AUDIO, [SFU_CAMERA] = SIGNAL_CAMERA, [SFU_SCREEN] = SIGNAL_SCREEN};
static const enum sfu_format formats[] = {
    [SIGNAL_OPUS] = SFU_OPUS, [SIGNAL_VP8] = SFU_VP8, [SIGNAL_SFRAME] = SFU_SFRAME};

_Static_assert(SIGNAL_LAYERS_MAX <= SFU_LAYERS, "every track that can be said can be published");
_Static_assert(SFU_AUDIO_SLOTS <= SIGNAL_SLOTS_MAX && SFU_VIDEO_SLOTS <= SIGNAL_SLOTS_MAX,
               "every slot can be said");

static void track_end(struct media_desk *d, struct member *who, struct track *track)
{
    if (track->published)
        sfu_unpublish(d->config.sfu, peer_of(&who->transports[track->transport]), track->kind);
    track->published = false;
}

static int hear_publish(struct media_desk *d, struct member *who, const struct signal_media *m,
                        uint64_t now_us)
{
    struct transport *t = &who->transports[m->transport];
    struct track *track = &who->tracks[m->track];
    struct sfu_track to = {.kind = kinds[m->source],
                           .format = formats[m->format],
                           .payload_type = m->payload_type,
                           .rtx_payload_type = m->rtx,
                           .mid = m->mid};
    struct bytes rest = m->list;
    struct signal_layer layer;
    while (signal_next_layer(&rest, &layer))
        to.layers[to.n_layers++] =
            (struct sfu_layer){layer.ssrc, layer.rtx, layer.rid, layer.height};
    if (!t->open)
        return CONCLAVE_ENOTFOUND;
    int rv = sfu_publish(d->config.sfu, peer_of(t), &to, now_us);
    if (rv != 0)
        return rv;
    /* Of each kind there is one: it is this one now, and this is no other. */
    for (size_t i = 0; i < SIGNAL_TRACKS_MAX; i++)
        if (who->tracks[i].kind == to.kind)
            who->tracks[i].published = false;
    track_end(d, who, track);
    *track = (struct track){true, m->transport, to.kind};
    return 0;
}

static int hear_subscribe(struct media_desk *d, struct member *who, const struct signal_media *m,
                          uint64_t now_us)
{
    struct transport *t = &who->transports[m->transport];
    struct sfu_want wants[SIGNAL_WANTS_MAX];
    struct bytes rest = m->list;
    struct signal_want want;
    size_t n = 0;
    while (signal_next_want(&rest, &want))
        wants[n++] = (struct sfu_want){want.leaf, kinds[want.source], want.height};
    return t->open ? sfu_subscribe(d->config.sfu, peer_of(t), wants, n, now_us)
                   : CONCLAVE_ENOTFOUND;
}

/* ---- Hearing ---- */

static int obey(struct media_desk *d, struct member *who, const struct signal_media *m,
                uint64_t now_us)
{
    switch (m->kind) {
    case SIGNAL_MEDIA_OPEN:
        return hear_open(d, who, m, now_us);
    case SIGNAL_MEDIA_PUBLISH:
        return hear_publish(d, who, m, now_us);
    case SIGNAL_MEDIA_SUBSCRIBE:
        return hear_subscribe(d, who, m, now_us);
    case SIGNAL_MEDIA_UNPUBLISH:
        track_end(d, who, &who->tracks[m->track]);
        return 0;
    case SIGNAL_MEDIA_LOGIN:
        return hear_login(d, who, m, now_us);
    case SIGNAL_MEDIA_CLOSE:
        transport_close(d, &who->transports[m->transport]);
        return 0;
    default:
        return CONCLAVE_EINVAL;
    }
}

void media_desk_hear(struct media_desk *d, uint32_t meeting, uint64_t conn, uint32_t leaf,
                     struct bytes body, uint64_t now_us)
{
    struct meeting *g = meeting_of(d, meeting);
    struct signal_media m;
    d->counters.heard++;
    if (signal_media_read(body, &m) != 0) { /* the room has read it already */
        d->counters.refused++;
        return;
    }
    struct member *who = g == NULL ? NULL : member_get(d, g, conn, leaf);
    if (who == NULL || obey(d, who, &m, now_us) != 0) {
        d->counters.refused++;
        say_state(d, conn, m.transport, SIGNAL_REFUSED);
    }
}

void media_desk_gone(struct media_desk *d, uint64_t conn)
{
    struct member *m = member_of(d, conn);
    if (m != NULL)
        member_free(d, m);
}

/* ---- Telling ---- */

static void tell_flows(struct media_desk *d)
{
    if (d->flows_for != NULL)
        say_to(d, &d->flows_for->by_conn.key, 1,
               &(struct signal_media){.kind = SIGNAL_MEDIA_FLOWS, .list = buf_view(&d->flows)},
               buf_check(&d->flows));
    d->flows_for = NULL;
    buf_clear(&d->flows);
}

static uint32_t rtx_of(const struct sfu_peer_answer *a, uint32_t ssrc)
{
    for (size_t i = 0; i < a->n_audio; i++)
        if (a->audio[i].ssrc == ssrc)
            return a->audio[i].rtx_ssrc;
    for (size_t i = 0; i < a->n_video; i++)
        if (a->video[i].ssrc == ssrc)
            return a->video[i].rtx_ssrc;
    return 0;
}

/* Those of one member are put together: a new list of wishes changes many at once. */
static void note_flow(struct media_desk *d, const struct transport *t, const struct sfu_event *e)
{
    static const uint8_t states[] = {[SFU_STREAM_NONE] = SIGNAL_FLOW_WAITING,
                                     [SFU_STREAM_WAITING] = SIGNAL_FLOW_WAITING,
                                     [SFU_STREAM_FLOWING] = SIGNAL_FLOW_RUNNING,
                                     [SFU_STREAM_NARROW] = SIGNAL_FLOW_NARROW};
    if (d->flows_for != t->member)
        tell_flows(d);
    d->flows_for = t->member;
    signal_put_flow(&d->flows, &(struct signal_flow){.leaf = e->leaf,
                                                     .source = sources[e->kind],
                                                     .gone = e->state == SFU_STREAM_NONE,
                                                     .state = states[e->state],
                                                     .ssrc = e->ssrc,
                                                     .rtx = rtx_of(&t->answer, e->ssrc)});
    if (d->flows.n >= SIGNAL_MEDIA_MAX)
        tell_flows(d);
}

static void tell_speakers(struct media_desk *d, const struct meeting *g)
{
    buf_clear(&d->conns);
    for (const struct member *m = g->members; m != NULL; m = m->next)
        buf_put(&d->conns, bytes_of(&m->by_conn.key, sizeof m->by_conn.key));
    if (buf_check(&d->conns) != 0)
        d->counters.unsaid++;
    else /* the allocator's alignment is a number's, too */
        say_speakers(d, g, (const uint64_t *)(const void *)d->conns.p,
                     d->conns.n / sizeof(uint64_t));
}

static void tell_demand(struct media_desk *d, const struct transport *t, const struct sfu_event *e)
{
    for (uint8_t i = 0; i < SIGNAL_TRACKS_MAX; i++) {
        const struct track *track = &t->member->tracks[i];
        if (track->published && track->transport == index_of(t) && track->kind == e->kind)
            say(d, t->member->by_conn.key,
                &(struct signal_media){
                    .kind = SIGNAL_MEDIA_DEMAND, .track = i, .layers = e->layers});
    }
}

static void tell_of_peer(struct media_desk *d, const struct transport *t, const struct sfu_event *e)
{
    switch (e->what) {
    case SFU_EVENT_CONNECTED:
        say_state(d, t->member->by_conn.key, index_of(t), SIGNAL_CONNECTED);
        break;
    case SFU_EVENT_LOST:
        say_state(d, t->member->by_conn.key, index_of(t), SIGNAL_LOST);
        break;
    case SFU_EVENT_STREAM:
        note_flow(d, t, e);
        break;
    case SFU_EVENT_DEMAND:
        tell_demand(d, t, e);
        break;
    case SFU_EVENT_SPEAKER:
    default:
        break;
    }
}

void media_desk_tell(struct media_desk *d)
{
    struct sfu_event e;
    while (sfu_next(d->config.sfu, &e)) {
        const struct transport *t = e.what == SFU_EVENT_SPEAKER ? NULL : transport_of(d, e.peer);
        const struct meeting *g = e.what == SFU_EVENT_SPEAKER ? meeting_of(d, e.meeting) : NULL;
        if (t != NULL)
            tell_of_peer(d, t, &e);
        else if (g != NULL)
            tell_speakers(d, g);
    }
    tell_flows(d);
}

void media_desk_counters(const struct media_desk *d, struct media_desk_counters *out)
{
    *out = d->counters;
}
