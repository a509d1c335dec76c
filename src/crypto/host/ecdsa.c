#include "crypto/host/ecdsa.h"

#include <string.h>

#include "wire/der.h"

static bool read_number(struct reader *r, size_t size, uint8_t *out)
{
    struct bytes number = der_positive(r);
    if (!reader_ok(r) || number.n > size)
        return false;
    memset(out, 0, size - number.n);
    memcpy(out + size - number.n, number.p, number.n);
    return true;
}

int host_ecdsa_read(struct bytes der, size_t size, uint8_t *out)
{
    uint8_t raw[2 * ECDSA_SIZE_MAX];
    if (size > ECDSA_SIZE_MAX)
        return CONCLAVE_EINVAL;
    struct reader r = reader_of(der);
    struct reader numbers = der_enter(&r, DER_SEQUENCE);
    bool ok = read_number(&numbers, size, raw) && read_number(&numbers, size, raw + size);
    der_leave(&r, &numbers);
    if (!ok || reader_end(&r) != 0)
        return CONCLAVE_ESIGNATURE;
    memcpy(out, raw, 2 * size);
    return 0;
}

/* X.690 8.3: the shortest form, with a zero in front of what would else be negative. */
static size_t write_number(const uint8_t *p, size_t size, uint8_t *out)
{
    while (size > 1 && *p == 0) {
        p++;
        size--;
    }
    size_t zero = (*p & 0x80) != 0 ? 1 : 0;
    out[0] = DER_INTEGER;
    out[1] = (uint8_t)(size + zero);
    out[2] = 0;
    memcpy(out + 2 + zero, p, size);
    return 2 + zero + size;
}

size_t host_ecdsa_write(const uint8_t *raw, size_t size, uint8_t *out)
{
    uint8_t numbers[2 * (ECDSA_SIZE_MAX + 3)];
    size_t n = write_number(raw, size, numbers);
    n += write_number(raw + size, size, numbers + n);
    size_t head = 0;
    out[head++] = DER_SEQUENCE;
    if (n >= 0x80) /* P-521 */
        out[head++] = 0x81;
    out[head++] = (uint8_t)n;
    memcpy(out + head, numbers, n);
    return head + n;
}
