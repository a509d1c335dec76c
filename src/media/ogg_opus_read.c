#include <stdlib.h>
#include <string.h>

#include <ogg/ogg.h>

#include "media/format.h"
#include "media/le.h"
#include "media/ogg_opus.h"
#include "rtc/opus.h"

#define PAGE_PACKETS 255 /* RFC 3533 6: a page has so many segments, each at most one packet */

/* Muxers that go by milliseconds are so far off at most; RFC 7845 allows nothing. */
#define SLACK (MEDIA_AUDIO_CLOCK / 50)

enum stage { STAGE_HEAD, STAGE_TAGS, STAGE_AUDIO, STAGE_END };

struct ogg_packet_view {
    struct bytes data; /* in the stream's memory, good until the next page goes in */
    uint32_t duration;
    uint32_t played; /* of it: the last packets may be cut */
};

struct ogg {
    ogg_sync_state sync;
    ogg_stream_state stream;
    bool in_stream; /* the first page was seen */
    enum stage stage;
    bool first;      /* the first page of sound is still to come */
    uint64_t next;   /* where the next page begins in the file */
    uint64_t page;   /* where the present page does */
    size_t held;     /* bytes of a packet that goes on in the next page */
    uint64_t origin; /* granule position of the first packet */
    uint64_t at;     /* and of the next one */
    struct ogg_packet_view packets[PAGE_PACKETS]; /* of the present page */
    size_t n, taken;
};

static int ogg_open(void **out_state)
{
    struct ogg *o = calloc(1, sizeof *o);
    if (o == NULL)
        return CONCLAVE_ENOMEM;
    (void)ogg_sync_init(&o->sync); /* allocates nothing yet */
    o->first = true;
    *out_state = o;
    return 0;
}

static void ogg_close(void *state)
{
    struct ogg *o = state;
    if (o->in_stream)
        (void)ogg_stream_clear(&o->stream);
    (void)ogg_sync_clear(&o->sync);
    free(o);
}

#define AUDIO_ALONE "take the Opus audio out of it, for example with ffmpeg -map 0:a:0 -c copy"

/* What is wrong lies in the present page. */
static int refuse(struct media_reader *r, int error, const char *what, const char *cure)
{
    const struct ogg *o = r->state;
    return media_refuse(r, error, o->page, what, cure);
}

/* ---- Headers ---- */

/* RFC 7845 5.1. The rate of what was recorded and the gain are for players. */
static int read_head(struct media_reader *r, struct bytes packet)
{
    struct reader in = reader_of(packet);
    struct bytes magic = read_bytes(&in, 8);
    uint8_t version = read_u8(&in);
    uint8_t channels = read_u8(&in);
    uint16_t pre_skip = le_read16(&in);
    (void)le_read32(&in);
    (void)le_read16(&in);
    uint8_t mapping = read_u8(&in);
    if (!bytes_equal(magic, bytes_str("OpusHead")))
        return refuse(r, CONCLAVE_EUNSUPPORTED, "the stream is not Opus",
                      "encode it as Opus, for example with ffmpeg -c:a libopus");
    /* RFC 7845 5.1: what has the same upper four bits can be read. */
    if (!reader_ok(&in) || version == 0)
        return refuse(r, CONCLAVE_ESYNTAX, "an Opus header that is no such", MEDIA_MAKE_ANEW);
    if (version >> 4 != 0)
        return refuse(r, CONCLAVE_EUNSUPPORTED, "an Opus header of an unknown version",
                      MEDIA_MAKE_ANEW);
    if (mapping != 0 || channels < 1 || channels > 2)
        return refuse(r, CONCLAVE_EUNSUPPORTED, "more than two channels",
                      "mix it down to stereo, for example with ffmpeg -ac 2 -c:a libopus");
    r->info.channels = channels;
    r->info.pre_skip = pre_skip;
    return 0;
}

/* RFC 7845 5.2: the tags are not looked into. */
static int read_tags(struct media_reader *r, struct bytes packet)
{
    struct reader in = reader_of(packet);
    if (!bytes_equal(read_bytes(&in, 8), bytes_str("OpusTags")))
        return refuse(r, CONCLAVE_ESYNTAX, "the second header is missing", MEDIA_MAKE_ANEW);
    return 0;
}

