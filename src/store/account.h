/* Who may speak to the server: people with a password, devices with an activation code, and the
 * tokens that all of them show afterwards. Tokens and codes are kept as hashes only.
 *
 * As store.h: rows in and out, nothing here knows what they mean. Ids are never given twice.
 */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include "store/store.h"

#define STORE_HASH 32
#define STORE_SALT 16

/* ---- People ---- */

struct store_password {
    uint8_t salt[STORE_SALT], hash[STORE_HASH];
    uint64_t cost_n; /* of scrypt, as it was when the hash was made */
    uint32_t cost_r, cost_p;
};

struct store_user {
    uint64_t id;
    char email[STORE_IDENTIFIER];
    bool admin, disabled;
    uint64_t created_at;
    struct store_password password;
};

/* u->id is not looked at. EDUPLICATE if the address is taken. */
int store_user_add(struct store *s, const struct store_user *u, uint64_t *out_id) CONCLAVE_CHECKED;
/* ENOTFOUND. */
int store_user_get(struct store *s, uint64_t id, struct store_user *out) CONCLAVE_CHECKED;
int store_user_find(struct store *s, const char *email, struct store_user *out) CONCLAVE_CHECKED;
int store_user_set_password(struct store *s, uint64_t id,
                            const struct store_password *p) CONCLAVE_CHECKED;
int store_user_set_flags(struct store *s, uint64_t id, bool admin, bool disabled) CONCLAVE_CHECKED;
int store_user_remove(struct store *s, uint64_t id) CONCLAVE_CHECKED;
/* Those with ids above after_id, in their order, at most max. The callback returns false to stop,
 * and may not call the store. */
int store_user_each(struct store *s, uint64_t after_id, unsigned max,
                    bool (*each)(void *ctx, const struct store_user *u),
                    void *ctx) CONCLAVE_CHECKED;

/* ---- Devices ---- */

struct store_device {
    uint64_t id;
    char name[STORE_IDENTIFIER]; /* DNS name */
    bool activated, revoked;
    uint64_t created_at;
};

/* Of d only name and created_at are looked at. EDUPLICATE if a device that is not revoked has the
 * name. */
int store_device_add(struct store *s, const struct store_device *d,
                     uint64_t *out_id) CONCLAVE_CHECKED;
/* ENOTFOUND; for revoke also if it is revoked already. A revoked device stays in the list, and
 * loses its activation code. */
int store_device_get(struct store *s, uint64_t id, struct store_device *out) CONCLAVE_CHECKED;
int store_device_revoke(struct store *s, uint64_t id) CONCLAVE_CHECKED;
int store_device_each(struct store *s, uint64_t after_id, unsigned max,
                      bool (*each)(void *ctx, const struct store_device *d),
                      void *ctx) CONCLAVE_CHECKED;

/* A device's activation code, in place of an earlier one. ENOTFOUND if there is no such device. */
int store_activation_put(struct store *s, const uint8_t hash[static STORE_HASH], uint64_t device,
                         uint64_t expires_at) CONCLAVE_CHECKED;
/* Uses a code up: its device, which is activated now. ENOTFOUND if there is none of this hash that
 * ends after now. */
int store_activation_take(struct store *s, const uint8_t hash[static STORE_HASH], uint64_t now,
                          uint64_t *out_device) CONCLAVE_CHECKED;

/* ---- Tokens ---- */

enum store_token_kind {
    STORE_TOKEN_USER = 1,
    STORE_TOKEN_DEVICE = 2,
    STORE_TOKEN_GUEST = 3,
    STORE_TOKEN_OPERATOR = 4, /* who has the server's command line */
};

struct store_token {
    uint64_t id;
    uint8_t hash[STORE_HASH];
    enum store_token_kind kind;
    uint64_t owner;                    /* id of the user or device; 0 for others */
    char identifier[STORE_IDENTIFIER]; /* e-mail address, DNS name, urn:uuid; or "" */
    uint64_t created_at, expires_at;
};

/* t->id is not looked at. EDUPLICATE. */
int store_token_add(struct store *s, const struct store_token *t,
                    uint64_t *out_id) CONCLAVE_CHECKED;
/* Expired or not. ENOTFOUND. */
int store_token_find(struct store *s, const uint8_t hash[static STORE_HASH],
                     struct store_token *out) CONCLAVE_CHECKED;
int store_token_remove(struct store *s, uint64_t id) CONCLAVE_CHECKED;
/* All of one owner, but for the one with the id `except` (0: none). */
int store_token_remove_of(struct store *s, enum store_token_kind kind, uint64_t owner,
                          uint64_t except) CONCLAVE_CHECKED;
int store_token_each(struct store *s, uint64_t after_id, unsigned max,
                     bool (*each)(void *ctx, const struct store_token *t),
                     void *ctx) CONCLAVE_CHECKED;

/* Drops tokens and activation codes that have ended by now. */
int store_account_expire(struct store *s, uint64_t now) CONCLAVE_CHECKED;

#endif
