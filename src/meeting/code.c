#include "meeting/code.h"

#include "base/wipe.h"
#include "crypto/scrypt.h"

#define SYMBOLS 15
#define BYTES 10 /* 80 bits, of which 75 are shown */
#define SALT "Conclave 1.0 security code"

static const struct scrypt_cost cost = {.n = 1u << 14, .r = 8, .p = 1};

/* RFC 4648 section 6: five bits a symbol, from the left. */
static char symbol(const uint8_t *bytes, unsigned i)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned bit = i * 5;
    unsigned two = (unsigned)bytes[bit / 8] << 8 | bytes[bit / 8 + 1];
    return alphabet[two >> (11 - bit % 8) & 31];
}

int meeting_code(struct bytes authenticator, char out[static MEETING_CODE_SIZE])
{
    uint8_t bytes[BYTES];
    if (authenticator.n == 0)
        return CONCLAVE_EINVAL;
    int rv = crypto_scrypt(authenticator, bytes_str(SALT), &cost, bytes, sizeof bytes);
    if (rv != 0)
        return rv;
    char *p = out;
    for (unsigned i = 0; i < SYMBOLS; i++) {
        if (i != 0 && i % 3 == 0)
            *p++ = ' ';
        *p++ = symbol(bytes, i);
    }
    *p = '\0';
    wipe(bytes, sizeof bytes);
    return 0;
}
