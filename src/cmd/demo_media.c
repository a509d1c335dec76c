#include "cmd/demo_media.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/join_source.h"

#define FILE_SECONDS 3u
#define FILE_PICTURES 90u
#define FILE_SOUNDS 150u
#define FILE_FRAMES (5 * (FILE_PICTURES + FILE_SOUNDS)) /* for all five */
#define ADA_NUMBER 1 /* of synthetic senders: what their pictures and tones say */
#define BEN_NUMBER 2

/* Pieces of this size are looked for: more than the ten bytes of a picture that are in clear. */
#define PIECE 16
#define STRIDE 61

#define FRAMES 15 /* that have to come for something to be seen to work */

/* ---- Connected ---- */

static bool connected(struct demo *d)
{
    for (enum role who = ADA; who <= GWEN; who++) {
        struct line_stats stats = {0};
        if (join_media_line(d->cast[who].media) != NULL)
            line_stats(join_media_line(d->cast[who].media), &stats);
        if (!stats.connected)
            return false;
    }
    return true;
}

const char *demo_media_connect(struct demo *d)
{
    if (!demo_until(d, connected))
        return "not everybody is connected with the media switch";
    TELL(d, "All six are connected with the media switch: DTLS 1.2, SRTP with AES-256-GCM.");
    return NULL;
}

/* ---- Files ---- */

static int write_file(struct demo *d, struct join_record *to, uint8_t source)
{
    const struct join_source_config config = {.source = source, .sender = ADA_NUMBER};
    struct join_source_fault fault;
    struct join_source *from = NULL;
    struct join_moment m;
    int rv = join_source_new(&config, &from, &fault);
    while (rv == 0 && join_source_due(from) < FILE_SECONDS * UINT64_C(1000000)) {
        rv = join_source_take(from, &m, &fault);
        const struct call_event frame = {.what = CALL_FRAME,
                                         .source = source,
                                         .key = m.layers[0].key,
                                         .follows = true,
                                         .ssrc = 1,
                                         .timestamp = m.layers[0].pts,
                                         .frame = m.layers[0].data};
        if (rv == 0)
            rv = join_record_frame(to, &frame, d->cast[ADA].name, d->began_us + m.at_us);
    }
    join_source_free(from);
    return rv;
}

static int write_files(struct demo *d, const char *folder)
{
    struct join_record *to = NULL;
    int rv = join_record_new(folder, &to);
    if (rv == 0)
        rv = write_file(d, to, SIGNAL_CAMERA);
    if (rv == 0)
        rv = write_file(d, to, SIGNAL_AUDIO);
    if (rv == 0)
        rv = join_record_finish(to);
    join_record_free(to);
    return rv;
}

static const char *file_of(uint8_t source)
{
    return source == SIGNAL_AUDIO ? "001-Ada-sound.opus" : "001-Ada-camera.ivf";
}

static int give(struct demo *d, enum role who, uint8_t source, const char *path, uint8_t number)
{
    const struct join_source_config config = {.source = source, .path = path, .sender = number};
    struct join_source_fault fault;
    return join_media_add(d->cast[who].media, &config, &fault);
}

static int give_file(struct demo *d, const char *folder, uint8_t source)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", folder, file_of(source));
    return give(d, ADA, source, path, 0);
}

static uint32_t leaf_of(struct demo *d, enum role who)
{
    struct participant_person person;
    return demo_actor_sees(&d->cast[ADA], d->cast[who].name, &person) == 0 ? person.leaf
                                                                           : MLS_NO_LEAF;
}

static bool all_hear(struct demo *d, enum role speaker)
{
    for (enum role who = ADA; who <= GWEN; who++)
        if (who != speaker && d->cast[who].speaker != leaf_of(d, speaker))
            return false;
    return true;
}

static bool all_hear_ada(struct demo *d)
{
    return all_hear(d, ADA);
}

/* Of all five. */
static unsigned frames_got(struct demo *d)
{
    uint64_t n = 0;
    for (enum role who = BEN; who <= GWEN; who++)
        n += demo_actor_got(&d->cast[who], &d->cast[ADA], SIGNAL_CAMERA).frames +
             demo_actor_got(&d->cast[who], &d->cast[ADA], SIGNAL_AUDIO).frames;
    return (unsigned)n;
}

/* A second after its last frame a file is over, come what has come. */
static bool file_is_through(struct demo *d)
{
    return frames_got(d) == FILE_FRAMES || (!join_media_has(d->cast[ADA].media, SIGNAL_CAMERA) &&
                                            !join_media_has(d->cast[ADA].media, SIGNAL_AUDIO));
}

