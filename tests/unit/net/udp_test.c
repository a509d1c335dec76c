/* Datagrams over loopback: they arrive whole and in order, alone and by bursts, over IPv4 and IPv6,
 * with offload and without; and what a socket does not take is counted, not waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/udp.h"
#include "support/alloc_fail.h"

#define SECOND UINT64_C(1000000)
#define MANY 420

/* ---- The system, made to refuse ---- */

/* The next so many calls fail like that; those with UDP_SEGMENT alone, if so. */
static struct {
    unsigned times;
    int error;
    bool offload_only;
} refusal;

/* In place of libc's: loopback never has a full socket. */
int sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
    bool offload = messages[0].msg_hdr.msg_controllen != 0;
    if (refusal.times != 0 && (offload || !refusal.offload_only)) {
        refusal.times--;
        errno = refusal.error;
        return -1;
    }
    return (int)syscall(SYS_sendmmsg, fd, messages, n, flags);
}

/* ---- Two ports ---- */

struct got {
    uint8_t first; /* byte of the datagram */
    size_t n;
    struct net_udp_address from;
};

struct fixture {
    struct net_udp *a, *b;
    struct got got[MANY];
    size_t n;
};

static void take(void *ctx, uint8_t *p, size_t n, const struct net_udp_address *from)
{
    struct fixture *f = ctx;
    assert_in_range(n, 1, 65535);
    assert_true(f->n < MANY);
    for (size_t i = 1; i < n; i++)
        assert_int_equal(p[i], (uint8_t)(p[0] + i));
    f->got[f->n++] = (struct got){p[0], n, *from};
    memset(p, 0xee, n); /* it is ours: the next one must not suffer */
}

static struct fixture *opened(const struct net_udp_config *config)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(net_udp_open(config, &f->a), 0);
    assert_int_equal(net_udp_open(config, &f->b), 0);
    refusal.times = 0;
    return f;
}

static int open_plain(void **state)
{
    *state = opened(&(struct net_udp_config){.loopback = true, .no_offload = true});
    return 0;
}

static int open_offload(void **state)
{
    *state = opened(&(struct net_udp_config){.loopback = true});
    return 0;
}

static int close_both(void **state)
{
    struct fixture *f = *state;
    net_udp_free(f->a);
    net_udp_free(f->b);
    free(f);
    return 0;
}

static struct net_udp_address address_of(const struct net_udp *u, enum net_udp_family family)
{
    struct net_udp_address a = {.family = (uint8_t)family, .port = net_udp_port(u)};
    if (family == NET_UDP_IPV4) {
        a.ip[0] = 127;
        a.ip[3] = 1;
    } else {
        a.ip[15] = 1;
    }
    return a;
}

/* So many datagrams of `segment` bytes, the last of `last`; each counts on from its number. */
static struct net_udp_group group_of(struct fixture *f, enum net_udp_family family, uint8_t *space,
                                     size_t count, uint16_t segment, size_t last)
{
    size_t n = (count - 1) * segment + last;
    for (size_t i = 0; i < n; i++)
        space[i] = (uint8_t)(i / segment + i % segment);
    return (struct net_udp_group){address_of(f->b, family), space, n, segment};
}

/* Until b has so many, or nothing has come for a while. */
static void receive(struct fixture *f, size_t want)
{
    const struct net_udp_sink sink = {f, take};
    for (unsigned idle = 0; f->n < want && idle < 5;) {
        assert_false(net_udp_wait(f->b, -1, SECOND / 5));
        idle += net_udp_receive(f->b, &sink) == 0;
    }
    assert_int_equal(f->n, want);
}

static void assert_burst(const struct fixture *f, size_t from, size_t count, size_t segment,
                         size_t last)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(f->got[from + i].first, (uint8_t)i);
        assert_int_equal(f->got[from + i].n, i + 1 == count ? last : segment);
        assert_int_equal(f->got[from + i].from.port, net_udp_port(f->a));
    }
}

/* ---- Tests ---- */