/* RFC 7845 3: a header ends its page. */
static int take_header(struct media_reader *r)
{
    struct ogg *o = r->state;
    if (o->n == 0 && o->stage == STAGE_TAGS)
        return 0; /* the tags go on in the next page */
    if (o->n != 1 || o->held != 0)
        return refuse(r, CONCLAVE_ESYNTAX, "a header that shares its page", MEDIA_MAKE_ANEW);
    o->n = 0;
    if (o->stage == STAGE_HEAD) {
        o->stage = STAGE_TAGS;
        return read_head(r, o->packets[0].data);
    }
    o->stage = STAGE_AUDIO;
    return read_tags(r, o->packets[0].data);
}

/* ---- Pages of sound ---- */

static int measure_packets(struct media_reader *r, uint64_t *out_sum)
{
    struct ogg *o = r->state;
    struct opus_info info;
    uint64_t sum = 0;
    for (size_t i = 0; i < o->n; i++) {
        if (opus_info_read(o->packets[i].data, &info) != 0)
            return refuse(r, CONCLAVE_ESYNTAX, "a packet that is no Opus", MEDIA_MAKE_ANEW);
        o->packets[i].duration = o->packets[i].played = info.duration;
        sum += info.duration;
    }
    *out_sum = sum;
    return 0;
}

/* RFC 7845 4.5: a stream may begin at any time, but not before 0; what the end cuts off does not
 * count. */
static void place_first_page(struct ogg *o, uint64_t granule, uint64_t sum)
{
    o->at = o->origin = granule > sum ? granule - sum : 0;
    o->first = false;
}

/* RFC 7845 4.4: of the last packets, so much is not played. */
static void trim_end(struct ogg *o, uint64_t excess)
{
    for (size_t i = o->n; i > 0 && excess > 0; i--) {
        struct ogg_packet_view *p = &o->packets[i - 1];
        uint32_t cut = excess < p->played ? (uint32_t)excess : p->played;
        p->played -= cut;
        excess -= cut;
    }
}

/* Gives the packets of a page their time, from the time at which the page ends. */
static int take_sound(struct media_reader *r, int64_t granule, bool last)
{
    struct ogg *o = r->state;
    uint64_t sum = 0, end = (uint64_t)granule;
    int rv = measure_packets(r, &sum);
    if (rv != 0 || o->n == 0)
        return rv;
    if (granule < 0)
        return refuse(r, CONCLAVE_ESYNTAX, "a page without a time", MEDIA_MAKE_ANEW);
    if (end > MEDIA_PTS_MAX)
        return refuse(r, CONCLAVE_ELIMIT, "a page of a time that never comes", MEDIA_MAKE_ANEW);
    if (o->first && end < sum && !last)
        return refuse(r, CONCLAVE_ESYNTAX, "a page that begins before the start", MEDIA_MAKE_ANEW);
    if (o->first)
        place_first_page(o, end, sum);
    if (end < o->at || (!last && end + SLACK < o->at + sum))
        return refuse(r, CONCLAVE_ESYNTAX, "a page earlier than the one before it",
                      MEDIA_MAKE_ANEW);
    if (end > o->at + sum + SLACK)
        o->at = end - sum; /* a hole in time */
    else if (last && end < o->at + sum)
        trim_end(o, o->at + sum - end);
    return 0;
}

/* ---- Pages ---- */

/* RFC 3533 6: whether the page may come here. */
static int check_page(struct media_reader *r, const ogg_page *page)
{
    struct ogg *o = r->state;
    bool begins = ogg_page_bos(page) != 0;
    if (ogg_page_version(page) != 0)
        return refuse(r, CONCLAVE_EUNSUPPORTED, "an Ogg page of an unknown version",
                      MEDIA_MAKE_ANEW);
    if (!o->in_stream && !begins)
        return refuse(r, CONCLAVE_ESYNTAX, "the start of the stream is missing", MEDIA_MAKE_ANEW);
    if (o->in_stream && (begins || ogg_page_serialno(page) != (int)o->stream.serialno))
        return refuse(r, CONCLAVE_EUNSUPPORTED, "more than one stream in the file", AUDIO_ALONE);
    if ((ogg_page_continued(page) != 0) != (o->held != 0))
        return refuse(r, CONCLAVE_ESYNTAX, "a packet of which a part is missing", MEDIA_MAKE_ANEW);
    return 0;
}

