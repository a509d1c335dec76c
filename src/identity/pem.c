#include "identity/pem.h"

#include <string.h>

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

static const uint8_t *find(struct bytes in, const char *what)
{
    size_t n = strlen(what);
    for (size_t i = 0; i + n <= in.n; i++)
        if (bytes_equal(bytes_of(in.p + i, n), bytes_of(what, n)))
            return in.p + i;
    return NULL;
}

static int value_of(uint8_t c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == 0 ? NULL : strchr(alphabet, c);
    return at == NULL ? -1 : (int)(at - alphabet);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 4648 4, white space between the lines. Once there is padding, nothing else may follow. */
static bool decode(struct bytes in, struct buf *out)
{
    uint32_t bits = 0;
    unsigned have = 0, padding = 0;
    for (size_t i = 0; i < in.n; i++) {
        int v = value_of(in.p[i]);
        if (is_space(in.p[i]))
            continue;
        if (in.p[i] == '=')
            padding++;
        else if (v < 0 || padding != 0)
            return false;
        bits = bits << 6 | (v < 0 ? 0u : (uint32_t)v);
        if (++have % 4 == 0) {
            const uint8_t three[] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
            if (padding > 2 || (padding != 0 && three[3 - padding] != 0))
                return false;
            buf_put(out, bytes_of(three, 3 - padding));
            bits = 0;
        }
    }
    return have != 0 && have % 4 == 0 && padding <= 2;
}

int pem_next(struct bytes *rest, struct buf *out)
{
    const uint8_t *end_of_text = rest->p + rest->n, *begin = find(*rest, BEGIN);
    buf_clear(out);
    if (begin == NULL)
        return 0;
    begin += strlen(BEGIN);
    const uint8_t *end = find(bytes_of(begin, (size_t)(end_of_text - begin)), END);
    if (end == NULL || !decode(bytes_of(begin, (size_t)(end - begin)), out))
        return CONCLAVE_ESYNTAX;
    end += strlen(END);
    *rest = bytes_of(end, (size_t)(end_of_text - end));
    return buf_check(out) == 0 ? 1 : CONCLAVE_ENOMEM;
}
