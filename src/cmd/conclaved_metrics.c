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

#define AT(field) offsetof(struct media_worker_stats, field)

static const struct worker_number {
    const char *name, *type, *help;
    size_t at;
    bool narrow; /* of 32 bits */
} worker_numbers[] = {
    {"meetings", "gauge", "Meetings with media.", AT(sfu.meetings), true},
    {"peers", "gauge", "Media transports.", AT(sfu.peers), true},
    {"peers_connected", "gauge", "Of them, connected.", AT(sfu.connected), true},
    {"packets_in_total", "counter", "Packets of members that were opened.",
     AT(sfu.counters.packets_in), false},
    {"packets_out_total", "counter", "Packets to members.", AT(sfu.counters.packets_out), false},
    {"bytes_in_total", "counter", "Bytes of members' packets.", AT(sfu.counters.bytes_in), false},
    {"bytes_out_total", "counter", "Bytes of packets to members.", AT(sfu.counters.bytes_out),
     false},
    {"lost_in_total", "counter", "Packets of members that never came.", AT(sfu.counters.lost_in),
     false},
    {"retransmitted_total", "counter", "Packets sent to members again.",
     AT(sfu.counters.retransmitted), false},
    {"key_frames_asked_total", "counter", "Key frames asked of members.",
     AT(sfu.counters.key_frames_asked), false},
    {"refused_total", "counter", "Packets that were malformed or of nobody known.",
     AT(sfu.counters.refused), false},
    {"dropped_video_total", "counter", "Pictures' packets dropped for want of room.",
     AT(sfu.counters.dropped_video), false},
    {"dropped_audio_total", "counter", "Sound's packets dropped for want of room.",
     AT(sfu.counters.dropped_audio), false},
    {"datagrams_received_total", "counter", "Datagrams of anybody.", AT(udp.received), false},
    {"datagrams_sent_total", "counter", "Datagrams sent.", AT(udp.sent), false},
    {"datagrams_dropped_total", "counter", "Not sent: the socket was full.", AT(udp.dropped),
     false},
    {"datagrams_failed_total", "counter", "Not sent: the system refused.", AT(udp.failed), false},
    {"datagrams_overflowed_total", "counter", "Not received: the socket was full.",
     AT(udp.overflowed), false},
    {"wishes_refused_total", "counter", "What members asked of the switch in vain.",
     AT(desk.refused), false},
};

static uint64_t number_of(const struct media_worker_stats *s, const struct worker_number *n)
{
    const char *at = (const char *)s + n->at;
    uint32_t narrow;
    uint64_t wide;
    memcpy(&narrow, at, sizeof narrow);
    if (n->narrow)
        return narrow;
    memcpy(&wide, at, sizeof wide);
    return wide;
}

static void put_media(const struct daemon *d, struct buf *out)
{
    struct media_worker_stats stats[MEDIA_WORKERS];
    unsigned workers = d->media == NULL ? 0 : media_workers(d->media);
    for (unsigned i = 0; i < workers; i++)
        media_worker_stats(media_worker(d->media, i), &stats[i]);
    for (size_t k = 0; workers != 0 && k < sizeof worker_numbers / sizeof worker_numbers[0]; k++) {
        const struct worker_number *number = &worker_numbers[k];
        char text[256];
        int n = snprintf(text, sizeof text,
                         "# HELP conclave_media_%s %s\n# TYPE conclave_media_%s %s\n", number->name,
                         number->help, number->name, number->type);
        buf_put(out, bytes_of(text, (size_t)n));
        for (unsigned i = 0; i < workers; i++) {
            n = snprintf(text, sizeof text, "conclave_media_%s{worker=\"%u\"} %" PRIu64 "\n",
                         number->name, i, number_of(&stats[i], number));
            buf_put(out, bytes_of(text, (size_t)n));
        }
    }
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