/* Takes the packets out that end in this page. */
static int take_packets(struct media_reader *r)
{
    struct ogg *o = r->state;
    ogg_packet packet;
    int got;
    o->n = o->taken = 0;
    while ((got = ogg_stream_packetout(&o->stream, &packet)) > 0 && o->n < PAGE_PACKETS) {
        size_t n = (size_t)packet.bytes;
        o->packets[o->n++].data = bytes_of(packet.packet, n);
        o->held -= n;
        if (o->stage == STAGE_AUDIO && n > MEDIA_AUDIO_FRAME_MAX)
            return refuse(r, CONCLAVE_ELIMIT, MEDIA_PACKET_LARGE, MEDIA_PACKET_SHORTER);
    }
    if (got < 0)
        return refuse(r, CONCLAVE_ESYNTAX, "a page is missing before this one", MEDIA_MAKE_ANEW);
    if (o->held > (o->stage == STAGE_TAGS ? MEDIA_TAGS_MAX : MEDIA_AUDIO_FRAME_MAX))
        return refuse(r, CONCLAVE_ELIMIT, "tags of more than 1 MiB, or a packet without an end",
                      "take pictures and tags out, for example with ffmpeg -map_metadata -1 -vn");
    return 0;
}

static int take_page(struct media_reader *r, ogg_page *page)
{
    struct ogg *o = r->state;
    bool last = ogg_page_eos(page) != 0;
    int rv = check_page(r, page);
    if (rv != 0)
        return rv;
    if (!o->in_stream && ogg_stream_init(&o->stream, ogg_page_serialno(page)) != 0)
        return CONCLAVE_ENOMEM;
    o->in_stream = true;
    if (ogg_stream_pagein(&o->stream, page) != 0)
        return CONCLAVE_ENOMEM;
    o->held += (size_t)page->body_len;
    rv = take_packets(r);
    if (rv != 0)
        return rv;
    rv = o->stage == STAGE_AUDIO ? take_sound(r, ogg_page_granulepos(page), last) : take_header(r);
    if (rv == 0 && last)
        o->stage = STAGE_END;
    return rv;
}

/* ---- The file ---- */

/* Gives libogg what there is of the file. */
static int feed(struct media_reader *r)
{
    struct ogg *o = r->state;
    struct bytes left = media_input_view(&r->input);
    char *to = ogg_sync_buffer(&o->sync, (long)left.n);
    if (to == NULL)
        return CONCLAVE_ENOMEM;
    memcpy(to, left.p, left.n);
    (void)ogg_sync_wrote(&o->sync, (long)left.n);
    media_input_skip(&r->input, left.n);
    return 0;
}

/* No whole page is there, and none will come. A last page that is not marked as the last is borne
 * with, as recordings that were broken off have it; half a page is not. */
static int finish(struct media_reader *r, enum media_event *out_event)
{
    const struct ogg *o = r->state;
    if (r->input.offset != o->next || o->held != 0 || o->stage < STAGE_AUDIO)
        return media_refuse(r, CONCLAVE_ESYNTAX, o->next, "the file ends in the middle of a page",
                            "copy it again, or make it anew: its end is missing");
    *out_event = MEDIA_DONE;
    return 0;
}

/* The next page, or an event if there is none. */
static int next_page(struct media_reader *r, enum media_event *out_event)
{
    struct ogg *o = r->state;
    ogg_page page;
    long n = ogg_sync_pageseek(&o->sync, &page);
    if (n == 0 && media_input_view(&r->input).n != 0)
        return feed(r);
    if (n == 0 && r->input.ended)
        return finish(r, out_event);
    if (n == 0)
        return media_want_more(r, out_event);
    o->page = o->next;
    if (n < 0)
        return refuse(r, CONCLAVE_ESYNTAX, "a damaged page, or something that is none",
                      "copy it again, or make it anew");
    o->next += (uint64_t)n;
    if (o->stage == STAGE_END)
        return refuse(r, CONCLAVE_EUNSUPPORTED, "a second stream after the first", AUDIO_ALONE);
    return take_page(r, &page);
}

static int ogg_next(struct media_reader *r, enum media_event *out_event, struct media_frame *out)
{
    struct ogg *o = r->state;
    *out_event = MEDIA_FRAME;
    while (o->taken == o->n && *out_event == MEDIA_FRAME) {
        int rv = next_page(r, out_event);
        if (rv != 0)
            return rv;
    }
    if (*out_event != MEDIA_FRAME)
        return 0;
    const struct ogg_packet_view *p = &o->packets[o->taken++];
    *out = (struct media_frame){
        .codec = MEDIA_OPUS,
        .pts = o->at - o->origin,
        .duration = p->played,
        .key = true,
        .data = p->data,
    };
    o->at += p->duration;
    return 0;
}

const struct media_parser media_parser_ogg = {
    .name = "Ogg",
    .magic = "OggS",
    .open = ogg_open,
    .close = ogg_close,
    .next = ogg_next,
};