const char *demo_media_play(struct demo *d)
{
    char folder[128];
    snprintf(folder, sizeof folder, "%s/files", d->folder);
    if (write_files(d, folder) != 0 || give_file(d, folder, SIGNAL_CAMERA) != 0 ||
        give_file(d, folder, SIGNAL_AUDIO) != 0)
        return "Ada's files cannot be made";
    TELL(d, "Ada plays %u seconds of video and sound from files (VP8, Opus), end-to-end encrypted.",
         FILE_SECONDS);
    if (!demo_until(d, all_hear_ada))
        return "not everybody is told that Ada speaks";
    if (!demo_until(d, file_is_through) || frames_got(d) < FILE_FRAMES / 2)
        return "Ada's video and sound did not come through";
    TELL(d,
         "The other five got %u frames of %u: %u pictures and %u packets of sound each, less what "
         "was lost.",
         frames_got(d), FILE_FRAMES, FILE_PICTURES, FILE_SOUNDS);
    return NULL;
}

/* ---- Speaking ---- */

static bool all_hear_ben(struct demo *d)
{
    return all_hear(d, BEN);
}

const char *demo_media_speak(struct demo *d)
{
    if (give(d, BEN, SIGNAL_CAMERA, NULL, BEN_NUMBER) != 0 ||
        give(d, BEN, SIGNAL_AUDIO, NULL, BEN_NUMBER) != 0)
        return "Ben's camera cannot be made";
    if (!demo_until(d, all_hear_ben))
        return "not everybody is told that Ben speaks";
    TELL(d, "Ben turns on camera and microphone. The switch cannot hear him, but knows by the "
            "level in each\n         packet that he is the speaker now, and tells all.");
    return NULL;
}

/* ---- What the switch sees ---- */

static void see(void *ctx, struct bytes packet)
{
    struct demo *d = ctx;
    buf_put(&d->seen, packet);
}

static bool seen_enough(struct demo *d)
{
    return d->cast[BEN].n_sent >= 3 * FRAMES && d->cast[CHLOE].n_got >= 2 * FRAMES;
}

/* How many pieces of what was sent are in there. */
static unsigned pieces_in(const struct buf *sent, const struct buf *where, unsigned *out_of)
{
    unsigned found = 0, n = 0;
    for (size_t i = 0; i + PIECE <= sent->n; i += STRIDE, n++)
        found += memmem(where->p, where->n, sent->p + i, PIECE) != NULL;
    *out_of = n;
    return found;
}

const char *demo_media_look(struct demo *d)
{
    struct demo_actor *ben = &d->cast[BEN], *chloe = &d->cast[CHLOE];
    unsigned n = 0;
    ben->n_sent = chloe->n_got = 0;
    ben->collects_sent = chloe->collects_got = true;
    chloe->collects_of = leaf_of(d, BEN);
    line_tap(join_media_line(chloe->media), see, d);
    bool enough = demo_until(d, seen_enough);
    line_tap(join_media_line(chloe->media), NULL, NULL);
    ben->collects_sent = chloe->collects_got = false;
    if (!enough || buf_check(&d->seen) != 0 || buf_check(&ben->sent) != 0)
        return "Ben's pictures do not come to Chloe";
    unsigned opened = pieces_in(&ben->sent, &chloe->got, &n);
    unsigned seen = pieces_in(&ben->sent, &d->seen, &n);
    if (opened * 2 < n)
        return "Chloe's client has not what Ben's has sent";
    if (seen != 0)
        return "the switch saw something of Ben's pictures in clear";
    TELL(d,
         "A look at what the switch has in its hands, SRTP taken off: %zu bytes. Of %u pieces of "
         "Ben's\n         pictures and sound Chloe's client has %u, the switch has %u: all it "
         "sees is SFrame ciphertext.",
         d->seen.n, n, opened, seen);
    return NULL;
}

/* ---- Keys of who is gone ---- */

static void try_keys(void *ctx, struct bytes packet)
{
    struct demo *d = ctx;
    struct call_event e = {.what = CALL_NOTHING};
    uint64_t now = net_loop_now(d->loop);
    int rv = call_input(d->gwen.call, packet, now);
    do {
        if (rv == 0)
            rv = call_next(d->gwen.call, now, &e);
        d->gwen.opened += rv == 0 && e.what == CALL_FRAME;
    } while (rv == 0 && e.what != CALL_NOTHING);
}

/* Exactly what her own client has: the key of the epoch she is in. */
static int take_keys(struct demo *d)
{
    const struct call_config config = {
        .epoch_bits = SIGNAL_EPOCH_BITS, .opus = LINE_OPUS, .vp8 = LINE_VP8, .rtx = LINE_RTX};
    struct participant_frame_key k;
    int rv = participant_frame_key(demo_brain(d, GWEN), &k);
    if (rv != 0)
        return rv;
    const struct call_epoch e = {.id = k.epoch,
                                 .base_key = bytes_of(k.key, sizeof k.key),
                                 .group_size = k.group_size,
                                 .own_leaf = k.own_leaf};
    rv = call_new(&config, &d->gwen.call);
    if (rv == 0)
        rv = call_epoch(d->gwen.call, &e, net_loop_now(d->loop));
    explicit_bzero(&k, sizeof k);
    return rv;
}

static bool keys_work(struct demo *d)
{
    return d->gwen.opened >= FRAMES;
}

