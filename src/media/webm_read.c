#include <stdlib.h>

#include "media/ebml.h"
#include "media/format.h"
#include "media/le.h"
#include "media/limits.h"
#include "rtc/opus.h"
#include "rtc/vp8.h"

/* RFC 9559 5: the elements that are looked at. */
#define EBML 0x1a45dfa3u
#define EBML_DOC_TYPE 0x4282u
#define SEGMENT 0x18538067u
#define SEEK_HEAD 0x114d9b74u
#define INFO 0x1549a966u
#define TIMESTAMP_SCALE 0x2ad7b1u
#define TRACKS 0x1654ae6bu
#define TRACK_ENTRY 0xaeu
#define TRACK_NUMBER 0xd7u
#define CODEC_ID 0x86u
#define CODEC_PRIVATE 0x63a2u
#define CONTENT_ENCODINGS 0x6d80u
#define VIDEO 0xe0u
#define PIXEL_WIDTH 0xb0u
#define PIXEL_HEIGHT 0xbau
#define AUDIO 0xe1u
#define CHANNELS 0x9fu
#define CUES 0x1c53bb6bu
#define CHAPTERS 0x1043a770u
#define TAGS 0x1254c367u
#define ATTACHMENTS 0x1941a469u
#define CLUSTER 0x1f43b675u
#define TIMESTAMP 0xe7u
#define SIMPLE_BLOCK 0xa3u
#define BLOCK_GROUP 0xa0u
#define BLOCK 0xa1u

#define BLOCK_HEAD_MAX 11  /* track, time, flags */
#define BLOCK_LACING 0x06u /* RFC 9559 10 */

/* An audio time so far from where the packets before it end is meant to be there: times are in
 * milliseconds as a rule. */
#define SLACK (MEDIA_AUDIO_CLOCK / 50)

#define SECOND_NS UINT64_C(1000000000)
#define NS_MAX (MEDIA_PTS_MAX / MEDIA_VIDEO_CLOCK * SECOND_NS)

/* What is inside of what: the file, its segment, a cluster, a group of blocks. */
enum level { IN_FILE, IN_SEGMENT, IN_CLUSTER, IN_GROUP, LEVELS };

struct track {
    uint64_t number; /* 0: there is none */
    uint64_t next;   /* pts at which the frame before ends; video: at which it began */
};

struct webm {
    enum level level;
    uint64_t ends[LEVELS]; /* offset of the end of what we are in, or EBML_UNKNOWN */
    bool open_cluster;     /* the cluster does not say where it ends */
    uint64_t skip;         /* bytes of something that is not looked at */
    bool has_ebml, has_segment, has_info, has_tracks, has_time;
    uint64_t scale; /* nanoseconds of a tick */
    uint64_t time;  /* of the cluster, in ticks */
    struct track video, audio;
    struct media_frame frame; /* that was found in a block; data.n 0: none */
};

/* An element that is taken whole, or entered (take is NULL). */
struct element {
    enum level level;
    uint32_t id;
    size_t most; /* bytes of it */
    int (*take)(struct media_reader *r, struct bytes content);
};

static int webm_open(void **out_state)
{
    struct webm *w = calloc(1, sizeof *w);
    if (w == NULL)
        return CONCLAVE_ENOMEM;
    w->scale = 1000000; /* milliseconds, RFC 9559 5.1.2 */
    w->ends[IN_FILE] = EBML_UNKNOWN;
    *out_state = w;
    return 0;
}

/* The reader stands at the element that is wrong. */
static int refuse(struct media_reader *r, int error, const char *what, const char *cure)
{
    return media_refuse(r, error, r->input.offset, what, cure);
}

static int refuse_syntax(struct media_reader *r, const char *what)
{
    return refuse(r, CONCLAVE_ESYNTAX, what, MEDIA_MAKE_ANEW);
}

/* ---- Elements taken whole ---- */

static int take_ebml(struct media_reader *r, struct bytes content)
{
    struct webm *w = r->state;
    struct reader in = reader_of(content);
    struct bytes value;
    uint32_t id;
    bool known = false;
    while ((id = ebml_next(&in, &value)) != 0)
        known |= id == EBML_DOC_TYPE && (ebml_is(value, "webm") || ebml_is(value, "matroska"));
    if (!reader_ok(&in) || w->has_ebml)
        return refuse_syntax(r, "a header that is damaged, or the second in the file");
    if (!known)
        return refuse(r, CONCLAVE_EUNSUPPORTED, "neither WebM nor Matroska", MEDIA_MAKE_ANEW);
    w->has_ebml = true;
    return 0;
}

