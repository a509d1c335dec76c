#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <conclave/version.h>

#include "cmd/conclaved_daemon.h"

static void put(struct buf *out, const char *name, const char *type, const char *help,
                uint64_t value)
{
    char text[512];
    int n = snprintf(text, sizeof text,
                     "# HELP conclave_%s %s\n# TYPE conclave_%s %s\nconclave_%s %" PRIu64 "\n",
                     name, help, name, type, name, value);
    buf_put(out, bytes_of(text, (size_t)n));
}

static void counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
    put(out, name, "counter", help, value);
}

static void gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
    put(out, name, "gauge", help, value);
}

static void put_network(const struct daemon *d, struct buf *out)
{
    struct net_server_totals t;
    net_server_totals(d->server, &t);
    gauge(out, "connections", "Connections, of all kinds.", t.connections);
    gauge(out, "websockets", "Connections that are WebSockets.", t.sockets);
    counter(out, "connections_total", "Connections taken.", t.accepted);
    counter(out, "connections_refused_total", "Connections over a limit.", t.refused);
    counter(out, "requests_total", "HTTP requests.", t.requests);
    counter(out, "ended_slow_total", "Connections ended for being too slow or silent.",
            t.ended_slow);
    counter(out, "ended_oversized_total", "Connections ended for too large a message.",
            t.ended_oversized);
    counter(out, "ended_queue_total", "Connections ended for not taking what was sent to them.",
            t.ended_queue);
    counter(out, "bytes_received_total", "Bytes of messages and request bodies.", t.bytes_in);
    counter(out, "bytes_sent_total", "Bytes of messages and answers.", t.bytes_out);
}

static bool add_room(void *ctx, const char *number, const struct room_summary *s)
{
    struct room_summary *sum = ctx;
    (void)number;
    sum->members += s->members;
    sum->connected += s->connected;
    sum->waiting += s->waiting;
    sum->memory += s->memory;
    return true;
}

static void put_hall(const struct daemon *d, struct buf *out)
{
    struct hall_totals t;
    struct room_summary sum = {0};
    hall_totals(d->hall, &t);
    hall_each(d->hall, add_room, &sum);
    gauge(out, "rooms", "Meetings that are going on or waited for.", t.rooms);
    gauge(out, "members", "Members of all meetings.", sum.members);
    gauge(out, "members_connected", "Members who are connected.", sum.connected);
    gauge(out, "waiting", "People who wait to be let in.", sum.waiting);
    gauge(out, "commits_bytes", "Bytes kept for members who come back.", sum.memory);
    counter(out, "messages_received_total", "Protocol messages received.", t.frames_in);
    counter(out, "messages_sent_total", "Protocol messages sent.", t.frames_out);
    counter(out, "faults_total", "Connections ended with a fault.", t.faults);
    counter(out, "hellos_failed_total", "Connections that asked for no meeting we have.",
            t.hellos_failed);
}

/* ---- The media switch: a line for each worker ---- */

#define AT(field) \
    offsetof(struct media_worker_stats, field), sizeof(((struct media_worker_stats *)0)->field)
#define COUNTER(name, help, field)             \
    {                                          \
        name, "counter", help, NULL, AT(field) \
    }
#define GAUGE(name, help, field)             \
    {                                        \
        name, "gauge", help, NULL, AT(field) \
    }
#define LAYER(number)                                                                       \
    {                                                                                       \
        "streams_flowing", "gauge", "Pictures that members get, by layer, 0 the smallest.", \
            "layer=\"" #number "\"", AT(sfu.receivers.flowing[number])                      \
    }

