/* Where a datagram comes from or goes to: an IP address and a port, without the system's types.
 *
 * An IPv4 address that came through an IPv6 socket (::ffff:a.b.c.d) is an IPv4 address here, so
 * that each address has one spelling. Link-local scopes are not carried: nobody offers such.
 */
#ifndef RTC_ADDRESS_H
#define RTC_ADDRESS_H

#include <string.h>

#include <conclave/bytes.h>

enum rtc_family { RTC_NO_FAMILY = 0, RTC_IPV4 = 4, RTC_IPV6 = 6 };

struct rtc_address {
    uint8_t family; /* enum rtc_family */
    uint8_t ip[16]; /* in network order; of IPv4 the first four, the others zero */
    uint16_t port;
};

static inline struct rtc_address rtc_address_ipv4(const uint8_t ip[static 4], uint16_t port)
{
    struct rtc_address a = {.family = RTC_IPV4, .port = port};
    memcpy(a.ip, ip, 4);
    return a;
}

static inline struct rtc_address rtc_address_ipv6(const uint8_t ip[static 16], uint16_t port)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291 2.5.5.2 */
    if (bytes_equal(bytes_of(ip, sizeof mapped), bytes_of(mapped, sizeof mapped)))
        return rtc_address_ipv4(ip + sizeof mapped, port);
    struct rtc_address a = {.family = RTC_IPV6, .port = port};
    memcpy(a.ip, ip, 16);
    return a;
}

static inline bool rtc_address_equal(const struct rtc_address *a, const struct rtc_address *b)
{
    return a->family == b->family && a->port == b->port &&
           bytes_equal(bytes_of(a->ip, sizeof a->ip), bytes_of(b->ip, sizeof b->ip));
}

#endif
