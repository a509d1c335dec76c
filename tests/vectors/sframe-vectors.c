/* Runs test vectors of SFrame.
 *
 *   sframe-vectors FILE...       files in the JSON format of the SFrame working group
 *   sframe-vectors --in FOLDER   all files of a folder; 77 (skipped) if there is none
 *
 * Each vector is one pass or fail; the last line is `N passed, N failed`.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "sframe/key.h"

#define SKIPPED 77
#define FILE_MAX ((size_t)1 << 26)
#define PIECE_MAX ((size_t)1 << 16)

struct run {
    struct aead_engine *engine;
    long passed, failed;
    const char *file;
};

/* -- Reading ------------------------------------------------------------------------------- */

struct piece {
    uint8_t p[PIECE_MAX];
    size_t n;
    bool ok;
};

static struct bytes view(const struct piece *b)
{
    return bytes_of(b->p, b->n);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void get_hex(const json_t *v, const char *name, struct piece *out)
{
    const char *s = json_string_value(json_object_get(v, name));
    size_t n = s == NULL ? 1 : strlen(s);
    out->n = 0;
    out->ok = s != NULL && n % 2 == 0 && n / 2 <= PIECE_MAX;
    for (size_t i = 0; out->ok && i < n; i += 2) {
        int high = digit(s[i]), low = digit(s[i + 1]);
        out->ok = high >= 0 && low >= 0;
        out->p[out->n++] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    }
}

/* Large numbers come as strings: see quote_large_numbers(). */
static bool get_number(const json_t *v, const char *name, uint64_t *out)
{
    const json_t *number = json_object_get(v, name);
    char *end = NULL;
    if (json_is_integer(number)) {
        *out = (uint64_t)json_integer_value(number);
        return json_integer_value(number) >= 0;
    }
    if (!json_is_string(number) || !isdigit((unsigned char)*json_string_value(number)))
        return false;
    errno = 0;
    *out = strtoull(json_string_value(number), &end, 10);
    return errno == 0 && *end == 0;
}

/* JSON integers of jansson are signed; KIDs and counters are not. */
static char *quote_large_numbers(const char *text)
{
    char *out = malloc(2 * strlen(text) + 1), *w = out;
    bool quoted = false;
    for (const char *r = text; out != NULL && *r != 0;) {
        size_t n = quoted ? 0 : strspn(r, "0123456789");
        if (*r == '"' && (r == text || r[-1] != '\\'))
            quoted = !quoted;
        if (n >= 19)
            *w++ = '"';
        memcpy(w, r, n > 0 ? n : 1);
        w += n > 0 ? n : 1;
        if (n >= 19)
            *w++ = '"';
        r += n > 0 ? n : 1;
    }
    if (out != NULL)
        *w = 0;
    return out;
}

static json_t *load(const char *path, json_error_t *error)
{
    FILE *f = fopen(path, "rb");
    char *text = f == NULL ? NULL : malloc(FILE_MAX + 1), *quoted = NULL;
    json_t *root = NULL;
    snprintf(error->text, sizeof error->text, "%s", strerror(errno));
    if (text == NULL)
        goto out;
    text[fread(text, 1, FILE_MAX, f)] = 0;
    quoted = quote_large_numbers(text);
    if (quoted != NULL)
        root = json_loads(quoted, 0, error);
out:
    free(quoted);
    free(text);
    if (f != NULL)
        fclose(f);
    return root;
}

/* -- The kinds of vectors: NULL, or what is wrong ------------------------------------------ */

static const char *run_header(struct run *r, const json_t *v)
{
    static struct piece encoded;
    struct sframe_header h;
    uint64_t kid, ctr;
    uint8_t out[SFRAME_HEADER_MAX];
    size_t n;
    (void)r;
    get_hex(v, "encoded", &encoded);
    if (!encoded.ok || !get_number(v, "kid", &kid) || !get_number(v, "ctr", &ctr))
        return "fields";
    n = sframe_header_write(kid, ctr, out);
    if (!bytes_equal(bytes_of(out, n), view(&encoded)))
        return "encoded";
    if (sframe_header_read(view(&encoded), &h, &n) != 0 || h.kid != kid || h.ctr != ctr ||
        n != encoded.n)
        return "decoding";
    for (size_t i = 0; i < encoded.n; i++)
        if (sframe_header_read(bytes_of(encoded.p, i), &h, &n) == 0)
            return "a truncated header was read";
    return NULL;
}

static const char *run_ctr_hmac(struct run *r, const json_t *v)
{
    static struct piece key, enc_key, auth_key, nonce, aad, pt, ct, out;
    uint64_t suite;
    struct aead *a = NULL;
    const char *wrong = NULL;
    get_hex(v, "key", &key);
    get_hex(v, "enc_key", &enc_key);
    get_hex(v, "auth_key", &auth_key);
    get_hex(v, "nonce", &nonce);
    get_hex(v, "aad", &aad);
    get_hex(v, "pt", &pt);
    get_hex(v, "ct", &ct);
    const struct sframe_suite_info *s =
        get_number(v, "cipher_suite", &suite) ? sframe_suite_find((uint16_t)suite) : NULL;
    if (s == NULL || !key.ok || !enc_key.ok || !auth_key.ok || !nonce.ok || !aad.ok || !pt.ok ||
        !ct.ok || nonce.n != AEAD_NONCE || ct.n != pt.n + s->nt || pt.n + s->nt > PIECE_MAX)
        return "fields";
    if (enc_key.n + auth_key.n != key.n || memcmp(key.p, enc_key.p, enc_key.n) != 0 ||
        memcmp(key.p + enc_key.n, auth_key.p, auth_key.n) != 0)
        return "key is not enc_key || auth_key";
    if (aead_new(r->engine, s->alg, s->nt, view(&key), &a) != 0)
        return "key";
    if (aead_seal(a, nonce.p, view(&aad), view(&pt), out.p, out.p + pt.n) != 0 ||
        memcmp(out.p, ct.p, ct.n) != 0)
        wrong = "ct";
    else if (aead_open(a, nonce.p, view(&aad), bytes_of(ct.p, pt.n), ct.p + pt.n, out.p) != 0 ||
             memcmp(out.p, pt.p, pt.n) != 0)
        wrong = "pt";
    aead_free(a);
    return wrong;
}

/* Any KID as one of section 5.2: four epoch bits, a group of 64, the rest is context. */
#define EPOCH_BITS 4
#define INDEX_BITS 6

static int member(uint16_t suite, uint64_t kid, struct bytes base_key, bool sender,
                  struct sframe_keys **out)
{
    uint32_t leaf = (uint32_t)(kid >> EPOCH_BITS) & ((1u << INDEX_BITS) - 1);
    struct sframe_epoch epoch = {.id = kid & ((1u << EPOCH_BITS) - 1),
                                 .base_key = base_key,
                                 .group_size = 1u << INDEX_BITS,
                                 .own_leaf = sender ? leaf : leaf ^ 1,
                                 .change = SFRAME_SWITCH_NOW};
    int rv = sframe_keys_new(suite, EPOCH_BITS, SFRAME_INSIDE, out);
    return rv != 0 ? rv : sframe_keys_add_epoch(*out, &epoch, 0);
}

struct frame {
    struct piece base_key, secret, key, salt, metadata, nonce, aad, pt, ct;
    uint64_t kid, ctr;
    const struct sframe_suite_info *suite;
};

static bool read_frame(const json_t *v, struct frame *f)
{
    uint64_t suite;
    get_hex(v, "base_key", &f->base_key);
    get_hex(v, "sframe_secret", &f->secret);
    get_hex(v, "sframe_key", &f->key);
    get_hex(v, "sframe_salt", &f->salt);
    get_hex(v, "metadata", &f->metadata);
    get_hex(v, "nonce", &f->nonce);
    get_hex(v, "aad", &f->aad);
    get_hex(v, "pt", &f->pt);
    get_hex(v, "ct", &f->ct);
    f->suite = get_number(v, "cipher_suite", &suite) ? sframe_suite_find((uint16_t)suite) : NULL;
    return f->suite != NULL && get_number(v, "kid", &f->kid) && get_number(v, "ctr", &f->ctr) &&
           f->base_key.ok && f->secret.ok && f->key.ok && f->salt.ok && f->metadata.ok &&
           f->nonce.ok && f->aad.ok && f->pt.ok && f->ct.ok;
}

static const char *check_derivation(struct run *r, const struct frame *f)
{
    struct secret secret;
    uint8_t key[SFRAME_KEY_MAX], salt[SFRAME_NONCE], aad[1024];
    size_t n = sframe_header_write(f->kid, f->ctr, aad);
    if (sframe_secret(r->engine, f->suite, view(&f->base_key), &secret) != 0 ||
        !bytes_equal(secret_view(&secret), view(&f->secret)))
        return "sframe_secret";
    if (sframe_derive(r->engine, f->suite, &secret, f->kid, key, salt) != 0 ||
        !bytes_equal(bytes_of(key, f->suite->nk), view(&f->key)))
        return "sframe_key";
    if (!bytes_equal(bytes_of(salt, sizeof salt), view(&f->salt)))
        return "sframe_salt";
    for (size_t i = 0; i < 8; i++)
        salt[4 + i] ^= (uint8_t)(f->ctr >> (56 - 8 * i));
    if (!bytes_equal(bytes_of(salt, sizeof salt), view(&f->nonce)))
        return "nonce";
    if (f->metadata.n > sizeof aad - n)
        return "fields";
    memcpy(aad + n, f->metadata.p, f->metadata.n);
    return bytes_equal(bytes_of(aad, n + f->metadata.n), view(&f->aad)) ? NULL : "aad";
}

static const char *run_frame(struct run *r, const json_t *v)
{
    static struct frame f;
    static uint8_t out[PIECE_MAX + SFRAME_OVERHEAD_MAX];
    struct sframe_keys *sender = NULL, *receiver = NULL;
    struct sframe_info info;
    size_t n = 0;
    if (!read_frame(v, &f))
        return "fields";
    const char *wrong = check_derivation(r, &f);
    if (wrong != NULL)
        return wrong;
    uint64_t context = f.kid >> (EPOCH_BITS + INDEX_BITS);
    wrong = "keys";
    if (member(f.suite->id, f.kid, view(&f.base_key), true, &sender) != 0 ||
        member(f.suite->id, f.kid, view(&f.base_key), false, &receiver) != 0 ||
        sframe_keys_skip(sender, context, &(struct sframe_used){.ctr = f.ctr}, 0) != 0)
        goto out;
    wrong = "ct";
    if (sframe_seal(sender, context, view(&f.metadata), view(&f.pt), 0, out, sizeof out, &n) != 0 ||
        !bytes_equal(bytes_of(out, n), view(&f.ct)))
        goto out;
    wrong = "pt";
    if (sframe_open(receiver, view(&f.metadata), view(&f.ct), 0, out, sizeof out, &n, &info) != 0 ||
        !bytes_equal(bytes_of(out, n), view(&f.pt)) || info.kid != f.kid || info.ctr != f.ctr)
        goto out;
    wrong = sframe_open(receiver, view(&f.metadata), view(&f.ct), 0, out, sizeof out, &n, &info) ==
                    CONCLAVE_EREPLAY
                ? NULL
                : "opened twice";
out:
    sframe_keys_free(sender);
    sframe_keys_free(receiver);
    return wrong;
}

/* -- Files --------------------------------------------------------------------------------- */

static void run_vector(struct run *r, const char *list, size_t i, const json_t *v)
{
    const char *wrong = "no kind of vector this program knows";
    if (json_object_get(v, "encoded") != NULL)
        wrong = run_header(r, v);
    else if (json_object_get(v, "base_key") != NULL)
        wrong = run_frame(r, v);
    else if (json_object_get(v, "enc_key") != NULL)
        wrong = run_ctr_hmac(r, v);
    if (wrong == NULL) {
        r->passed++;
        return;
    }
    r->failed++;
    printf("%s: %s[%zu]: %s\n", r->file, list, i, wrong);
}

static void run_file(struct run *r, const char *path)
{
    json_error_t error = {0};
    json_t *root = load(path, &error), *list;
    const char *name;
    long before = r->passed + r->failed;
    r->file = path;
    json_object_foreach(root, name, list)
    {
        for (size_t i = 0; i < json_array_size(list); i++)
            run_vector(r, name, i, json_array_get(list, i));
    }
    if (r->passed + r->failed == before) {
        printf("%s: no vectors: %s\n", path, error.text);
        r->failed++;
    }
    json_decref(root);
}

static int run_folder(struct run *r, const char *folder)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, alphasort), files = 0;
    for (int i = 0; i < n; i++) {
        char path[4096];
        size_t length = strlen(entries[i]->d_name);
        if (length > 5 && strcmp(entries[i]->d_name + length - 5, ".json") == 0) {
            snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
            run_file(r, path);
            files++;
        }
        free(entries[i]);
    }
    free(entries);
    if (files > 0)
        return 0;
    printf("SKIPPED: no vectors in %s (set CONCLAVE_VECTORS)\n", folder);
    return SKIPPED;
}

int main(int argc, char **argv)
{
    struct run r = {0};
    int skipped = 0;
    if (argc < 2 || (strcmp(argv[1], "--in") == 0 && argc != 3)) {
        fprintf(stderr, "usage: sframe-vectors FILE...\n       sframe-vectors --in FOLDER\n");
        return 2;
    }
    if (aead_engine_new(AEAD_BEST, &r.engine) != 0) {
        fprintf(stderr, "sframe-vectors: no crypto provider\n");
        return 2;
    }
    if (strcmp(argv[1], "--in") == 0)
        skipped = run_folder(&r, argv[2]);
    else
        for (int i = 1; i < argc; i++)
            run_file(&r, argv[i]);
    aead_engine_free(r.engine);
    printf("%ld passed, %ld failed\n", r.passed, r.failed);
    if (skipped != 0)
        return skipped;
    return r.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
