/* Addresses as the network has them (net/udp.h) and as media has them (rtc/address.h). */
#ifndef CMD_UDP_ADDRESS_H
#define CMD_UDP_ADDRESS_H

#include "net/udp.h"
#include "rtc/address.h"

static inline struct net_udp_address udp_address_to_net(const struct rtc_address *a)
{
    struct net_udp_address to = {.family = a->family, .port = a->port};
    _Static_assert((int)NET_UDP_IPV4 == (int)RTC_IPV4 && (int)NET_UDP_IPV6 == (int)RTC_IPV6,
                   "families are numbered alike");
    memcpy(to.ip, a->ip, sizeof to.ip);
    return to;
}

static inline struct rtc_address udp_address_of_net(const struct net_udp_address *a)
{
    return a->family == NET_UDP_IPV6 ? rtc_address_ipv6(a->ip, a->port)
                                     : rtc_address_ipv4(a->ip, a->port);
}

#endif
