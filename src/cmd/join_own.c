#include "cmd/join_own.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base64.h"
#include "crypto/suite.h"
#include "identity/pem.h"
#include "wire/der.h"

#define FILE_MAX ((size_t)1 << 20)

static int read_file(const char *path, bool private, struct buf *out)
{
    char piece[4096];
    struct stat st;
    size_t n = 0;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return CONCLAVE_ENOTFOUND;
    bool open_to_others = fstat(fileno(f), &st) != 0 || (st.st_mode & 0077) != 0;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0 && out->n < FILE_MAX)
        buf_put(out, bytes_of(piece, n));
    fclose(f);
    explicit_bzero(piece, sizeof piece);
    return private && open_to_others ? CONCLAVE_EPOLICY : buf_check(out);
}

/* ---- The key ---- */

/* RFC 7468: what stands between "-----BEGIN ...PRIVATE KEY-----" and "-----END", decoded. */
static int unwrap(const struct buf *pem, struct buf *out)
{
    static const char label[] = "PRIVATE KEY-----";
    struct buf text = {0};
    const uint8_t *begin = pem->n != 0 ? memmem(pem->p, pem->n, label, sizeof label - 1) : NULL;
    if (begin == NULL)
        return CONCLAVE_ESYNTAX;
    begin += sizeof label - 1;
    const uint8_t *end = memmem(begin, (size_t)(pem->p + pem->n - begin), "-----END", 8);
    if (end == NULL)
        return CONCLAVE_ESYNTAX;
    for (const uint8_t *c = begin; c < end; c++)
        if (*c != '\n' && *c != '\r' && *c != ' ')
            buf_put(&text, bytes_of(c, 1));
    int rv = buf_check(&text);
    if (rv == 0)
        rv = base64_read(buf_view(&text), out);
    buf_free(&text);
    return rv;
}

/* ECPrivateKey (RFC 5915 3), by itself or in OneAsymmetricKey (RFC 5958 2): the number. */
static struct bytes private_number(struct bytes der)
{
    struct reader file = reader_of(der);
    struct reader outer = der_enter(&file, DER_SEQUENCE);
    uint32_t version = der_small(&outer);
    if (version == 1 && der_next_is(&outer, DER_OCTET_STRING))
        return der_content(&outer, DER_OCTET_STRING);
    der_content(&outer, DER_SEQUENCE); /* the algorithm: the suite says which it has to be */
    struct reader inner = der_enter(&outer, DER_OCTET_STRING);
    struct reader key = der_enter(&inner, DER_SEQUENCE);
    der_small(&key);
    struct bytes number = der_content(&key, DER_OCTET_STRING);
    return reader_ok(&key) ? number : bytes_of(NULL, 0);
}

static int read_key(const char *path, struct crypto *crypto, struct crypto_signer **out)
{
    struct buf pem = {0}, der = {0};
    int rv = read_file(path, true, &pem);
    if (rv == 0)
        rv = unwrap(&pem, &der);
    if (rv == 0)
        rv = crypto_signer_from_private(crypto, private_number(buf_view(&der)), out);
    buf_free(&pem);
    buf_free(&der);
    return rv;
}

/* ---- The certificates ---- */

static int read_chain(const char *path, struct account_certificate *out)
{
    struct buf pem = {0}, der = {0};
    int rv = read_file(path, false, &pem);
    struct bytes rest = buf_view(&pem);
    while (rv == 0 && out->n < ACCOUNT_CHAIN_MAX) {
        rv = pem_next(&rest, &der);
        if (rv != 1)
            break;
        buf_move(&out->chain[out->n++], &der);
        rv = 0;
    }
    buf_free(&pem);
    buf_free(&der);
    return rv == 0 && out->n == 0 ? CONCLAVE_ESYNTAX : rv;
}

/* That they belong together, and for how long. */
static int match(struct crypto *crypto, struct join_credential *c)
{
    struct crypto_certificate read;
    int rv = crypto_certificate(crypto, buf_view(&c->certificate.chain[0]), &read);
    if (rv != 0)
        return rv;
    if (!bytes_equal(bytes_of(read.public_key, read.public_key_n), crypto_signer_public(c->signer)))
        return CONCLAVE_ECREDENTIAL;
    c->issued = read.not_before;
    c->certificate.not_after = read.not_after;
    return 0;
}

int join_own_read(const char *certificates, const char *key, uint16_t suite,
                  struct join_credential *out)
{
    struct join_credential c = {.suite = suite};
    struct crypto *crypto = NULL;
    int rv = crypto_new(suite, &crypto);
    if (rv == 0)
        rv = read_key(key, crypto, &c.signer);
    if (rv == 0)
        rv = read_chain(certificates, &c.certificate);
    if (rv == 0)
        rv = match(crypto, &c);
    if (rv == 0)
        *out = c;
    else
        join_credential_fini(&c);
    crypto_free(crypto);
    return rv;
}
