#include "cmd/conclaved_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/self_signed.h"

#define PATH_SIZE (CONFIG_TEXT + 32)
#define YEAR UINT64_C(31557600)
#define SELF_SIGNED_LIFETIME (10 * YEAR)
#define ROOTS_MAX ((size_t)4 << 20)

__attribute__((format(printf, 3, 4))) static int fail(char *why, int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) the analyser misses va_start */
    (void)vsnprintf(why, CONFIG_WHY, format, args);
    va_end(args);
    return error;
}

static void path_in(const struct config *c, const char *name, char out[static PATH_SIZE])
{
    (void)snprintf(out, PATH_SIZE, "%s/%s", c->data, name);
}

/* ---- The folder ---- */

static int make_folder(const char *path, char *why)
{
    struct stat st;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail(why, CONCLAVE_ESTORE, "%.300s: cannot be made: %s", path, strerror(errno));
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return fail(why, CONCLAVE_ESTORE, "%.300s: is no folder; choose another with --data", path);
    return 0;
}

static int lock_folder(const struct config *c, char *why, int *out)
{
    char path[PATH_SIZE];
    path_in(c, "run/lock", path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(why, CONCLAVE_ESTORE, "%.300s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)close(fd);
        return fail(why, CONCLAVE_ESTATE,
                    "%.300s: another conclaved serves from this folder; stop it, or choose another "
                    "with --data",
                    c->data);
    }
    *out = fd;
    return 0;
}

static int open_store(const struct config *c, char *why, struct store **out)
{
    char path[PATH_SIZE];
    path_in(c, "state.sqlite", path);
    int rv = store_open(path, out);
    if (rv == CONCLAVE_EVERSION)
        return fail(why, rv, "%.300s: was made by a newer conclaved; use that one", path);
    if (rv == CONCLAVE_ESYNTAX)
        return fail(why, rv, "%.300s: is damaged, or no database of conclaved's", path);
    if (rv != 0)
        return fail(why, rv, "%.300s: cannot be opened: %s", path,
                    rv == CONCLAVE_ESTORE ? strerror(errno) : conclave_error_text(rv));
    return 0;
}

/* ---- Keys ---- */

static int open_signer(struct keys *k)
{
    struct buf private = {0};
    int rv = store_value_get(k->store, "server_key", &private);
    if (rv == 0) {
        rv = crypto_signer_from_private(k->crypto, buf_view(&private), &k->signer);
    } else if (rv == CONCLAVE_ENOTFOUND) {
        rv = crypto_signer_generate(k->crypto, &k->signer);
        buf_clear(&private);
        if (rv == 0)
            rv = crypto_signer_private(k->signer, &private);
        if (rv == 0)
            rv = store_value_put(k->store, "server_key", buf_view(&private));
    }
    buf_free(&private);
    return rv;
}

static int save_ca(struct keys *k, const struct config *c)
{
    struct buf saved = {0};
    int rv = identity_ca_save(k->ca, &saved);
    if (rv == 0)
        rv = store_begin(k->store);
    if (rv == 0) {
        rv = store_value_put(k->store, "ca", buf_view(&saved));
        if (rv == 0)
            rv = store_value_put(k->store, "ca_domains", bytes_str(c->domains));
        if (rv == 0)
            rv = store_commit(k->store);
        else
            store_rollback(k->store);
    }
    buf_free(&saved);
    return rv;
}

/* Only who serves brings the delegated domains up to date: another process may be using the CA. */
static int open_ca(struct keys *k, const struct config *c, bool serving, uint64_t now)
{
    struct config_words domains;
    struct buf saved = {0}, delegated = {0};
    (void)config_words(c->domains, &domains); /* config_check() has counted them */
    const struct identity_ca_config how = {c->name, domains.words, domains.n, 0};
    int rv = store_value_get(k->store, "ca", &saved);
    if (rv == 0) {
        rv = identity_ca_load(k->crypto, buf_view(&saved), &k->ca);
        if (rv == 0)
            rv = store_value_get(k->store, "ca_domains", &delegated);
        if (rv == 0 && serving && !bytes_equal(buf_view(&delegated), bytes_str(c->domains))) {
            k->delegated_anew = true;
            rv = identity_ca_delegate(k->ca, &how, now);
            if (rv == 0)
                rv = save_ca(k, c);
        }
    } else if (rv == CONCLAVE_ENOTFOUND) {
        rv = identity_ca_new(k->crypto, &how, now, &k->ca);
        if (rv == 0)
            rv = save_ca(k, c);
    }
    buf_free(&saved);
    buf_free(&delegated);
    return rv;
}

static int read_roots(const char *path, char *why, struct buf *out)
{
    uint8_t part[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return fail(why, CONCLAVE_ENOTFOUND, "public_roots: %.300s: %s", path, strerror(errno));
    while ((n = fread(part, 1, sizeof part, f)) != 0 && out->n <= ROOTS_MAX)
        buf_put(out, bytes_of(part, n));
    bool ok = ferror(f) == 0 && out->n <= ROOTS_MAX && buf_check(out) == 0;
    (void)fclose(f);
    return ok ? 0 : fail(why, CONCLAVE_EINVAL, "public_roots: %.300s: cannot be read", path);
}

static int open_keys(const struct config *c, bool serving, uint64_t now, char *why, struct keys *k)
{
    int rv = crypto_new_public(CRYPTO_P256_AES128GCM_SHA256_P256, &k->crypto);
    if (rv == 0)
        rv = open_signer(k);
    if (rv != 0)
        return fail(why, rv, "the server's key: %s", conclave_error_text(rv));
    rv = open_ca(k, c, serving, now);
    if (rv == CONCLAVE_EINVAL)
        return fail(why, rv, "domains: \"%.200s\" are not plain domains like example.org",
                    c->domains);
    if (rv != 0)
        return fail(why, rv, "the server's CA: %s", conclave_error_text(rv));
    return c->public_roots[0] == '\0' ? 0 : read_roots(c->public_roots, why, &k->public_roots);
}

int keys_open(const struct config *c, bool serving, uint64_t now, char out_why[static CONFIG_WHY],
              struct keys *out)
{
    struct keys k = {.lock = -1};
    char run[PATH_SIZE];
    path_in(c, "run", run);
    int rv = make_folder(c->data, out_why);
    if (rv == 0)
        rv = make_folder(run, out_why);
    if (rv == 0 && serving)
        rv = lock_folder(c, out_why, &k.lock);
    if (rv == 0)
        rv = open_store(c, out_why, &k.store);
    if (rv == 0)
        rv = open_keys(c, serving, now, out_why, &k);
    if (rv != 0) {
        keys_close(&k);
        k = (struct keys){.lock = -1};
    }
    *out = k;
    return rv;
}

void keys_close(struct keys *k)
{
    identity_ca_free(k->ca);
    crypto_signer_free(k->signer);
    crypto_free(k->crypto);
    store_close(k->store);
    buf_free(&k->public_roots);
    if (k->lock >= 0)
        (void)close(k->lock);
}

/* ---- Files ---- */

/* Whole or not at all: under another name, then renamed. */
static int write_file(const char *path, struct bytes data)
{
    char beside[PATH_SIZE + 8];
    (void)snprintf(beside, sizeof beside, "%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return CONCLAVE_ESTORE;
    bool ok = write(fd, data.p, data.n) == (ssize_t)data.n && fsync(fd) == 0;
    ok = close(fd) == 0 && ok && rename(beside, path) == 0;
    return ok ? 0 : CONCLAVE_ESTORE;
}

int keys_address(const struct config *c, const char *url)
{
    char path[PATH_SIZE], line[CONFIG_TEXT + 2];
    path_in(c, "run/address", path);
    if (url == NULL)
        return unlink(path) == 0 || errno == ENOENT ? 0 : CONCLAVE_ESTORE;
    (void)snprintf(line, sizeof line, "%s\n", url);
    return write_file(path, bytes_str(line));
}

/* ---- TLS ---- */

/* What people may call this server: its listeners, its URL, its own name. */
struct own_names {
    struct config_words listen;
    struct config_address addresses[CONFIG_LISTENERS];
    char url[CONFIG_TEXT], host[256];
    const char *names[CONFIG_LISTENERS + 8];
    size_t n;
};

static void own_names(const struct config *c, struct own_names *o)
{
    *o = (struct own_names){.names = {"localhost", "127.0.0.1", "::1"}, .n = 3};
    (void)config_words(c->listen, &o->listen); /* config_check() has read and counted them */
    for (size_t i = 0; i < o->listen.n; i++) {
        struct config_address *a = &o->addresses[i];
        if (config_address(o->listen.words[i], a) && strcmp(a->host, "0.0.0.0") != 0 &&
            strcmp(a->host, "::") != 0)
            o->names[o->n++] = a->host;
    }
    if (gethostname(o->host, sizeof o->host - 1) == 0 && o->host[0] != '\0')
        o->names[o->n++] = o->host;
    if (strncmp(c->url, "https://", 8) == 0 && c->url[8] != '[') {
        (void)snprintf(o->url, sizeof o->url, "%s", c->url + 8);
        o->url[strcspn(o->url, ":")] = '\0';
        o->names[o->n++] = o->url;
    }
}

static int make_tls(const struct config *c, uint64_t now, const struct keys_tls *at, char *why)
{
    struct own_names own;
    struct buf certificate = {0}, key = {0};
    own_names(c, &own);
    int rv = crypto_self_signed(own.names, own.n, now, SELF_SIGNED_LIFETIME, &certificate, &key);
    if (rv == 0)
        rv = write_file(at->key, buf_view(&key));
    if (rv == 0)
        rv = write_file(at->certificate, buf_view(&certificate));
    if (rv != 0)
        rv = fail(why, rv, "%.300s: cannot be made: %s", at->certificate, conclave_error_text(rv));
    buf_free(&certificate);
    buf_free(&key);
    return rv;
}

int keys_tls(const struct config *c, uint64_t now, char out_why[static CONFIG_WHY],
             struct keys_tls *out)
{
    struct keys_tls at = {0};
    char folder[PATH_SIZE];
    int rv = 0;
    if (c->certificate[0] != '\0') {
        (void)snprintf(at.certificate, sizeof at.certificate, "%s", c->certificate);
        (void)snprintf(at.key, sizeof at.key, "%s", c->key);
    } else {
        at.made = true;
        path_in(c, "tls", folder);
        path_in(c, "tls/certificate.pem", at.certificate);
        path_in(c, "tls/key.pem", at.key);
        rv = make_folder(folder, out_why);
        if (rv == 0 && (access(at.certificate, F_OK) != 0 || access(at.key, F_OK) != 0))
            rv = make_tls(c, now, &at, out_why);
    }
    if (rv == 0)
        *out = at;
    return rv;
}