static void a_datagram_arrives_from_whom_it_is(void **state)
{
    static uint8_t space[100];
    struct fixture *f = *state;
    struct net_udp_group g = group_of(f, NET_UDP_IPV4, space, 1, 100, 100);
    struct net_udp_address a = address_of(f->a, NET_UDP_IPV4);
    net_udp_send(f->a, &g, 1);
    receive(f, 1);
    assert_burst(f, 0, 1, 100, 100);
    assert_int_equal(f->got[0].from.family, a.family);
    assert_memory_equal(f->got[0].from.ip, a.ip, sizeof a.ip);
}

static void both_families_come_to_one_port(void **state)
{
    static uint8_t four[300], six[300];
    struct fixture *f = *state;
    if (!net_udp_has(f->b, NET_UDP_IPV6))
        skip();
    struct net_udp_group groups[] = {group_of(f, NET_UDP_IPV6, six, 3, 100, 100),
                                     group_of(f, NET_UDP_IPV4, four, 3, 100, 50)};
    struct net_udp_address a = address_of(f->a, NET_UDP_IPV6);
    net_udp_send(f->a, groups, 2);
    receive(f, 6);
    assert_burst(f, 0, 3, 100, 50);
    assert_burst(f, 3, 3, 100, 100);
    assert_int_equal(f->got[3].from.family, NET_UDP_IPV6);
    assert_memory_equal(f->got[3].from.ip, a.ip, sizeof a.ip);
}

/* More datagrams than one message, and more messages than one call, hold. */
static void bursts_arrive_whole_and_in_order(void **state)
{
    enum { COUNT = 70, SIZE = 1200, GROUPS = 2, ALL = GROUPS * COUNT };
    static uint8_t space[COUNT * SIZE];
    struct fixture *f = *state;
    struct net_udp_group g = group_of(f, NET_UDP_IPV4, space, COUNT, SIZE, 7);
    struct net_udp_group groups[GROUPS] = {g, g};
    struct net_udp_counters sent, got;
    net_udp_send(f->a, groups, GROUPS);
    receive(f, ALL);
    for (size_t i = 0; i < GROUPS; i++)
        assert_burst(f, i * COUNT, COUNT, SIZE, 7);
    net_udp_counters(f->a, &sent);
    net_udp_counters(f->b, &got);
    assert_int_equal(sent.sent, ALL);
    assert_int_equal(sent.bytes_sent, GROUPS * g.n);
    assert_int_equal(sent.dropped + sent.failed, 0);
    assert_int_equal(got.received, ALL);
    assert_int_equal(got.bytes_received, GROUPS * g.n);
}

/* Who asks once more without waiting finds what has come. */
static void an_empty_socket_is_asked_again_only_after_saying_so(void **state)
{
    static uint8_t space[100];
    struct fixture *f = *state;
    const struct net_udp_sink sink = {f, take};
    struct net_udp_group g = group_of(f, NET_UDP_IPV4, space, 1, 100, 100);
    struct net_udp_counters before, after;
    net_udp_send(f->a, &g, 1);
    receive(f, 1);
    net_udp_counters(f->b, &before);
    net_udp_send(f->a, &g, 1);
    assert_int_equal(net_udp_receive(f->b, &sink), 0);
    net_udp_counters(f->b, &after);
    assert_int_equal(after.receive_calls, before.receive_calls);
    assert_int_equal(net_udp_receive(f->b, &sink), 1);
}

static void offload_makes_few_calls_of_many_datagrams(void **state)
{
    enum { COUNT = 128, SIZE = 500 };
    static uint8_t space[COUNT * SIZE];
    struct fixture *f = *state;
    struct net_udp_group g = group_of(f, NET_UDP_IPV4, space, COUNT, SIZE, SIZE);
    struct net_udp_counters c;
    net_udp_counters(f->a, &c);
    if (!c.gso || !c.gro)
        skip();
    net_udp_send(f->a, &g, 1);
    receive(f, COUNT);
    net_udp_counters(f->a, &c);
    assert_int_equal(c.send_calls, 1);
    net_udp_counters(f->b, &c);
    assert_in_range(c.receive_calls, 1, 8);
}

