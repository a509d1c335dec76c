#include "cmd/terminal_media.h"

#include "cmd/terminal_text.h"

#define NUMBER(n) ((unsigned long long)(n))

const char *terminal_media_state(const struct terminal_view *v)
{
    struct line_stats stats = {0};
    struct join_media *media = join_session_media(v->session);
    if (media == NULL)
        return "none: this participant sends and receives no audio and video";
    if (join_media_line(media) != NULL)
        line_stats(join_media_line(media), &stats);
    return stats.connected ? "DTLS 1.2 and SRTP with AES-256-GCM as far as the switch; in it, from "
                             "end to end,\n              SFrame (RFC 9605) with AES-256-GCM"
                           : "not connected";
}

static void put_seconds(struct buf *out, uint64_t us)
{
    terminal_put(out, "%llu.%llu s", NUMBER(us / 1000000), NUMBER(us / 100000 % 10));
}

static void put_track(const struct join_record_entry *e, struct buf *out)
{
    const struct report_numbers *n = &e->numbers;
    terminal_put(out, "%4u  ", (unsigned)e->leaf + 1);
    terminal_put_plain(out, bytes_str(e->name), 0);
    terminal_put(out, ", %s%s: %llu frames, %llu lost, %llu key changes, frozen %llu times, ",
                 join_source_name(e->source), e->gone ? ", gone" : "", NUMBER(n->frames),
                 NUMBER(n->lost), NUMBER(n->key_changes), NUMBER(n->freezes));
    put_seconds(out, n->freeze_us);
    if (e->file != NULL)
        terminal_put(out, "; in %s", e->file);
    terminal_put(out, "\n");
}

static void put_own(struct join_media *media, struct buf *out)
{
    struct call_layer_stats s;
    for (unsigned source = SIGNAL_AUDIO; source <= SIGNAL_SCREEN; source++)
        for (uint8_t i = 0; line_layer_stats(join_media_line(media), (uint8_t)source, i, &s) == 0;
             i++)
            terminal_put(out,
                         " you  %s: %llu frames in %llu packets, %llu of them sent again; the "
                         "switch lost %u %%\n",
                         join_source_name((uint8_t)source), NUMBER(s.frames), NUMBER(s.packets),
                         NUMBER(s.resent), (unsigned)(s.loss * 100 / 256));
}

int terminal_media_show(struct terminal_view *v, struct buf *out)
{
    struct join_media *media = join_session_media(v->session);
    struct join_record_entry e;
    struct line_stats s = {0};
    if (media == NULL)
        return CONCLAVE_EUNSUPPORTED;
    if (join_media_line(media) != NULL) {
        line_stats(join_media_line(media), &s);
        put_own(media, out);
    }
    for (size_t at = 0; join_record_next(join_media_record(media), &at, join_media_now(media), &e);)
        put_track(&e, out);
    terminal_put(out, "%s: round trip %llu ms, %llu packets in, %llu out.\n",
                 s.connected ? "Connected" : "Not connected", NUMBER(s.rtt_us / 1000),
                 NUMBER(s.packets_in), NUMBER(s.packets_out));
    return 0;
}

static void put_speaker(struct terminal_view *v, uint32_t leaf, struct buf *out)
{
    struct participant_person person;
    if (leaf == MLS_NO_LEAF || join_session_person(v->session, leaf + 1, &person) != 0)
        return;
    terminal_put_person(out, v->colours, &person);
    terminal_put(out, " is speaking.\n");
}

void terminal_media_news(struct terminal_view *v, const struct join_media_news *news,
                         struct buf *out)
{
    switch (news->kind) {
    case JOIN_MEDIA_CONNECTED:
        terminal_put(out, "Audio and video are connected.\n");
        break;
    case JOIN_MEDIA_LOST:
        terminal_put_notice(out, v->colours, PARTICIPANT_WARNING,
                            "The connection for audio and video is lost.",
                            "It comes back by itself when the network does.");
        break;
    case JOIN_MEDIA_REFUSED:
        terminal_put_notice(out, v->colours, PARTICIPANT_WARNING,
                            "The media switch refused something of ours.",
                            "It may be full; /media tells what works.");
        break;
    case JOIN_MEDIA_SPEAKER:
        put_speaker(v, news->leaf, out);
        break;
    case JOIN_MEDIA_ENDED:
        terminal_put(out, "The file of your %s has ended.\n", join_source_name(news->source));
        break;
    case JOIN_MEDIA_TROUBLE:
        terminal_put_notice(out, v->colours, PARTICIPANT_WARNING, news->text, "");
        break;
    }
}

static bool is_ours(enum join_verb verb)
{
    return verb == JOIN_MUTE || verb == JOIN_UNMUTE || verb == JOIN_STOP_VIDEO ||
           verb == JOIN_START_VIDEO || verb == JOIN_SHARE || verb == JOIN_UNSHARE ||
           verb == JOIN_MEDIA;
}

const char *terminal_media_error(enum join_verb verb, int error)
{
    if (!is_ours(verb))
        return NULL;
    switch (error) {
    case CONCLAVE_ENOTFOUND:
        return "Nothing of this kind is sent: there is nothing to stop, or to go on with.";
    case CONCLAVE_EINVAL:
        return "This file cannot be shown.";
    case CONCLAVE_EUNSUPPORTED:
        return "This participant has no audio and video: join with --audio, --video, --synthetic "
               "or --record.";
    default:
        return conclave_error_text(error);
    }
}
