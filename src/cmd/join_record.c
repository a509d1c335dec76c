#include "cmd/join_record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <conclave/participant.h>

#include "media/ivf.h"
#include "media/ogg_opus.h"
#include "rtc/opus.h"

#define NAME_MAX_ASCII 40 /* of a person, in a file name */
#define FILE_MAX 96
#define TRIES 1000 /* names that are taken */

struct track {
    uint32_t leaf;
    uint8_t source;
    bool gone, begun;
    char name[PARTICIPANT_NAME_MAX + 1];
    struct report report; /* of all that opened, */
    uint32_t by;          /* the stream that the last frame came by */
    struct report shown;  /* and of what a decoder can make something of */
    char file[FILE_MAX];  /* "" before the first key frame, and without a folder */
    struct buf out;       /* not on disk yet */
    uint64_t flushed_us, unusable;
    struct ivf_writer ivf;
    struct ogg_opus_writer *ogg;
    /* Where the next frame belongs, by the last. */
    uint32_t ssrc;
    uint64_t timestamp, arrival_us, pts, end;
};

struct join_record {
    int folder; /* -1: there is none */
    int failed;
    struct track **tracks;
    size_t n;
    struct signal_flow flows[JOIN_RECORD_FLOWS]; /* a ring: what was said last of each stream */
    size_t n_flows;
};

const char *join_source_name(uint8_t source)
{
    static const char *const names[] = {
        [SIGNAL_AUDIO] = "sound", [SIGNAL_CAMERA] = "camera", [SIGNAL_SCREEN] = "screen"};
    return source < sizeof names / sizeof names[0] && names[source] != NULL ? names[source]
                                                                            : "unknown";
}

uint8_t join_source_bit(uint8_t source)
{
    return (uint8_t)(PARTICIPANT_SENDS_AUDIO << (source - SIGNAL_AUDIO));
}

int join_record_new(const char *folder, struct join_record **out)
{
    struct join_record *r = calloc(1, sizeof *r);
    if (r == NULL)
        return CONCLAVE_ENOMEM;
    r->folder = -1;
    if (folder != NULL) {
        if (mkdir(folder, 0700) == 0 || errno == EEXIST)
            r->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (r->folder < 0) {
            free(r);
            return CONCLAVE_ESTORE;
        }
    }
    *out = r;
    return 0;
}

/* Nothing more is written; its numbers stay. */
static void track_close(struct track *t)
{
    ogg_opus_writer_free(t->ogg);
    t->ogg = NULL;
    buf_free(&t->out);
}

static void track_free(struct track *t)
{
    track_close(t);
    free(t);
}

void join_record_free(struct join_record *r)
{
    if (r == NULL)
        return;
    (void)!join_record_finish(r);
    for (size_t i = 0; i < r->n; i++)
        track_free(r->tracks[i]);
    free(r->tracks);
    if (r->folder >= 0)
        (void)close(r->folder);
    free(r);
}

/* ---- Tracks ---- */

static struct track *find(const struct join_record *r, uint32_t leaf, uint8_t source)
{
    for (size_t i = 0; i < r->n; i++)
        if (!r->tracks[i]->gone && r->tracks[i]->leaf == leaf && r->tracks[i]->source == source)
            return r->tracks[i];
    return NULL;
}

static int track_get(struct join_record *r, uint32_t leaf, uint8_t source, struct track **out)
{
    struct track *t = find(r, leaf, source);
    if (t != NULL) {
        *out = t;
        return 0;
    }
    if (r->n == JOIN_RECORD_TRACKS)
        return CONCLAVE_ELIMIT;
    struct track **more = realloc(r->tracks, (r->n + 1) * sizeof(struct track *));
    if (more == NULL)
        return CONCLAVE_ENOMEM;
    r->tracks = more;
    t = calloc(1, sizeof *t);
    if (t == NULL)
        return CONCLAVE_ENOMEM;
    t->leaf = leaf;
    t->source = source;
    report_init(&t->report);
    report_init(&t->shown);
    r->tracks[r->n++] = t;
    *out = t;
    return 0;
}