static int take_info(struct media_reader *r, struct bytes content)
{
    struct webm *w = r->state;
    struct reader in = reader_of(content);
    struct bytes value;
    uint32_t id;
    bool ok = !w->has_info;
    while ((id = ebml_next(&in, &value)) != 0)
        if (id == TIMESTAMP_SCALE)
            ok = ok && ebml_uint(value, &w->scale);
    if (!ok || !reader_ok(&in) || w->scale == 0 || w->scale > SECOND_NS)
        return refuse_syntax(r, "information on the file that makes no sense");
    w->has_info = true;
    return 0;
}

struct entry {
    uint64_t number;
    struct bytes codec, codec_private;
    uint64_t width, height, channels;
    bool encoded; /* compressed or encrypted on top of the codec */
    bool ok;
};

/* The numbers in Video and Audio. */
static void read_format(struct bytes content, struct entry *e)
{
    struct reader in = reader_of(content);
    struct bytes value;
    uint32_t id;
    while ((id = ebml_next(&in, &value)) != 0) {
        if (id == PIXEL_WIDTH)
            e->ok = e->ok && ebml_uint(value, &e->width);
        else if (id == PIXEL_HEIGHT)
            e->ok = e->ok && ebml_uint(value, &e->height);
        else if (id == CHANNELS)
            e->ok = e->ok && ebml_uint(value, &e->channels);
    }
    e->ok = e->ok && reader_ok(&in);
}

static struct entry read_entry(struct bytes content)
{
    struct entry e = {.channels = 1, .ok = true}; /* RFC 9559 5.1.4 */
    struct reader in = reader_of(content);
    struct bytes value;
    uint32_t id;
    while ((id = ebml_next(&in, &value)) != 0) {
        if (id == TRACK_NUMBER)
            e.ok = e.ok && ebml_uint(value, &e.number);
        else if (id == CODEC_ID)
            e.codec = value;
        else if (id == CODEC_PRIVATE)
            e.codec_private = value;
        else if (id == CONTENT_ENCODINGS)
            e.encoded = true;
        else if (id == VIDEO || id == AUDIO)
            read_format(value, &e);
    }
    e.ok = e.ok && reader_ok(&in) && e.number != 0;
    return e;
}

/* RFC 7845 5.1: the header of the Ogg mapping, whose pre-skip is what a player drops here, too. */
static uint16_t pre_skip_of(struct bytes codec_private)
{
    struct reader in = reader_of(codec_private);
    bool head = bytes_equal(read_bytes(&in, 8), bytes_str("OpusHead"));
    (void)read_bytes(&in, 2);
    uint16_t pre_skip = le_read16(&in);
    return head ? pre_skip : 0;
}

/* The first track of either kind is read, the others are not. */
static void choose_track(struct media_reader *r, const struct entry *e)
{
    struct webm *w = r->state;
    bool small = e->width <= UINT16_MAX && e->height <= UINT16_MAX && e->channels <= 2;
    if (!e->encoded && small && w->video.number == 0 && ebml_is(e->codec, "V_VP8")) {
        w->video.number = e->number;
        r->info.width = (uint16_t)e->width;
        r->info.height = (uint16_t)e->height;
    } else if (!e->encoded && small && w->audio.number == 0 && ebml_is(e->codec, "A_OPUS")) {
        w->audio.number = e->number;
        r->info.channels = (uint8_t)e->channels;
        r->info.pre_skip = pre_skip_of(e->codec_private);
    } else {
        r->info.tracks_left_out++;
    }
}

static int take_tracks(struct media_reader *r, struct bytes content)
{
    struct webm *w = r->state;
    struct reader in = reader_of(content);
    struct bytes value;
    uint32_t id;
    bool ok = !w->has_tracks;
    while ((id = ebml_next(&in, &value)) != 0) {
        if (id != TRACK_ENTRY)
            continue;
        struct entry e = read_entry(value);
        ok = ok && e.ok;
        if (ok)
            choose_track(r, &e);
    }
    if (!ok || !reader_ok(&in))
        return refuse_syntax(r, "a list of tracks that is damaged, or the second in the file");
    if (w->video.number == 0 && w->audio.number == 0)
        return refuse(r, CONCLAVE_EUNSUPPORTED, "no track is VP8 or Opus",
                      "encode it again, for example with ffmpeg -c:v libvpx -c:a libopus");
    w->has_tracks = true;
    return 0;
}

static int take_time(struct media_reader *r, struct bytes content)
{
    struct webm *w = r->state;
    if (!ebml_uint(content, &w->time) || w->has_time)
        return refuse_syntax(r, "a cluster whose time makes no sense");
    if (w->time > NS_MAX / w->scale - INT16_MAX)
        return refuse(r, CONCLAVE_ELIMIT, "a time further than 99 years from the start",
                      MEDIA_MAKE_ANEW);
    w->has_time = true;
    return 0;
}

/* ---- Blocks ---- */