static void without_offload_a_batch_is_one_call(void **state)
{
    enum { COUNT = LIMIT_NET_UDP_BATCH, SIZE = 500 };
    static uint8_t space[COUNT * SIZE];
    struct fixture *f = *state;
    struct net_udp_group g = group_of(f, NET_UDP_IPV4, space, COUNT, SIZE, SIZE);
    struct net_udp_counters c;
    net_udp_send(f->a, &g, 1);
    receive(f, COUNT);
    net_udp_counters(f->a, &c);
    assert_false(c.gso || c.gro);
    assert_int_equal(c.send_calls, 1);
}

static void what_the_system_will_not_cut_goes_one_by_one(void **state)
{
    static const int errors[] = {EINVAL, EMSGSIZE, EIO};
    static uint8_t space[10 * 100];
    struct fixture *f = *state;
    struct net_udp_group g = group_of(f, NET_UDP_IPV4, space, 10, 100, 30);
    struct net_udp_counters c;
    net_udp_counters(f->a, &c);
    if (!c.gso)
        skip();
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        refusal.times = 1;
        refusal.error = errors[i];
        refusal.offload_only = true;
        net_udp_send(f->a, &g, 1);
        receive(f, (i + 1) * 10);
        assert_burst(f, i * 10, 10, 100, 30);
    }
    net_udp_counters(f->a, &c);
    assert_int_equal(c.sent, sizeof errors / sizeof errors[0] * 10);
    assert_int_equal(c.failed, 0);
    net_udp_send(f->a, &g, 1); /* after EIO it is not tried again */
    receive(f, 40);
    net_udp_counters(f->a, &c);
    assert_int_equal(c.sent, 40);
}

static void a_full_socket_is_waited_for_but_not_for_long(void **state)
{
    static const int errors[] = {EAGAIN, ENOBUFS};
    static uint8_t space[40 * 100];
    struct fixture *f = *state;
    struct net_udp_group g = group_of(f, NET_UDP_IPV4, space, 40, 100, 100);
    struct net_udp_counters c;
    for (size_t i = 0; i < 2; i++) {
        refusal.times = LIMIT_NET_UDP_WAITS; /* as often as it is waited for: all goes out */
        refusal.error = errors[i];
        refusal.offload_only = false;
        net_udp_send(f->a, &g, 1);
        receive(f, (i + 1) * 40);
    }
    refusal.times = 1000;
    net_udp_send(f->a, &g, 1);
    assert_in_range(refusal.times, 900, 999);
    refusal.times = 0;
    net_udp_counters(f->a, &c);
    assert_int_equal(c.sent, 80);
    assert_int_equal(c.dropped, 40);
    assert_int_equal(c.failed, 0);
}

static void what_cannot_be_sent_holds_up_nothing_else(void **state)
{
    static uint8_t large[65535], space[100];
    struct fixture *f = *state;
    struct net_udp_group groups[] = {
        {address_of(f->b, NET_UDP_IPV4), large, 65535, 65535}, /* more than UDP can */
        {{.family = NET_UDP_IPV4, .port = 9, .ip = {192, 0, 2, 1}}, space, 100, 100},
        {{0}, space, 100, 100},                          /* of no family, */
        {address_of(f->b, NET_UDP_IPV4), space, 0, 100}, /* without a byte, */
        {address_of(f->b, NET_UDP_IPV4), space, 100, 0}, /* or of a closed peer: nothing is due */
        group_of(f, NET_UDP_IPV4, space, 1, 100, 100),
    };
    struct net_udp_counters c;
    net_udp_send(f->a, groups, sizeof groups / sizeof groups[0]);
    receive(f, 1);
    net_udp_counters(f->a, &c);
    assert_int_equal(c.failed, 2); /* 192.0.2.1 is no way from 127.0.0.1 */
    assert_int_equal(c.sent, 1);
    assert_int_equal(c.dropped, 0);
}