static void pause_track(struct track *t)
{
    report_pause(&t->report);
    report_pause(&t->shown);
}

/* What is still under way by the streams there were does not begin anything. */
void join_record_pause(struct join_record *r)
{
    for (size_t i = 0; i < r->n_flows && i < JOIN_RECORD_FLOWS; i++)
        r->flows[i].gone = true;
    for (size_t i = 0; i < r->n; i++)
        pause_track(r->tracks[i]);
}

static struct signal_flow *find_flow(struct join_record *r, uint32_t ssrc)
{
    for (size_t i = 0; i < r->n_flows && i < JOIN_RECORD_FLOWS; i++)
        if (r->flows[i].ssrc == ssrc)
            return &r->flows[i];
    return NULL;
}

/* Whether a stream is said to be this sender's, and to run. */
static bool runs_for(const struct signal_flow *f, uint32_t leaf, uint8_t source)
{
    return !f->gone && f->state == SIGNAL_FLOW_RUNNING && f->leaf == leaf && f->source == source;
}

void join_record_flow(struct join_record *r, const struct signal_flow *flow)
{
    struct signal_flow *f = find_flow(r, flow->ssrc);
    if (f == NULL)
        f = &r->flows[r->n_flows++ % JOIN_RECORD_FLOWS];
    *f = *flow;
    for (size_t i = 0; i < r->n; i++) {
        struct track *t = r->tracks[i];
        if (t->by == f->ssrc && !runs_for(f, t->leaf, t->source))
            pause_track(t);
    }
}

/* ---- Files ---- */