/* Ticks of a block in units of a clock, rounded down; before the start is at the start. */
static uint64_t pts_of(const struct webm *w, int16_t relative, unsigned clock)
{
    uint64_t back = relative < 0 ? (uint64_t)-relative : 0;
    uint64_t ticks =
        relative < 0 ? w->time - (back < w->time ? back : w->time) : w->time + (uint64_t)relative;
    uint64_t seconds = ticks * w->scale / SECOND_NS, rest = ticks * w->scale % SECOND_NS;
    return seconds * clock + rest * clock / SECOND_NS;
}

static int take_picture(struct media_reader *r, int16_t relative, struct bytes data)
{
    struct webm *w = r->state;
    struct vp8_frame head;
    uint64_t pts = pts_of(w, relative, MEDIA_VIDEO_CLOCK);
    if (vp8_frame_read(data, &head) != 0)
        return refuse_syntax(r, "a frame that is no VP8");
    if (pts < w->video.next)
        return refuse_syntax(r, "a frame earlier than the one before it");
    w->video.next = pts;
    w->frame = (struct media_frame){.codec = MEDIA_VP8, .pts = pts, .key = head.key, .data = data};
    return 0;
}

static int take_sound(struct media_reader *r, int16_t relative, struct bytes data)
{
    struct webm *w = r->state;
    struct opus_info info;
    uint64_t pts = pts_of(w, relative, MEDIA_AUDIO_CLOCK);
    if (data.n > MEDIA_AUDIO_FRAME_MAX)
        return refuse(r, CONCLAVE_ELIMIT, MEDIA_PACKET_LARGE, MEDIA_PACKET_SHORTER);
    if (opus_info_read(data, &info) != 0)
        return refuse_syntax(r, "a packet that is no Opus");
    if (pts + SLACK < w->audio.next)
        return refuse_syntax(r, "a packet earlier than the one before it");
    if (pts < w->audio.next + SLACK)
        pts = w->audio.next; /* where it was before times were rounded */
    w->audio.next = pts + info.duration;
    w->frame = (struct media_frame){
        .codec = MEDIA_OPUS, .pts = pts, .duration = info.duration, .key = true, .data = data};
    return 0;
}

/* RFC 9559 10: track, time from the cluster's, flags, and the frame. */
static int take_block(struct media_reader *r, struct bytes content)
{
    struct webm *w = r->state;
    struct reader in = reader_of(content);
    uint64_t number = 0;
    (void)read_bytes(&in, ebml_vint_read(content, &number));
    int16_t relative = (int16_t)read_u16(&in);
    uint8_t flags = read_u8(&in);
    struct bytes data = read_bytes(&in, reader_left(&in));
    if (!w->has_time)
        return refuse_syntax(r, "a block in a cluster without a time");
    if (!reader_ok(&in) || number == 0 || data.n == 0)
        return refuse_syntax(r, "a block that is cut off");
    if (number != w->video.number && number != w->audio.number)
        return 0;
    if ((flags & BLOCK_LACING) != 0)
        return refuse(r, CONCLAVE_EUNSUPPORTED, "several frames in one block",
                      "write the file again, for example with ffmpeg -c copy");
    return number == w->video.number ? take_picture(r, relative, data)
                                     : take_sound(r, relative, data);
}

/* ---- The tree of elements ---- */

/* What is not listed is skipped. */
static const struct element elements[] = {
    {IN_FILE, EBML, MEDIA_WEBM_HEADER_MAX, take_ebml},
    {IN_FILE, SEGMENT, 0, NULL},
    {IN_SEGMENT, INFO, MEDIA_WEBM_INFO_MAX, take_info},
    {IN_SEGMENT, TRACKS, MEDIA_WEBM_TRACKS_MAX, take_tracks},
    {IN_SEGMENT, CLUSTER, 0, NULL},
    {IN_CLUSTER, TIMESTAMP, sizeof(uint64_t), take_time},
    {IN_CLUSTER, SIMPLE_BLOCK, MEDIA_VIDEO_FRAME_MAX + BLOCK_HEAD_MAX, take_block},
    {IN_CLUSTER, BLOCK_GROUP, 0, NULL},
    {IN_GROUP, BLOCK, MEDIA_VIDEO_FRAME_MAX + BLOCK_HEAD_MAX, take_block},
};

static const struct element *find_element(enum level level, uint32_t id)
{
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++)
        if (elements[i].level == level && elements[i].id == id)
            return &elements[i];
    return NULL;
}

/* RFC 8794 6.2: a cluster of unknown size goes on until one of these. */
static bool ends_cluster(uint32_t id)
{
    return id == CLUSTER || id == CUES || id == TAGS || id == SEEK_HEAD || id == INFO ||
           id == TRACKS || id == CHAPTERS || id == ATTACHMENTS;
}

