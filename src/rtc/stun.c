#include "rtc/stun.h"

#include "base/ct.h"
#include "crypto/sha1.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define COOKIE 0x2112a442u   /* RFC 8489 5 */
#define CRC_MASK 0x5354554eu /* RFC 8489 14.7 */
#define ATTRIBUTE_HEADER 4
#define INTEGRITY_SIZE (ATTRIBUTE_HEADER + SHA1_SIZE)
#define FINGERPRINT_SIZE (ATTRIBUTE_HEADER + 4)

/* RFC 8489 18.3, RFC 8445 16.1. Below OPTIONAL, who does not know an attribute must say so. */
enum attribute {
    USERNAME = 0x0006,
    MESSAGE_INTEGRITY = 0x0008,
    ERROR_CODE = 0x0009,
    UNKNOWN_ATTRIBUTES = 0x000a,
    XOR_MAPPED_ADDRESS = 0x0020,
    PRIORITY = 0x0024,
    USE_CANDIDATE = 0x0025,
    OPTIONAL = 0x8000,
    FINGERPRINT = 0x8028,
    ICE_CONTROLLED = 0x8029,
    ICE_CONTROLLING = 0x802a,
};

/* The CRC of ITU V.42, four bits at a time: messages are short. */
static uint32_t crc32_of(struct bytes data)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < data.n; i++) {
        crc ^= data.p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* RFC 8489 5, figure 3: the class bits stand between those of the method. */
static uint16_t type_of(enum stun_class class, unsigned method)
{
    unsigned bits = (method & 0xf80) << 2 | (method & 0x070) << 1 | (method & 0x00f);
    return (uint16_t)(bits | ((unsigned)class & 2) << 7 | ((unsigned)class & 1) << 4);
}

static void type_read(struct stun_message *m, unsigned type)
{
    m->class = (enum stun_class)((type >> 7 & 2) | (type >> 4 & 1));
    m->method = (uint16_t)((type >> 2 & 0xf80) | (type >> 1 & 0x070) | (type & 0x00f));
}

/* RFC 8489 14.2: port and address are XORed with the cookie, and of IPv6 also with the
 * transaction. XORing once more undoes it. */
static void xor_address(struct rtc_address *a, const uint8_t transaction[STUN_TRANSACTION_SIZE])
{
    uint8_t mask[16] = {COOKIE >> 24, COOKIE >> 16 & 255, COOKIE >> 8 & 255, COOKIE & 255};
    memcpy(mask + 4, transaction, STUN_TRANSACTION_SIZE);
    a->port ^= COOKIE >> 16;
    for (size_t i = 0; i < (a->family == RTC_IPV4 ? 4 : 16); i++)
        a->ip[i] ^= mask[i];
}

/* ---- Reading ---- */

static void read_address(struct reader *r, const struct stun_message *m, struct rtc_address *out)
{
    struct rtc_address a = {0};
    (void)read_u8(r); /* RFC 8489 14.1: ignored */
    uint8_t family = read_u8(r);
    a.family = family == 1 ? RTC_IPV4 : RTC_IPV6;
    a.port = read_u16(r);
    struct bytes ip = read_bytes(r, a.family == RTC_IPV4 ? 4 : 16);
    if (family != 1 && family != 2)
        reader_fail(r);
    if (!reader_ok(r))
        return;
    memcpy(a.ip, ip.p, ip.n);
    xor_address(&a, m->transaction);
    if (out->family == RTC_NO_FAMILY)
        *out = a;
}

/* RFC 8489 14.8: the reason is for people, and is left where it is. */
static void read_error(struct reader *r, struct stun_message *m)
{
    (void)read_u16(r);
    unsigned class = read_u8(r) & 7u;
    unsigned number = read_u8(r);
    (void)read_bytes(r, reader_left(r));
    if (class < 3 || class > 6 || number > 99)
        reader_fail(r);
    if (m->error == 0)
        m->error = (uint16_t)(class * 100 + number);
}

static void read_role(struct reader *r, struct stun_message *m, enum stun_role role)
{
    uint64_t tie_breaker = read_u64(r);
    if (m->role != STUN_NO_ROLE)
        return;
    m->role = role;
    m->tie_breaker = tie_breaker;
}

static void read_username(struct reader *r, struct stun_message *m)
{
    struct bytes name = read_bytes(r, reader_left(r));
    if (name.n > STUN_USERNAME_MAX)
        reader_fail(r);
    if (!m->has_username)
        m->username = name;
    m->has_username = true;
}

static void read_priority(struct reader *r, struct stun_message *m)
{
    uint32_t priority = read_u32(r);
    if (!m->has_priority)
        m->priority = priority;
    m->has_priority = true;
}

/* The value's reader must be at its end afterwards. CONCLAVE_ELIMIT: too many unknown ones. */
static int read_attribute(struct stun_message *m, unsigned type, struct reader *r)
{
    switch (type) {
    case USERNAME:
        read_username(r, m);
        break;
    case XOR_MAPPED_ADDRESS:
        read_address(r, m, &m->mapped);
        break;
    case ERROR_CODE:
        read_error(r, m);
        break;
    case PRIORITY:
        read_priority(r, m);
        break;
    case USE_CANDIDATE:
        m->use_candidate = true;
        break;
    case ICE_CONTROLLED:
        read_role(r, m, STUN_CONTROLLED);
        break;
    case ICE_CONTROLLING:
        read_role(r, m, STUN_CONTROLLING);
        break;
    default:
        if (type < OPTIONAL && type != UNKNOWN_ATTRIBUTES) {
            if (m->unknown_count == STUN_UNKNOWN_MAX)
                return CONCLAVE_ELIMIT;
            m->unknown[m->unknown_count++] = (uint16_t)type;
        }
        return 0;
    }
    return reader_end(r);
}

/* One attribute: r stands at it, within the datagram that starts at `start`. */
static int read_next(struct stun_message *m, struct bytes datagram, struct reader *r)
{
    size_t at = datagram.n - reader_left(r);
    unsigned type = read_u16(r);
    size_t n = read_u16(r);
    struct reader value = reader_of(read_bytes(r, n));
    (void)read_bytes(r, -n & 3);             /* RFC 8489 14: padding may be anything */
    if (!reader_ok(r) || m->has_fingerprint) /* RFC 8489 14.7: that was the last attribute */
        return CONCLAVE_ESYNTAX;
    if (type == FINGERPRINT) {
        m->has_fingerprint = true;
        uint32_t crc = read_u32(&value) ^ CRC_MASK;
        if (crc != crc32_of(bytes_of(datagram.p, at)))
            return CONCLAVE_ESYNTAX;
        return reader_end(&value);
    }
    if (m->integrity.n != 0) /* RFC 8489 14.5: whoever put it there, nothing vouches for it */
        return 0;
    if (type == MESSAGE_INTEGRITY) {
        m->integrity = read_bytes(&value, SHA1_SIZE);
        m->covered = bytes_of(datagram.p, at);
        return reader_end(&value);
    }
    return read_attribute(m, type, &value);
}

int stun_read(struct bytes datagram, struct stun_message *out)
{
    struct stun_message m = {0};
    struct reader r = reader_of(datagram);
    unsigned type = read_u16(&r);
    size_t n = read_u16(&r);
    uint32_t cookie = read_u32(&r);
    struct bytes transaction = read_bytes(&r, STUN_TRANSACTION_SIZE);
    /* RFC 8489 5 and 6.3: two zero bits, whole words, and nothing behind the message */
    if (!reader_ok(&r) || type > 0x3fff || cookie != COOKIE || n % 4 != 0 || n != reader_left(&r))
        return CONCLAVE_ESYNTAX;
    if (datagram.n > STUN_MESSAGE_MAX)
        return CONCLAVE_ELIMIT;
    type_read(&m, type);
    memcpy(m.transaction, transaction.p, transaction.n);
    while (reader_left(&r) != 0) {
        int rv = read_next(&m, datagram, &r);
        if (rv != 0)
            return rv;
    }
    *out = m;
    return 0;
}

/* RFC 8489 14.5: the HMAC is over all that comes before it, under a header whose length ends with
 * the HMAC's attribute. */
static int integrity_of(struct bytes covered, struct bytes password, uint8_t out[static SHA1_SIZE])
{
    uint8_t copy[STUN_MESSAGE_MAX];
    size_t length = covered.n - STUN_HEADER_SIZE + INTEGRITY_SIZE;
    if (covered.n > sizeof copy)
        return CONCLAVE_ELIMIT;
    memcpy(copy, covered.p, covered.n);
    copy[2] = (uint8_t)(length >> 8);
    copy[3] = (uint8_t)length;
    return crypto_hmac_sha1(password, bytes_of(copy, covered.n), out);
}

int stun_verify(const struct stun_message *m, struct bytes password)
{
    uint8_t expected[SHA1_SIZE];
    if (m->integrity.n != SHA1_SIZE)
        return CONCLAVE_ESIGNATURE;
    int rv = integrity_of(m->covered, password, expected);
    if (rv != 0)
        return rv;
    return ct_equal(m->integrity, bytes_of(expected, sizeof expected)) ? 0 : CONCLAVE_ESIGNATURE;
}

/* ---- Writing ---- */

static void write_attribute(struct buf *b, enum attribute type, struct bytes value)
{
    write_u16(b, (uint16_t)type);
    write_u16(b, (uint16_t)value.n);
    buf_put(b, value);
    buf_put_zero(b, -value.n & 3);
}

static void write_address(struct buf *b, const struct stun_message *m)
{
    struct rtc_address a = m->mapped;
    size_t n = a.family == RTC_IPV4 ? 4 : 16;
    if (a.family == RTC_NO_FAMILY)
        return;
    xor_address(&a, m->transaction);
    write_u16(b, XOR_MAPPED_ADDRESS);
    write_u16(b, (uint16_t)(4 + n));
    write_u16(b, a.family == RTC_IPV4 ? 1 : 2);
    write_u16(b, a.port);
    buf_put(b, bytes_of(a.ip, n));
}

static void write_error(struct buf *b, const struct stun_message *m)
{
    if (m->error == 0)
        return;
    write_u16(b, ERROR_CODE);
    write_u16(b, 4);
    write_u16(b, 0);
    write_u16(b, (uint16_t)(m->error / 100 << 8 | m->error % 100));
    if (m->unknown_count == 0)
        return;
    write_u16(b, UNKNOWN_ATTRIBUTES);
    write_u16(b, (uint16_t)(2 * m->unknown_count));
    for (size_t i = 0; i < m->unknown_count; i++)
        write_u16(b, m->unknown[i]);
    buf_put_zero(b, 2 * (m->unknown_count & 1));
}

static void write_ice(struct buf *b, const struct stun_message *m)
{
    if (m->has_priority) {
        write_u16(b, PRIORITY);
        write_u16(b, 4);
        write_u32(b, m->priority);
    }
    if (m->use_candidate)
        write_attribute(b, USE_CANDIDATE, bytes_of(NULL, 0));
    if (m->role != STUN_NO_ROLE) {
        write_u16(b, m->role == STUN_CONTROLLED ? ICE_CONTROLLED : ICE_CONTROLLING);
        write_u16(b, 8);
        write_u64(b, m->tie_breaker);
    }
}

/* The header's length counts `more` bytes that are still to come. */
static void set_length(struct buf *b, size_t start, size_t more)
{
    size_t length = b->n - start - STUN_HEADER_SIZE + more;
    b->p[start + 2] = (uint8_t)(length >> 8);
    b->p[start + 3] = (uint8_t)length;
}

/* Room is reserved, so that nothing here runs out of memory. */
static int write_end(struct buf *b, size_t start, struct bytes password)
{
    uint8_t hmac[SHA1_SIZE];
    if (password.n != 0) {
        int rv = integrity_of(bytes_of(b->p + start, b->n - start), password, hmac);
        if (rv != 0)
            return rv;
        write_attribute(b, MESSAGE_INTEGRITY, bytes_of(hmac, sizeof hmac));
    }
    set_length(b, start, FINGERPRINT_SIZE);
    uint32_t crc = crc32_of(bytes_of(b->p + start, b->n - start)) ^ CRC_MASK;
    write_u16(b, FINGERPRINT);
    write_u16(b, 4);
    write_u32(b, crc);
    return 0;
}

static bool is_writable(const struct stun_message *m)
{
    return m->method <= 0xfff && (unsigned)m->class <= STUN_ERROR &&
           (m->error == 0 || (m->error >= 300 && m->error <= 699)) &&
           m->unknown_count <= STUN_UNKNOWN_MAX && m->username.n <= STUN_USERNAME_MAX;
}

int stun_write(const struct stun_message *m, struct bytes password, struct buf *out)
{
    size_t start = out->n;
    if (!is_writable(m))
        return CONCLAVE_EINVAL;
    int rv = buf_reserve(out, STUN_MESSAGE_MAX);
    if (rv != 0)
        return rv;
    write_u16(out, type_of(m->class, m->method));
    write_u16(out, 0);
    write_u32(out, COOKIE);
    buf_put(out, bytes_of(m->transaction, sizeof m->transaction));
    if (m->has_username)
        write_attribute(out, USERNAME, m->username);
    write_ice(out, m);
    write_address(out, m);
    write_error(out, m);
    rv = write_end(out, start, password);
    if (rv != 0)
        out->n = start;
    return rv;
}
