/* Bytes in JSON: lower-case hex in strings. */
#ifndef CONCLAVE_TESTS_INTEROP_PEER_JSON_H
#define CONCLAVE_TESTS_INTEROP_PEER_JSON_H

#include <conclave/bytes.h>
#include <jansson.h>

/* The bytes of a member; empty if there is none. ESYNTAX if it is not hex, ENOMEM. */
int peer_json_get_bytes(const json_t *object, const char *key, struct buf *out) CONCLAVE_CHECKED;

/* The same of a string value. */
int peer_json_bytes(const json_t *value, struct buf *out) CONCLAVE_CHECKED;

const char *peer_json_get_string(const json_t *object, const char *key);
bool peer_json_get_bool(const json_t *object, const char *key, bool otherwise);
uint64_t peer_json_get_number(const json_t *object, const char *key, uint64_t otherwise);

void peer_json_put_bytes(json_t *object, const char *key, struct bytes value);
void peer_json_put_number(json_t *object, const char *key, uint64_t value);
void peer_json_put_string(json_t *object, const char *key, const char *value);

#endif