static void what_came_while_it_was_full_is_counted(void **state)
{
    enum { COUNT = 400, SIZE = 1000 };
    static uint8_t space[COUNT * SIZE];
    struct net_udp_config config = {.loopback = true, .no_offload = true, .receive_buffer = 30000};
    struct fixture *f = opened(&config);
    struct net_udp_group g = group_of(f, NET_UDP_IPV4, space, COUNT, SIZE, SIZE), one = g;
    const struct net_udp_sink sink = {f, take};
    struct net_udp_counters c;
    (void)state;
    net_udp_send(f->a, &g, 1);
    while (net_udp_receive(f->b, &sink) != 0)
        continue;
    assert_in_range(f->n, 1, COUNT - 1);
    one.n = SIZE;
    net_udp_send(f->a, &one, 1); /* only what comes in tells what did not */
    receive(f, f->n + 1);
    net_udp_counters(f->b, &c);
    assert_int_equal(c.received + c.overflowed, COUNT + 1);
    net_udp_free(f->a);
    net_udp_free(f->b);
    free(f);
}

static void waiting_ends_by_a_wake_a_datagram_or_the_time(void **state)
{
    static uint8_t space[10];
    struct fixture *f = *state;
    struct net_udp_group g = group_of(f, NET_UDP_IPV4, space, 1, 10, 10);
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(wake >= 0);
    assert_false(net_udp_wait(f->b, wake, 0));
    assert_false(net_udp_wait(f->b, wake, 1000));
    assert_int_equal(eventfd_write(wake, 1), 0);
    assert_true(net_udp_wait(f->b, wake, UINT64_MAX));
    (void)close(wake);
    net_udp_send(f->a, &g, 1);
    assert_false(net_udp_wait(f->b, -1, UINT64_MAX));
    receive(f, 1);
}

static void a_port_in_use_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct net_udp *u = NULL;
    struct net_udp_config config = {.port = net_udp_port(f->a), .loopback = true};
    assert_int_equal(net_udp_open(&config, &u), CONCLAVE_EINVAL);
    assert_int_equal(errno, EADDRINUSE);
    assert_null(u);
}

static void a_port_is_taken_for_both_families_or_not_at_all(void **state)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET6, SOCK_DGRAM, 0), on = 1;
    struct net_udp *u = NULL;
    (void)state;
    if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        (void)close(fd);
        skip();
    }
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    struct net_udp_config config = {.port = ntohs(at.sin6_port), .loopback = true};
    assert_int_equal(net_udp_open(&config, &u), CONCLAVE_EINVAL);
    (void)close(fd);
    assert_int_equal(net_udp_open(&config, &u), 0);
    net_udp_free(u);
}

static void without_memory_no_port_is_opened(void **state)
{
    const struct net_udp_config config = {.loopback = true};
    struct net_udp *u = NULL;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        alloc_fail_after(i);
        int rv = net_udp_open(&config, &u);
        alloc_fail_off();
        assert_int_equal(rv, CONCLAVE_ENOMEM);
        assert_null(u);
    }
    net_udp_free(NULL);
}

#define PLAIN(f) cmocka_unit_test_setup_teardown(f, open_plain, close_both)
#define OFFLOAD(f) cmocka_unit_test_setup_teardown(f, open_offload, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN(a_datagram_arrives_from_whom_it_is),
        OFFLOAD(a_datagram_arrives_from_whom_it_is),
        PLAIN(both_families_come_to_one_port),
        OFFLOAD(both_families_come_to_one_port),
        PLAIN(bursts_arrive_whole_and_in_order),
        OFFLOAD(bursts_arrive_whole_and_in_order),
        PLAIN(an_empty_socket_is_asked_again_only_after_saying_so),
        OFFLOAD(offload_makes_few_calls_of_many_datagrams),
        PLAIN(without_offload_a_batch_is_one_call),
        OFFLOAD(what_the_system_will_not_cut_goes_one_by_one),
        PLAIN(a_full_socket_is_waited_for_but_not_for_long),
        OFFLOAD(a_full_socket_is_waited_for_but_not_for_long),
        OFFLOAD(what_cannot_be_sent_holds_up_nothing_else),
        cmocka_unit_test(what_came_while_it_was_full_is_counted),
        PLAIN(waiting_ends_by_a_wake_a_datagram_or_the_time),
        PLAIN(a_port_in_use_is_an_error),
        cmocka_unit_test(a_port_is_taken_for_both_families_or_not_at_all),
        cmocka_unit_test(without_memory_no_port_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
