#include "meeting/link.h"

#include <string.h>

#include "base/wipe.h"

#define PATH "/m/"
#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* ---- Reading: what is left of the text is a view that each step shortens ---- */

static bool take(struct bytes *text, const char *word)
{
    size_t n = strlen(word);
    if (text->n < n || !bytes_equal(bytes_of(text->p, n), bytes_of(word, n)))
        return false;
    *text = bytes_of(text->p + n, text->n - n);
    return true;
}

/* All that comes before the first of these characters, or all there is. */
static struct bytes take_until(struct bytes *text, const char *stop)
{
    size_t n = 0;
    while (n < text->n && (text->p[n] == '\0' || strchr(stop, text->p[n]) == NULL))
        n++;
    struct bytes taken = bytes_of(text->p, n);
    *text = bytes_of(text->p + n, text->n - n);
    return taken;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct bytes trim(struct bytes text)
{
    while (text.n != 0 && is_space(text.p[0]))
        text = bytes_of(text.p + 1, text.n - 1);
    while (text.n != 0 && is_space(text.p[text.n - 1]))
        text.n--;
    return text;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A name or address of what hosts are written with; whether there is such a host, the network
 * will tell. */
static bool host_ok(struct bytes host, bool v6)
{
    if (host.n == 0 || host.n > LINK_HOST_MAX)
        return false;
    for (size_t i = 0; i < host.n; i++) {
        uint8_t c = host.p[i];
        bool ok = v6 ? is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
                           c == ':' || c == '.'
                     : is_digit(c) || is_letter(c) || c == '-' || c == '.';
        if (!ok)
            return false;
    }
    return true;
}

static bool read_host(struct bytes *text, struct link *link)
{
    bool v6 = take(text, "[");
    struct bytes host = take_until(text, v6 ? "]" : ":/");
    if (!host_ok(host, v6) || (v6 && !take(text, "]")))
        return false;
    memcpy(link->host, host.p, host.n);
    link->host[host.n] = '\0';
    return true;
}

static bool read_port(struct bytes *text, struct link *link)
{
    unsigned port = 0;
    link->port = link->tls ? 443 : 80;
    if (!take(text, ":"))
        return true;
    struct bytes digits = take_until(text, "/");
    for (size_t i = 0; i < digits.n; i++) {
        if (!is_digit(digits.p[i]))
            return false;
        port = port * 10 + (digits.p[i] - '0');
        if (port > UINT16_MAX)
            return false;
    }
    link->port = (uint16_t)port;
    return port != 0;
}

static bool read_number(struct bytes *text, struct link *link)
{
    struct bytes number = take_until(text, "#");
    if (number.n != LINK_NUMBER)
        return false;
    for (size_t i = 0; i < number.n; i++) {
        if (!is_digit(number.p[i]))
            return false;
        link->number[i] = (char)number.p[i];
    }
    link->number[LINK_NUMBER] = '\0';
    return true;
}

/* RFC 4648 5 without padding, and what is left over of the last symbol is zero: one text for one
 * value. */
static bool base64url_read(struct bytes text, uint8_t *out, size_t n)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t at = 0;
    if (text.n != (n * 8 + 5) / 6)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        const char *symbol = text.p[i] == '\0' ? NULL : strchr(BASE64URL, text.p[i]);
        if (symbol == NULL)
            return false;
        bits = bits << 6 | (uint32_t)(symbol - BASE64URL);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[at++] = (uint8_t)(bits >> have);
            bits &= (1u << have) - 1;
        }
    }
    return bits == 0;
}

static bool read_fragment(struct bytes text, struct link *link)
{
    uint8_t both[LINK_SECRET + CARD_HASH];
    bool ok;
    if (text.n == 0)
        return true;
    link->has_hash = true;
    if (take(&text, "#0."))
        return base64url_read(text, link->card_hash, CARD_HASH);
    link->has_secret = true;
    ok = take(&text, "#1.") && base64url_read(text, both, sizeof both);
    if (ok) {
        memcpy(link->secret, both, LINK_SECRET);
        memcpy(link->card_hash, both + LINK_SECRET, CARD_HASH);
    }
    wipe(both, sizeof both);
    return ok;
}

/* Without TLS the server could be anybody, but for the one on this machine. */
static bool is_local(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
           strcmp(host, "::1") == 0;
}

int link_parse(const char *text, struct link *out)
{
    struct bytes rest = trim(bytes_str(text));
    *out = (struct link){0};
    out->tls = take(&rest, "https://");
    bool ok = rest.n <= LINK_TEXT_MAX && (out->tls || take(&rest, "http://")) &&
              read_host(&rest, out) && read_port(&rest, out) && take(&rest, PATH) &&
              read_number(&rest, out) && read_fragment(rest, out) &&
              (out->tls || is_local(out->host));
    if (!ok)
        link_wipe(out);
    return ok ? 0 : CONCLAVE_EINVAL;
}

/* ---- Writing ---- */

static void put(struct buf *b, const char *text)
{
    buf_put(b, bytes_str(text));
}

static void put_port(struct buf *b, unsigned port)
{
    char digits[] = ":00000";
    size_t at = sizeof digits - 1;
    for (; port != 0; port /= 10)
        digits[--at] = (char)('0' + port % 10);
    digits[--at] = ':';
    put(b, digits + at);
}

static void base64url_put(struct buf *b, struct bytes data)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < data.n; i++) {
        bits = bits << 8 | data.p[i];
        for (have += 8; have >= 6; have -= 6)
            buf_put(b, bytes_of(&BASE64URL[bits >> (have - 6) & 63], 1));
    }
    if (have != 0)
        buf_put(b, bytes_of(&BASE64URL[bits << (6 - have) & 63], 1));
}

static void put_link(struct buf *b, const struct link *link)
{
    uint8_t both[LINK_SECRET + CARD_HASH];
    bool v6 = strchr(link->host, ':') != NULL;
    put(b, link->tls ? "https://" : "http://");
    put(b, v6 ? "[" : "");
    put(b, link->host);
    put(b, v6 ? "]" : "");
    if (link->port != (link->tls ? 443 : 80))
        put_port(b, link->port);
    put(b, PATH);
    put(b, link->number);
    if (!link->has_hash)
        return;
    put(b, link->has_secret ? "#1." : "#0.");
    memcpy(both, link->secret, LINK_SECRET);
    memcpy(both + LINK_SECRET, link->card_hash, CARD_HASH);
    size_t from = link->has_secret ? 0 : LINK_SECRET;
    base64url_put(b, bytes_of(both + from, sizeof both - from));
    wipe(both, sizeof both);
}

/* Whether a text reads as a link that says the same: one place knows what a link is. */
static bool says(const char *text, const struct link *link)
{
    struct link back;
    bool same = link_parse(text, &back) == 0 && strcmp(back.host, link->host) == 0 &&
                back.port == link->port && strcmp(back.number, link->number) == 0 &&
                back.has_secret == link->has_secret && back.has_hash == link->has_hash;
    link_wipe(&back);
    return same;
}

int link_print(const struct link *link, struct buf *out)
{
    struct buf text = {0};
    put_link(&text, link);
    buf_put_zero(&text, 1);
    int rv = buf_check(&text);
    if (rv == 0 && !says((const char *)text.p, link))
        rv = CONCLAVE_EINVAL;
    if (rv == 0)
        rv = buf_reserve(out, text.n);
    if (rv == 0) {
        buf_put(out, buf_view(&text));
        out->n--;
    }
    buf_free(&text);
    return rv;
}

void link_wipe(struct link *link)
{
    wipe(link, sizeof *link);
}
