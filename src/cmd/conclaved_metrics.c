#include <inttypes.h>
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
}
