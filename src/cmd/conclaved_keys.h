/* What conclaved keeps in its data folder:
 *
 *     DATA/state.sqlite   accounts, meetings, rooms, the server's key and its CA
 *     DATA/tls/           the certificate it made for itself, if it was given none
 *     DATA/run/lock       held while a server uses the folder
 *     DATA/run/address    where the server is, once it answers
 *
 * All of it is readable for the owner only.
 */
#ifndef CMD_CONCLAVED_KEYS_H
#define CMD_CONCLAVED_KEYS_H

#include <conclave/crypto.h>
#include <conclave/identity.h>

#include "cmd/conclaved_config.h"
#include "store/store.h"

struct keys {
    int lock; /* file descriptor, or -1 */
    struct store *store;
    struct crypto *crypto; /* suite 2, for hashing, signing and verifying only */
    struct crypto_signer *signer;
    struct identity_ca *ca;
    struct buf public_roots; /* PEM */
    bool delegated_anew;     /* the configured domains are not those of the last time */
};

/* Opens the folder, makes what is missing. serving: nobody else may serve from this folder
 * (ESTATE). Any error: out_why says what is wrong and what to do; *out is then empty. */
int keys_open(const struct config *c, bool serving, uint64_t now, char out_why[static CONFIG_WHY],
              struct keys *out) CONCLAVE_CHECKED;
void keys_close(struct keys *k);

/* Where certificate and key for TLS are: as configured, or made now. */
struct keys_tls {
    char certificate[CONFIG_TEXT + 32], key[CONFIG_TEXT + 32];
    bool made; /* self-signed */
};
int keys_tls(const struct config *c, uint64_t now, char out_why[static CONFIG_WHY],
             struct keys_tls *out) CONCLAVE_CHECKED;

/* Writes DATA/run/address whole, or removes it (NULL). ESTORE. */
int keys_address(const struct config *c, const char *url) CONCLAVE_CHECKED;

#endif