/* The head of the element, which ends there, is done with. */
static int enter(struct media_reader *r, const struct ebml_head *h, uint64_t end)
{
    struct webm *w = r->state;
    if (h->id == SEGMENT && (!w->has_ebml || w->has_segment))
        return refuse_syntax(r, "a segment without a header, or the second in the file");
    if (h->id == CLUSTER && !w->has_tracks)
        return refuse_syntax(r, "a cluster before the list of tracks");
    if (h->id == BLOCK_GROUP && h->size == EBML_UNKNOWN)
        return refuse_syntax(r, "a group of blocks without an end");
    w->has_segment = true;
    w->has_time = w->has_time && h->id != CLUSTER;
    w->level++;
    w->ends[w->level] = h->size == EBML_UNKNOWN ? w->ends[w->level - 1] : end;
    w->open_cluster = w->open_cluster || (h->id == CLUSTER && h->size == EBML_UNKNOWN);
    media_input_skip(&r->input, h->n);
    return 0;
}

/* The element that is listed so. */
static int take(struct media_reader *r, const struct element *e, const struct ebml_head *h,
                uint64_t end, enum media_event *out_event)
{
    struct bytes left = media_input_view(&r->input);
    if (e->take == NULL)
        return enter(r, h, end);
    if (h->size > e->most)
        return refuse(r, CONCLAVE_ELIMIT, "an element larger than it may be",
                      "encode with a lower bitrate, or make the file anew");
    if (left.n - h->n < h->size)
        return media_want_more(r, out_event);
    int rv = e->take(r, bytes_of(left.p + h->n, (size_t)h->size));
    if (rv == 0)
        media_input_skip(&r->input, (size_t)(h->n + h->size));
    return rv;
}

/* Looks at the element that the window begins with. */
static int next_element(struct media_reader *r, const struct ebml_head *h,
                        enum media_event *out_event)
{
    struct webm *w = r->state;
    if (w->level == IN_CLUSTER && w->open_cluster && ends_cluster(h->id)) {
        w->level = IN_SEGMENT;
        w->open_cluster = false;
        return 0;
    }
    uint64_t end = r->input.offset + h->n + h->size; /* sizes are below 2^56 */
    const struct element *e = find_element(w->level, h->id);
    if (h->size != EBML_UNKNOWN && end > w->ends[w->level])
        return refuse_syntax(r, "an element larger than what it is in");
    if (e != NULL)
        return take(r, e, h, end, out_event);
    if (h->size == EBML_UNKNOWN)
        return refuse_syntax(r, "an element without an end");
    w->skip = h->n + h->size;
    return 0;
}

/* The file ends here: that is right only where no element is to go on. */
static int finish(struct media_reader *r, enum media_event *out_event)
{
    const struct webm *w = r->state;
    for (size_t i = IN_FILE; i <= w->level; i++)
        if (w->ends[i] != EBML_UNKNOWN)
            return media_want_more(r, out_event);
    if (!w->has_tracks)
        return refuse_syntax(r, "the list of tracks is missing");
    *out_event = MEDIA_DONE;
    return 0;
}

static void skip_some(struct media_reader *r)
{
    struct webm *w = r->state;
    size_t n = media_input_view(&r->input).n;
    n = n < w->skip ? n : (size_t)w->skip;
    media_input_skip(&r->input, n);
    w->skip -= n;
}

/* One element, or a part of one that is skipped; out_event becomes something else than MEDIA_FRAME
 * if there is none. */
static int step(struct media_reader *r, enum media_event *out_event)
{
    struct webm *w = r->state;
    struct ebml_head h;
    skip_some(r);
    while (w->skip == 0 && w->level > IN_FILE && r->input.offset == w->ends[w->level])
        w->level--;
    struct bytes left = media_input_view(&r->input);
    if (w->skip == 0 && left.n == 0 && r->input.ended)
        return finish(r, out_event);
    if (ebml_head_read(left, &h) != 0)
        return refuse_syntax(r, "something that is no element");
    if (h.n == 0)
        return media_want_more(r, out_event);
    return next_element(r, &h, out_event);
}

static int webm_next(struct media_reader *r, enum media_event *out_event, struct media_frame *out)
{
    struct webm *w = r->state;
    *out_event = MEDIA_FRAME;
    while (w->frame.data.n == 0 && *out_event == MEDIA_FRAME) {
        int rv = step(r, out_event);
        if (rv != 0)
            return rv;
    }
    *out = w->frame;
    w->frame = (struct media_frame){0};
    return 0;
}

const struct media_parser media_parser_webm = {
    .name = "WebM",
    .magic = "\x1a\x45\xdf\xa3",
    .open = webm_open,
    .close = free,
    .next = webm_next,
};