static const struct worker_number {
    const char *name, *type, *help;
    const char *label; /* one more, or NULL; rows of one name follow each other */
    size_t at, size;
} worker_numbers[] = {
    GAUGE("meetings", "Meetings with media.", sfu.meetings),
    GAUGE("peers", "Media transports.", sfu.peers),
    GAUGE("peers_connected", "Of them, connected.", sfu.connected),
    COUNTER("packets_in_total", "Packets of members that were opened.", sfu.counters.packets_in),
    COUNTER("packets_out_total", "Packets to members.", sfu.counters.packets_out),
    COUNTER("bytes_in_total", "Bytes of members' packets.", sfu.counters.bytes_in),
    COUNTER("bytes_out_total", "Bytes of packets to members.", sfu.counters.bytes_out),
    COUNTER("lost_in_total", "Packets of members that never came.", sfu.counters.lost_in),
    COUNTER("recovered_in_total", "Packets of members that came when asked for again.",
            sfu.counters.recovered_in),
    COUNTER("nacks_total", "Packets of members that were asked for again.", sfu.counters.nacks),
    COUNTER("retransmitted_total", "Packets sent to members again.", sfu.counters.retransmitted),
    COUNTER("not_retransmitted_total", "Packets members asked for too late or too often.",
            sfu.counters.not_retransmitted),
    COUNTER("key_frames_asked_total", "Key frames asked of members.",
            sfu.counters.key_frames_asked),
    COUNTER("refused_total", "Packets that were malformed or of nobody known.",
            sfu.counters.refused),
    COUNTER("dropped_video_total", "Pictures' packets dropped for want of room.",
            sfu.counters.dropped_video),
    COUNTER("dropped_audio_total", "Sound's packets dropped for want of room.",
            sfu.counters.dropped_audio),
    COUNTER("dropped_control_total", "Control packets dropped for want of room.",
            sfu.counters.dropped_control),
    LAYER(0),
    LAYER(1),
    LAYER(2),
    GAUGE("streams_waiting", "Pictures that wait for a key frame or their sender.",
          sfu.receivers.waiting),
    GAUGE("streams_narrow", "Pictures given up for want of bandwidth.", sfu.receivers.narrow),
    GAUGE("rtt_microseconds", "Round trip to members who get media, their mean.",
          sfu.receivers.rtt_us),
    GAUGE("rtt_most_microseconds", "The longest of them.", sfu.receivers.rtt_most_us),
    GAUGE("loss_out_ppm", "Loss on the way to members, their mean, in millionths.",
          sfu.receivers.loss_ppm),
    GAUGE("blocks_used", "Blocks of packets on their way out.", sfu.blocks_used),
    GAUGE("blocks_most", "Most of them at a time.", sfu.blocks_most),
    GAUGE("memory_bytes", "Memory for packets.", sfu.memory),
    COUNTER("datagrams_received_total", "Datagrams of anybody.", udp.received),
    COUNTER("datagrams_sent_total", "Datagrams sent.", udp.sent),
    COUNTER("datagrams_dropped_total", "Not sent: the socket was full.", udp.dropped),
    COUNTER("datagrams_failed_total", "Not sent: the system refused.", udp.failed),
    COUNTER("datagrams_overflowed_total", "Not received: the socket was full.", udp.overflowed),
    COUNTER("wishes_refused_total", "What members asked of the switch in vain.", desk.refused),
    COUNTER("unreported_total", "Messages to members dropped: too many waited.", unreported),
};
#define WORKER_NUMBERS (sizeof worker_numbers / sizeof worker_numbers[0])

static_assert(SFU_LAYERS == 3, "a row for each layer");

static uint64_t number_of(const struct media_worker_stats *s, const struct worker_number *n)
{
    const char *at = (const char *)s + n->at;
    uint32_t narrow;
    uint64_t wide;
    if (n->size == sizeof narrow) {
        memcpy(&narrow, at, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, at, sizeof wide);
    return wide;
}

static void put_row(struct buf *out, const struct worker_number *number,
                    const struct media_worker_stats *stats, unsigned workers)
{
    char text[256];
    for (unsigned i = 0; i < workers; i++) {
        int n = snprintf(text, sizeof text, "conclave_media_%s{worker=\"%u\"%s%s} %" PRIu64 "\n",
                         number->name, i, number->label == NULL ? "" : ",",
                         number->label == NULL ? "" : number->label, number_of(&stats[i], number));
        buf_put(out, bytes_of(text, (size_t)n));
    }
}

static void put_workers(const struct media *m, struct buf *out)
{
    struct media_worker_stats stats[MEDIA_WORKERS];
    unsigned workers = media_workers(m);
    const char *before = "";
    for (unsigned i = 0; i < workers; i++)
        media_worker_stats(media_worker(m, i), &stats[i]);
    for (size_t k = 0; k < WORKER_NUMBERS; k++) {
        const struct worker_number *number = &worker_numbers[k];
        char text[256];
        int n = snprintf(text, sizeof text,
                         "# HELP conclave_media_%s %s\n# TYPE conclave_media_%s %s\n", number->name,
                         number->help, number->name, number->type);
        if (strcmp(number->name, before) != 0)
            buf_put(out, bytes_of(text, (size_t)n));
        before = number->name;
        put_row(out, number, stats, workers);
    }
}

static void put_media(const struct daemon *d, struct buf *out)
{
    struct media_counters c;
    if (d->media == NULL)
        return;
    media_counters(d->media, &c);
    counter(out, "media_unheard_total", "Messages of members dropped: too many waited.", c.unheard);
    put_workers(d->media, out);
}

void daemon_metrics(const struct daemon *d, struct buf *out)
{
    uint64_t up = net_loop_now(d->loop) - d->started_us;
    char build[160];
    int n = snprintf(build, sizeof build,
                     "# HELP conclave_build_info Which conclaved this is.\n"
                     "# TYPE conclave_build_info gauge\nconclave_build_info{version=\"%s\"} 1\n",
                     conclave_version());
    buf_put(out, bytes_of(build, (size_t)n));
    gauge(out, "uptime_seconds", "Seconds since the server was ready.", up / 1000000);
    counter(out, "errors_total", "Errors of the system; the log has them.", d->errors);
    counter(out, "store_errors_total", "Of them, failures to write to the database.",
            d->store_errors);
    put_network(d, out);
    put_hall(d, out);
    put_media(d, out);
}
