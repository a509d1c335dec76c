/* An entry under way: its verdict, its memory, its fields. */
#include "mls_vectors.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mls/group_context.h"

/* ---- Verdicts ---- */

bool vec_ok(const struct vec *v)
{
    return !v->failed && !v->skipped;
}

void vec_fail(struct vec *v, const char *format, ...)
{
    va_list args;
    size_t n = 0;
    if (!vec_ok(v))
        return;
    v->failed = true;
    if (v->scope[0] != 0)
        n = (size_t)snprintf(v->why, sizeof v->why, "%s: ", v->scope);
    va_start(args, format);
    vsnprintf(v->why + n, sizeof v->why - n, format, args);
    va_end(args);
}

void vec_scope(struct vec *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(v->scope, sizeof v->scope, format, args);
    va_end(args);
}

bool vec_rv(struct vec *v, int rv, const char *what)
{
    if (rv != 0)
        vec_fail(v, "%s: %s, %s", what, conclave_error_name(rv), conclave_error_text(rv));
    return vec_ok(v);
}

bool vec_true(struct vec *v, bool condition, const char *what)
{
    if (!condition)
        vec_fail(v, "%s", what);
    return vec_ok(v);
}

/* The beginning is enough to recognise a value by. */
static void print_hex(struct bytes b, char out[static 40])
{
    size_t shown = b.n < 16 ? b.n : 16;
    for (size_t i = 0; i < shown; i++)
        snprintf(out + 2 * i, 3, "%02x", b.p[i]);
    snprintf(out + 2 * shown, 4, "%s", shown < b.n ? "..." : "");
}

bool vec_same(struct vec *v, struct bytes got, struct bytes want, const char *what)
{
    char a[40] = "", b[40] = "";
    if (bytes_equal(got, want))
        return vec_ok(v);
    print_hex(got, a);
    print_hex(want, b);
    vec_fail(v, "%s: got %s (%zu bytes), the file has %s (%zu bytes)", what, a, got.n, b, want.n);
    return false;
}

bool vec_same_number(struct vec *v, uint64_t got, uint64_t want, const char *what)
{
    if (got != want)
        vec_fail(v, "%s: got %llu, the file has %llu", what, (unsigned long long)got,
                 (unsigned long long)want);
    return vec_ok(v);
}

/* ---- Memory ---- */

struct vec_block {
    struct vec_block *next;
    void (*fini)(void *object);
    void *object;
};

void vec_defer(struct vec *v, void (*fini)(void *object), void *object)
{
    struct vec_block *b = calloc(1, sizeof *b);
    if (b == NULL || object == NULL) {
        fprintf(stderr, "mls-vectors: out of memory\n");
        exit(2);
    }
    *b = (struct vec_block){v->blocks, fini, object};
    v->blocks = b;
}

void *vec_alloc(struct vec *v, size_t n)
{
    void *p = calloc(n == 0 ? 1 : n, 1);
    vec_defer(v, free, p);
    return p;
}

static void fini_buf(void *p)
{
    buf_free(p);
}

struct buf *vec_buf(struct vec *v)
{
    struct buf *b = vec_alloc(v, sizeof *b);
    vec_defer(v, fini_buf, b);
    return b;
}

static void fini_tree(void *p)
{
    mls_tree_fini(p);
}

struct mls_tree *vec_tree(struct vec *v)
{
    struct mls_tree *t = vec_alloc(v, sizeof *t);
    int rv = mls_tree_init(t, v->crypto);
    if (rv == 0)
        vec_defer(v, fini_tree, t);
    vec_rv(v, rv, "empty tree");
    return t;
}

void vec_reset(struct vec *v)
{
    while (v->blocks != NULL) {
        struct vec_block *b = v->blocks;
        v->blocks = b->next;
        b->fini(b->object);
        free(b);
    }
    v->crypto = NULL;
    v->failed = v->skipped = false;
    v->scope[0] = v->why[0] = 0;
}

void vec_fini(struct vec *v)
{
    vec_reset(v);
    for (size_t i = 0; i <= VEC_SUITES; i++)
        crypto_free(v->suites[i]);
    *v = (struct vec){0};
}

/* ---- Fields ---- */

bool vec_has(const json_t *o, const char *name)
{
    const json_t *value = json_object_get(o, name);
    return value != NULL && !json_is_null(value);
}

