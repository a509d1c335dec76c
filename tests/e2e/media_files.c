/* Writes media files for other programs to read, and reads those that they wrote:
 *
 *     media_files write DIR     video.ivf and audio.opus, two seconds of a synthetic sender;
 *                               gaps.opus, with a short and a long gap in its sound
 *     media_files small DIR     small.ivf, ten seconds of small pictures with a key frame every
 *                               second, and audio.opus: for many senders on one machine
 *     media_files read FILE     prints what is in it, as FRAMES DURATION HASH, the duration in
 *                               milliseconds and the hash of all frames' bytes
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/ivf.h"
#include "media/ogg_opus.h"
#include "media/reader.h"
#include "media/synthetic.h"

#define PICTURES 60
#define PACKETS 100

static int save(const char *folder, const char *name, struct bytes content)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL)
        return CONCLAVE_ESTORE;
    int rv = fwrite(content.p, 1, content.n, f) == content.n ? 0 : CONCLAVE_ESTORE;
    return fclose(f) == 0 ? rv : CONCLAVE_ESTORE;
}

/* key_every: pictures from one key frame to the next; 0: as the encoder likes. */
static int write_video(struct synthetic *s, int pictures, int key_every, const char *folder,
                       const char *name)
{
    struct media_frame frames[SYNTHETIC_LAYERS_MAX];
    struct buf file = {0}, header = {0};
    struct ivf_writer w;
    int rv = 0;
    ivf_writer_init(&w);
    for (int i = 0; i < pictures && rv == 0; i++) {
        if (key_every != 0 && i % key_every == 0)
            synthetic_request_key(s, 0);
        rv = synthetic_video(s, frames);
        if (rv == 0)
            rv = ivf_writer_frame(&w, &frames[0], &file);
    }
    if (rv == 0)
        rv = ivf_writer_finish(&w, &header);
    if (rv == 0)
        memcpy(file.p, header.p, header.n);
    if (rv == 0)
        rv = save(folder, name, buf_view(&file));
    buf_free(&file);
    buf_free(&header);
    return rv;
}

/* short_gap, long_gap: milliseconds left out after a third and after two thirds. */
static int write_audio(struct synthetic *s, uint64_t short_gap, uint64_t long_gap,
                       const char *folder, const char *name)
{
    struct ogg_opus_config config = {.serial = 1, .channels = 1, .pre_skip = OGG_OPUS_PRE_SKIP};
    struct ogg_opus_writer *w = NULL;
    struct media_frame frame;
    struct buf file = {0};
    uint8_t level;
    int rv = ogg_opus_writer_new(&config, &w);
    for (int i = 0; i < PACKETS && rv == 0; i++) {
        rv = synthetic_audio(s, &frame, &level);
        frame.pts += i >= PACKETS / 3 ? short_gap * 48 : 0;
        frame.pts += i >= PACKETS * 2 / 3 ? long_gap * 48 : 0;
        if (rv == 0)
            rv = ogg_opus_writer_frame(w, &frame, &file);
    }
    if (rv == 0)
        rv = ogg_opus_writer_finish(w, &file);
    if (rv == 0)
        rv = save(folder, name, buf_view(&file));
    ogg_opus_writer_free(w);
    buf_free(&file);
    return rv;
}

static int write_all(const char *folder)
{
    struct synthetic_config config = synthetic_defaults(5);
    struct synthetic *s = NULL;
    int rv = synthetic_new(&config, &s);
    if (rv == 0)
        rv = write_video(s, PICTURES, 0, folder, "video.ivf");
    if (rv == 0)
        rv = write_audio(s, 0, 0, folder, "audio.opus");
    if (rv == 0)
        rv = write_audio(s, 200, 5000, folder, "gaps.opus");
    synthetic_free(s);
    return rv;
}

static int write_small(const char *folder)
{
    struct synthetic_config config = synthetic_defaults(6);
    struct synthetic *s = NULL;
    config.width = 160;
    config.height = 90;
    config.fps = 15;
    config.kbps = 40;
    int rv = synthetic_new(&config, &s);
    if (rv == 0)
        rv = write_video(s, 10 * config.fps, config.fps, folder, "small.ivf");
    if (rv == 0)
        rv = write_audio(s, 0, 0, folder, "audio.opus");
    synthetic_free(s);
    return rv;
}

struct summary {
    uint64_t frames, last_ms, hash;
};

/* FNV-1a over sizes and bytes. */
static void add(struct summary *s, const struct media_frame *f)
{
    unsigned clock = f->codec == MEDIA_VP8 ? MEDIA_VIDEO_CLOCK : MEDIA_AUDIO_CLOCK;
    s->frames++;
    s->last_ms = (f->pts + f->duration) * 1000 / clock;
    s->hash = (s->hash ^ f->data.n) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < f->data.n; i++)
        s->hash = (s->hash ^ f->data.p[i]) * UINT64_C(0x100000001b3);
}

static int feed(struct media_reader *r, FILE *f)
{
    static uint8_t piece[65536];
    size_t n = fread(piece, 1, sizeof piece, f);
    if (n != 0)
        return media_reader_input(r, bytes_of(piece, n));
    media_reader_end(r);
    return 0;
}

static int read_frames(struct media_reader *r, FILE *f, struct summary *out)
{
    enum media_event event = MEDIA_MORE;
    struct media_frame frame;
    int rv = 0;
    while (rv == 0 && event != MEDIA_DONE) {
        rv = media_reader_next(r, &event, &frame);
        if (rv == 0 && event == MEDIA_FRAME)
            add(out, &frame);
        else if (rv == 0 && event == MEDIA_MORE)
            rv = feed(r, f);
    }
    return rv;
}

static int read_all(const char *path)
{
    struct summary s = {.hash = UINT64_C(0xcbf29ce484222325)};
    struct media_reader *r = NULL;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return CONCLAVE_ENOTFOUND;
    int rv = media_reader_new(&r);
    if (rv == 0)
        rv = read_frames(r, f, &s);
    const struct media_fault *fault = r == NULL ? NULL : media_reader_fault(r);
    if (fault != NULL)
        (void)fprintf(stderr, "%s: byte %" PRIu64 ": %s; %s\n", path, fault->offset, fault->what,
                      fault->cure);
    if (rv == 0)
        (void)printf("%" PRIu64 " %" PRIu64 " %016" PRIx64 "\n", s.frames, s.last_ms, s.hash);
    media_reader_free(r);
    (void)fclose(f);
    return rv;
}

int main(int argc, char **argv)
{
    int rv = CONCLAVE_EINVAL;
    if (argc == 3 && strcmp(argv[1], "write") == 0)
        rv = write_all(argv[2]);
    else if (argc == 3 && strcmp(argv[1], "small") == 0)
        rv = write_small(argv[2]);
    else if (argc == 3 && strcmp(argv[1], "read") == 0)
        rv = read_all(argv[2]);
    if (rv != 0)
        (void)fprintf(stderr, "media_files: %s\n", conclave_error_text(rv));
    return rv == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