/* Letters, digits and hyphens of what a stranger calls itself. */
static void plain_name(const char *name, char out[static NAME_MAX_ASCII + 1])
{
    size_t n = 0;
    for (; *name != 0 && n < NAME_MAX_ASCII; name++) {
        bool plain = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
                     (*name >= '0' && *name <= '9');
        if (plain)
            out[n++] = *name;
        else if (n != 0 && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n != 0 && out[n - 1] == '-')
        n--;
    out[n] = 0;
}

/* A name that is not taken: "003-Ada-camera.ivf", then "003-Ada-camera-2.ivf". */
static int begin_file(const struct join_record *r, struct track *t)
{
    char name[NAME_MAX_ASCII + 1];
    char file[FILE_MAX];
    plain_name(t->name, name);
    for (unsigned i = 1; i <= TRIES; i++) {
        char again[8] = "";
        if (i > 1)
            snprintf(again, sizeof again, "-%u", i);
        snprintf(file, sizeof file, "%03u-%s%s%s%s.%s", (unsigned)t->leaf + 1, name,
                 *name != 0 ? "-" : "", join_source_name(t->source), again,
                 t->source == SIGNAL_AUDIO ? "opus" : "ivf");
        int fd = openat(r->folder, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 && close(fd) == 0) {
            memcpy(t->file, file, sizeof file);
            return 0;
        }
        if (errno != EEXIST)
            return CONCLAVE_ESTORE;
    }
    return CONCLAVE_ESTORE;
}

static int write_at(const struct join_record *r, const char *file, int how, struct bytes data)
{
    int fd = openat(r->folder, file, O_WRONLY | O_CLOEXEC | how);
    bool good = fd >= 0;
    while (good && data.n != 0) {
        ssize_t n = write(fd, data.p, data.n);
        good = n > 0 || (n < 0 && errno == EINTR);
        if (n > 0)
            data = bytes_of(data.p + n, data.n - (size_t)n);
    }
    if (fd >= 0)
        good = close(fd) == 0 && good;
    return good ? 0 : CONCLAVE_ESTORE;
}

/* Files are many and may be few at a time: none stays open. */
static int flush(struct join_record *r, struct track *t, uint64_t now_us)
{
    if (t->out.n == 0 || r->failed != 0)
        return 0;
    int rv = buf_check(&t->out);
    if (rv == 0)
        rv = write_at(r, t->file, O_APPEND, buf_view(&t->out));
    if (rv != 0) {
        r->failed = rv;
        return rv;
    }
    buf_clear(&t->out);
    t->flushed_us = now_us;
    return 0;
}

static int flush_due(struct join_record *r, struct track *t, uint64_t now_us)
{
    bool due = t->out.n >= JOIN_RECORD_PIECE || now_us - t->flushed_us >= JOIN_RECORD_FLUSH_US;
    return due ? flush(r, t, now_us) : 0;
}

/* ---- Frames ---- */

static uint64_t clock_of(const struct track *t)
{
    return t->source == SIGNAL_AUDIO ? MEDIA_AUDIO_CLOCK : MEDIA_VIDEO_CLOCK;
}

/* The streams by which a member's frames come have times of their own: from one to another it is
 * the time of arrival that goes on. */
static uint64_t time_of(const struct track *t, const struct call_event *f, uint64_t now_us)
{
    uint64_t most = 60 * clock_of(t), gone = 0;
    if (!t->begun)
        return 0;
    if (f->ssrc == t->ssrc && f->timestamp >= t->timestamp && f->timestamp - t->timestamp <= most)
        gone = f->timestamp - t->timestamp;
    else
        gone = (now_us - t->arrival_us) * (clock_of(t) / 1000) / 1000;
    uint64_t pts = t->pts + gone;
    return pts > t->end ? pts : t->end;
}

static int begin(struct join_record *r, struct track *t, const char *name)
{
    snprintf(t->name, sizeof t->name, "%s", name);
    int rv = 0;
    if (t->source == SIGNAL_AUDIO) {
        const struct ogg_opus_config config = {.serial = t->leaf + 1, .channels = 2};
        rv = ogg_opus_writer_new(&config, &t->ogg);
    } else {
        ivf_writer_init(&t->ivf);
    }
    return rv == 0 ? begin_file(r, t) : rv;
}

static int put_frame(struct join_record *r, struct track *t, const struct call_event *f,
                     const char *name, uint64_t now_us)
{
    struct opus_info opus = {0};
    bool sound = t->source == SIGNAL_AUDIO;
    bool usable = sound ? opus_info_read(f->frame, &opus) == 0 : f->follows && (t->begun || f->key);
    if (!usable) {
        t->unusable++;
        return 0;
    }
    const struct media_frame frame = {.codec = sound ? MEDIA_OPUS : MEDIA_VP8,
                                      .pts = time_of(t, f, now_us),
                                      .duration = opus.duration,
                                      .key = f->key,
                                      .data = f->frame};
    int rv = t->begun ? 0 : begin(r, t, name);
    if (rv == 0)
        rv = sound ? ogg_opus_writer_frame(t->ogg, &frame, &t->out)
                   : ivf_writer_frame(&t->ivf, &frame, &t->out);
    if (rv == CONCLAVE_EINVAL) { /* nothing a file of this kind can hold */
        t->unusable++;
        return 0;
    }
    if (rv != 0)
        return rv;
    t->begun = true;
    t->ssrc = f->ssrc;
    t->timestamp = f->timestamp;
    t->arrival_us = now_us;
    t->pts = frame.pts;
    t->end = frame.pts + opus.duration;
    return flush_due(r, t, now_us);
}

/* What comes by a stream that has stopped was under way: nothing need follow. */
static void count_frame(struct join_record *r, struct track *t, const struct call_event *f,
                        uint64_t now_us)
{
    const struct signal_flow *flow = find_flow(r, f->ssrc);
    const struct report_frame frame = {.now_us = now_us,
                                       .epoch = f->epoch,
                                       .context = f->context,
                                       .counter = f->ctr,
                                       .bytes = f->frame.n,
                                       .key = f->key};
    report_take_frame(&t->report, &frame);
    if (f->follows)
        report_take_frame(&t->shown, &frame);
    t->by = f->ssrc;
    if (flow != NULL && !runs_for(flow, t->leaf, t->source))
        pause_track(t);
}

/* Whether frames go to files, as far as it is for the disk. */
static bool writes(const struct join_record *r)
{
    return r->folder >= 0 && r->failed == 0;
}

bool join_record_wants_name(const struct join_record *r, uint32_t leaf, uint8_t source)
{
    const struct track *t = find(r, leaf, source);
    return t == NULL || t->name[0] == 0 || (writes(r) && !t->begun);
}

int join_record_frame(struct join_record *r, const struct call_event *frame, const char *name,
                      uint64_t now_us)
{
    struct track *t = NULL;
    int rv = track_get(r, frame->leaf, frame->source, &t);
    if (rv != 0)
        return rv;
    count_frame(r, t, frame, now_us);
    if (t->name[0] == 0)
        snprintf(t->name, sizeof t->name, "%s", name);
    if (!writes(r))
        return 0;
    rv = put_frame(r, t, frame, name, now_us);
    if (rv != 0)
        r->failed = rv;
    return rv;
}

/* ---- The end ---- */

static int finish(struct join_record *r, struct track *t)
{
    struct buf header = {0};
    int rv = 0;
    if (!t->begun || r->failed != 0)
        return r->failed;
    if (t->ogg != NULL)
        rv = ogg_opus_writer_finish(t->ogg, &t->out);
    if (rv == 0)
        rv = flush(r, t, t->arrival_us);
    if (rv == 0 && t->ogg == NULL)
        rv = ivf_writer_finish(&t->ivf, &header);
    if (rv == 0 && t->ogg == NULL)
        rv = write_at(r, t->file, 0, buf_view(&header));
    buf_free(&header);
    t->begun = false;
    return rv;
}

void join_record_gone(struct join_record *r, uint32_t leaf)
{
    for (size_t i = 0; i < r->n; i++) {
        struct track *t = r->tracks[i];
        if (t->leaf != leaf || t->gone)
            continue;
        pause_track(t);
        t->gone = true;
        int rv = finish(r, t);
        track_close(t);
        if (rv != 0 && r->failed == 0)
            r->failed = rv;
    }
}

int join_record_flush(struct join_record *r, uint64_t now_us)
{
    int rv = r->failed;
    for (size_t i = 0; rv == 0 && i < r->n; i++)
        rv = flush_due(r, r->tracks[i], now_us);
    return rv;
}

int join_record_finish(struct join_record *r)
{
    int rv = r->failed;
    for (size_t i = 0; i < r->n; i++) {
        int one = r->tracks[i]->gone ? 0 : finish(r, r->tracks[i]);
        rv = rv == 0 ? one : rv;
    }
    return rv;
}

/* What freezes is what is shown: after a loss frames come that nothing can be made of. */
static struct report_numbers numbers_of(const struct track *t, uint64_t now_us)
{
    struct report_numbers n = report_numbers(&t->report, now_us);
    const struct report_numbers shown = report_numbers(&t->shown, now_us);
    n.freezes = shown.freezes;
    n.freezes_long = shown.freezes_long;
    n.freeze_us = shown.freeze_us;
    n.freeze_longest_us = shown.freeze_longest_us;
    return n;
}

bool join_record_next(const struct join_record *r, size_t *at, uint64_t now_us,
                      struct join_record_entry *out)
{
    if (*at >= r->n)
        return false;
    const struct track *t = r->tracks[(*at)++];
    *out = (struct join_record_entry){
        .leaf = t->leaf,
        .source = t->source,
        .gone = t->gone,
        .name = t->name,
        .file = t->file[0] != 0 ? t->file : NULL,
        .unusable = t->unusable,
        .numbers = numbers_of(t, now_us),
    };
    return true;
}