const json_t *vec_field(struct vec *v, const json_t *o, const char *name)
{
    const json_t *value = json_object_get(o, name);
    if (value == NULL || json_is_null(value))
        vec_fail(v, "no field \"%s\"", name);
    return value;
}

const json_t *vec_list(struct vec *v, const json_t *o, const char *name)
{
    const json_t *value = vec_field(v, o, name);
    if (!json_is_array(value))
        vec_fail(v, "\"%s\" is not a list", name);
    return value;
}

const json_t *vec_object(struct vec *v, const json_t *o, const char *name)
{
    const json_t *value = vec_field(v, o, name);
    if (!json_is_object(value))
        vec_fail(v, "\"%s\" is not an object", name);
    return value;
}

const char *vec_string(struct vec *v, const json_t *o, const char *name)
{
    const char *s = json_string_value(vec_field(v, o, name));
    if (s == NULL)
        vec_fail(v, "\"%s\" is not a string", name);
    return s == NULL ? "" : s;
}

/* Numbers that jansson cannot hold come as strings: see quote_large_numbers(). */
static bool number(const json_t *value, uint64_t *out)
{
    const char *s = json_string_value(value);
    char *end = NULL;
    if (json_is_integer(value)) {
        *out = (uint64_t)json_integer_value(value);
        return json_integer_value(value) >= 0;
    }
    if (s == NULL || !isdigit((unsigned char)s[0]))
        return false;
    errno = 0;
    *out = strtoull(s, &end, 10);
    return errno == 0 && *end == 0;
}

uint64_t vec_number_of(struct vec *v, const json_t *value, uint64_t max, const char *name)
{
    uint64_t n = 0;
    if (!number(value, &n) || n > max) {
        vec_fail(v, "\"%s\" is not a number of 0 to %llu", name, (unsigned long long)max);
        return 0;
    }
    return n;
}

uint64_t vec_u64(struct vec *v, const json_t *o, const char *name)
{
    return vec_number_of(v, vec_field(v, o, name), UINT64_MAX, name);
}

uint32_t vec_u32(struct vec *v, const json_t *o, const char *name)
{
    return (uint32_t)vec_number_of(v, vec_field(v, o, name), UINT32_MAX, name);
}

