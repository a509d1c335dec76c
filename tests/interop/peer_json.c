#include "peer_json.h"

#include <stdlib.h>

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

int peer_json_bytes(const json_t *value, struct buf *out)
{
    if (!json_is_string(value))
        return CONCLAVE_ESYNTAX;
    const char *hex = json_string_value(value);
    size_t n = json_string_length(value);
    if (n % 2 != 0)
        return CONCLAVE_ESYNTAX;
    buf_clear(out);
    int rv = buf_reserve(out, n / 2);
    for (size_t i = 0; rv == 0 && i < n; i += 2) {
        int high = nibble(hex[i]), low = nibble(hex[i + 1]);
        if (high < 0 || low < 0)
            return CONCLAVE_ESYNTAX;
        uint8_t byte = (uint8_t)(high << 4 | low);
        buf_put(out, bytes_of(&byte, 1));
    }
    return rv != 0 ? rv : buf_check(out);
}

int peer_json_get_bytes(const json_t *object, const char *key, struct buf *out)
{
    const json_t *value = json_object_get(object, key);
    if (value != NULL)
        return peer_json_bytes(value, out);
    buf_clear(out);
    return 0;
}

const char *peer_json_get_string(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s != NULL ? s : "";
}

bool peer_json_get_bool(const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

uint64_t peer_json_get_number(const json_t *object, const char *key, uint64_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (uint64_t)json_integer_value(value) : otherwise;
}

void peer_json_put_bytes(json_t *object, const char *key, struct bytes value)
{
    static const char digits[] = "0123456789abcdef";
    char *hex = malloc(2 * value.n + 1);
    if (hex == NULL)
        return;
    for (size_t i = 0; i < value.n; i++) {
        hex[2 * i] = digits[value.p[i] >> 4];
        hex[2 * i + 1] = digits[value.p[i] & 15];
    }
    json_object_set_new(object, key, json_stringn(hex, 2 * value.n));
    free(hex);
}

void peer_json_put_number(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

void peer_json_put_string(json_t *object, const char *key, const char *value)
{
    json_object_set_new(object, key, json_string(value));
}