const char *demo_media_keep_keys(struct demo *d)
{
    if (take_keys(d) != 0)
        return "Gwen's keys cannot be had";
    line_tap(join_media_line(d->cast[CHLOE].media), try_keys, d);
    return demo_until(d, keys_work) ? NULL : "Gwen's keys do not open what she may see";
}

static bool ben_goes_on(struct demo *d)
{
    return d->cast[CHLOE].n_got >= 2 * FRAMES;
}

static uint64_t unknown_keys(const struct demo *d)
{
    struct call_stats stats;
    call_stats(d->gwen.call, &stats);
    return stats.refused[CALL_REFUSED_KEY];
}

/* A frame is given up when its key has not come for half a second. */
static bool keys_were_tried(struct demo *d)
{
    return unknown_keys(d) >= d->gwen.refused + FRAMES;
}

/* What was sealed before all knew of the removal is over when frames of the new epoch come. */
const char *demo_media_try_keys(struct demo *d)
{
    struct demo_actor *chloe = &d->cast[CHLOE];
    struct participant_meeting meeting;
    if (participant_meeting(demo_brain(d, CHLOE), &meeting) != 0)
        return "Chloe is not in the meeting";
    chloe->collects_got = true;
    chloe->collects_from = meeting.epoch;
    buf_clear(&chloe->got);
    chloe->n_got = 0;
    if (!demo_until(d, ben_goes_on))
        return "Ben's pictures do not come to Chloe any more";
    uint64_t opened = d->gwen.opened;
    d->gwen.refused = unknown_keys(d);
    chloe->n_got = 0;
    bool tried = demo_until(d, keys_were_tried);
    line_tap(join_media_line(chloe->media), NULL, NULL);
    chloe->collects_got = false;
    if (!tried || chloe->n_got == 0)
        return "Gwen's keys were not tried";
    if (d->gwen.opened != opened)
        return "Gwen's keys still open what is sent";
    TELL(d,
         "Ben's pictures go on. Given the packets all the same, Gwen's keys, which opened %llu "
         "frames\n         before, open none of the %u that Chloe's open meanwhile.",
         (unsigned long long)opened, chloe->n_got);
    return NULL;
}

/* ---- After the crash, and at the end ---- */

const char *demo_media_again(struct demo *d)
{
    struct demo_actor *chloe = &d->cast[CHLOE];
    chloe->collects_got = true;
    chloe->n_got = 0;
    bool on = demo_until(d, ben_goes_on);
    chloe->collects_got = false;
    if (!on)
        return "video did not come back";
    TELL(d, "Ben's camera is back, too, under the same keys.");
    return NULL;
}

/* Goes on to the next frame with these bytes. */
static bool find_frame(struct join_source *s, struct bytes frame)
{
    struct join_source_fault fault;
    struct join_moment m;
    while (join_source_take(s, &m, &fault) == 0)
        if (bytes_equal(m.layers[0].data, frame))
            return true;
    return false;
}

/* Whether each frame of the copy is one of the file, byte for byte and in its order. */
static bool is_of(const char *copy, const char *file, uint8_t source, unsigned *out_n)
{
    const struct join_source_config from[2] = {{.source = source, .path = copy},
                                               {.source = source, .path = file}};
    struct join_source *s[2] = {NULL, NULL};
    struct join_source_fault fault;
    struct join_moment m;
    bool good = join_source_new(&from[0], &s[0], &fault) == 0 &&
                join_source_new(&from[1], &s[1], &fault) == 0;
    while (good && join_source_due(s[0]) != UINT64_MAX) {
        good = join_source_take(s[0], &m, &fault) == 0 && find_frame(s[1], m.layers[0].data);
        *out_n += good;
    }
    join_source_free(s[0]);
    join_source_free(s[1]);
    return good;
}

static bool was_recorded(struct demo *d, enum role who, uint8_t source, unsigned *out_n)
{
    char copy[192], file[192];
    snprintf(file, sizeof file, "%s/files/%s", d->folder, file_of(source));
    snprintf(copy, sizeof copy, "%s/%s/%s", d->folder, d->cast[who].name, file_of(source));
    return is_of(copy, file, source, out_n);
}

const char *demo_media_compare(struct demo *d)
{
    unsigned frames = 0;
    for (enum role who = BEN; who <= GWEN; who++) {
        join_media_free(d->cast[who].media); /* completes its files */
        d->cast[who].media = NULL;
        join_session_attach_media(d->cast[who].session, NULL);
        if (!was_recorded(d, who, SIGNAL_CAMERA, &frames) ||
            !was_recorded(d, who, SIGNAL_AUDIO, &frames))
            return "what was recorded is not what Ada sent";
    }
    TELL(d, "What the five recorded of Ada is what her files have, byte for byte: %u of %u frames.",
         frames, FILE_FRAMES);
    return NULL;
}

void demo_media_clear(struct demo *d)
{
    call_free(d->gwen.call);
    buf_free(&d->seen);
    if (d->folder[0] != 0)
        demo_folder_remove(d->folder);
}