uint16_t vec_u16(struct vec *v, const json_t *o, const char *name)
{
    return (uint16_t)vec_number_of(v, vec_field(v, o, name), UINT16_MAX, name);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct bytes vec_hex_of(struct vec *v, const json_t *value, const char *name)
{
    const char *s = json_string_value(value);
    size_t n = s == NULL ? 1 : strlen(s);
    if (n % 2 != 0) {
        vec_fail(v, "\"%s\" is not bytes in hex", name);
        return bytes_of(NULL, 0);
    }
    uint8_t *p = vec_alloc(v, n / 2);
    for (size_t i = 0; i < n / 2; i++) {
        int high = digit(s[2 * i]), low = digit(s[2 * i + 1]);
        if (high < 0 || low < 0) {
            vec_fail(v, "\"%s\" is not bytes in hex", name);
            return bytes_of(NULL, 0);
        }
        p[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    }
    return bytes_of(p, n / 2);
}

struct bytes vec_hex(struct vec *v, const json_t *o, const char *name)
{
    return vec_hex_of(v, vec_field(v, o, name), name);
}

struct secret vec_secret_of(struct vec *v, const json_t *value, const char *name)
{
    struct secret s = {0};
    if (!secret_set(&s, vec_hex_of(v, value, name)))
        vec_fail(v, "\"%s\" is longer than a secret of any suite", name);
    return s;
}

struct secret vec_secret(struct vec *v, const json_t *o, const char *name)
{
    return vec_secret_of(v, vec_field(v, o, name), name);
}

bool vec_suite(struct vec *v, const json_t *o)
{
    uint16_t suite = vec_u16(v, o, "cipher_suite");
    if (!vec_ok(v))
        return false;
    if (suite == 0) {
        vec_fail(v, "cipher suite 0 is reserved");
        return false;
    }
    if (suite > VEC_SUITES) {
        v->skipped = true;
        snprintf(v->why, sizeof v->why, "skipped: RFC 9420 knows no cipher suite 0x%04x", suite);
        return false;
    }
    if (v->suites[suite] == NULL && !vec_rv(v, crypto_new(suite, &v->suites[suite]), "the suite"))
        return false;
    v->crypto = v->suites[suite];
    return true;
}

static struct bytes pad_scalar(struct vec *v, struct bytes scalar, size_t n)
{
    if (!vec_ok(v) || scalar.n == 0 || scalar.n >= n)
        return scalar;
    uint8_t *p = vec_alloc(v, n);
    memcpy(p + n - scalar.n, scalar.p, scalar.n);
    return bytes_of(p, n);
}

struct bytes vec_signature_priv(struct vec *v, const json_t *o, const char *name)
{
    const struct crypto_suite *s = v->crypto->suite;
    bool scalar = s->sig == SIG_P256 || s->sig == SIG_P384 || s->sig == SIG_P521;
    struct bytes priv = vec_hex(v, o, name);
    return scalar ? pad_scalar(v, priv, s->sig_nsk) : priv;
}

struct secret vec_hpke_priv(struct vec *v, const json_t *o, const char *name)
{
    const struct crypto_suite *s = v->crypto->suite;
    bool scalar = s->curve == CURVE_P256 || s->curve == CURVE_P384 || s->curve == CURVE_P521;
    struct bytes priv = vec_hex(v, o, name);
    struct secret out = {0};
    if (!secret_set(&out, scalar ? pad_scalar(v, priv, s->nsk) : priv))
        vec_fail(v, "\"%s\" is longer than a private key of any suite", name);
    return out;
}

struct bytes vec_context(struct vec *v, struct bytes group_id, uint64_t epoch,
                         struct bytes tree_hash, struct bytes confirmed_hash)
{
    struct buf *b = vec_buf(v);
    struct mls_context context = {.suite = crypto_suite(v->crypto),
                                  .group_id = group_id,
                                  .epoch = epoch,
                                  .tree_hash = tree_hash,
                                  .confirmed_transcript_hash = confirmed_hash};
    mls_group_context_write(b, &context);
    vec_rv(v, buf_check(b), "GroupContext");
    return buf_view(b);
}

struct mls_tree *vec_read_tree(struct vec *v, struct bytes encoded, const char *name)
{
    struct mls_tree *t = vec_tree(v);
    struct reader r = reader_of(encoded);
    if (vec_ok(v) && vec_rv(v, mls_tree_read(t, &r), name))
        vec_rv(v, reader_end(&r), name);
    return t;
}

/* ---- Files ---- */

/* JSON integers of jansson are signed, epochs are not: numbers of 19 digits and more are put in
 * quotes before jansson sees them. */
static void quote_large_numbers(struct bytes text, struct buf *out)
{
    bool quoted = false;
    for (size_t i = 0, n; i < text.n; i += n) {
        n = 1;
        if (quoted && text.p[i] == '\\' && i + 1 < text.n)
            n = 2;
        else if (text.p[i] == '"')
            quoted = !quoted;
        while (!quoted && isdigit(text.p[i]) && i + n < text.n && isdigit(text.p[i + n]))
            n++;
        bool large = !quoted && n >= 19;
        if (large)
            buf_put(out, bytes_str("\""));
        buf_put(out, bytes_of(text.p + i, n));
        if (large)
            buf_put(out, bytes_str("\""));
    }
}

static bool read_all(const char *path, struct buf *out)
{
    uint8_t piece[65536];
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return false;
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) != 0;)
        buf_put(out, bytes_of(piece, n));
    int wrong = ferror(f) ? errno : 0;
    fclose(f);
    errno = wrong;
    return wrong == 0 && buf_check(out) == 0;
}

json_t *vec_load(const char *path, struct buf *out_why)
{
    struct buf text = {0}, quoted = {0};
    json_error_t error = {0};
    json_t *root = NULL;
    char why[JSON_ERROR_TEXT_LENGTH + 80];
    if (!read_all(path, &text)) {
        snprintf(why, sizeof why, "%s", errno != 0 ? strerror(errno) : "out of memory");
        goto out;
    }
    quote_large_numbers(buf_view(&text), &quoted);
    if (buf_check(&quoted) == 0 && quoted.n != 0)
        root = json_loadb((const char *)quoted.p, quoted.n, 0, &error);
    if (root == NULL)
        snprintf(why, sizeof why, "not JSON: %s (line %d)",
                 text.n == 0 ? "the file is empty" : error.text, error.line);
out:
    if (root == NULL)
        buf_put(out_why, bytes_of(why, strlen(why) + 1));
    buf_free(&text);
    buf_free(&quoted);
    return root;
}
