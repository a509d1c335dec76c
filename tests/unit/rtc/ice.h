/* What the tests of both sides of ICE share. */
#ifndef TESTS_UNIT_RTC_ICE_H
#define TESTS_UNIT_RTC_ICE_H

/* cmocka wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/ice.h"
#include "support/alloc_fail.h"

#define SERVER_LOGIN ((struct ice_login){bytes_str("serv"), bytes_str("the+servers+password+1234")})
#define CLIENT_LOGIN ((struct ice_login){bytes_str("clie"), bytes_str("the+clients+password+5678")})
#define NEW_SERVER_LOGIN \
    ((struct ice_login){bytes_str("ser2"), bytes_str("the+servers+password+next")})
#define NEW_CLIENT_LOGIN \
    ((struct ice_login){bytes_str("cli2"), bytes_str("the+clients+password+next")})
#define NO_LOGIN ((struct ice_login){0})

/* 192.0.2.host:port */
static inline struct rtc_address at(uint8_t host, uint16_t port)
{
    return rtc_address_ipv4((const uint8_t[]){192, 0, 2, host}, port);
}

/* [2001:db8::host]:port */
static inline struct rtc_address at6(uint8_t host, uint16_t port)
{
    const uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = host};
    return rtc_address_ipv6(ip, port);
}

static inline struct ice_credentials credentials(struct ice_login login)
{
    struct ice_credentials c = {0};
    assert_int_equal(ice_credentials_set(&c, login), 0);
    return c;
}

/* A message written with these credentials, to be freed. */
static inline struct buf written(const struct stun_message *m, struct bytes password)
{
    struct buf b = {0};
    assert_int_equal(stun_write(m, password, &b), 0);
    return b;
}

static inline struct stun_message read_back(struct bytes datagram)
{
    struct stun_message m;
    assert_int_equal(stun_read(datagram, &m), 0);
    return m;
}

#endif
