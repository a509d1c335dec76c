/* RFC 9420 13.4: lists of extensions, kept as their encoding (the content of extensions<V>) and
 * walked in place, and the extensions that RFC 9420 itself defines for the GroupContext.
 */
#ifndef MLS_EXTENSION_H
#define MLS_EXTENSION_H

#include <conclave/mls.h>

#include "wire/reader.h"

/* Reads extensions<V>: well formed, at most LIMIT_MLS_EXTENSIONS, no type twice. A broken rule
 * fails the reader; *error, unless already set, says which. */
struct bytes mls_extensions_read(struct reader *r, int *error);

/* Writes extensions<V>. */
void mls_extensions_write(struct buf *b, const struct mls_extension *list, size_t n);

/* Iteration over a checked list. */
bool mls_extensions_next(struct reader *r, struct mls_extension *out);

/* Section 7.2: types of RFC 9420 itself need no capability. */
bool mls_extension_is_default(uint16_t type);

/* Section 13.5: 0x0A0A, 0x1A1A, ... 0xEAEA. */
bool mls_is_grease(uint16_t type);

/* Whether a list of big-endian uint16 has the value. */
bool mls_u16s_have(struct bytes list, uint16_t value);

/* Whether capabilities cover every extension type of a list. ECAPABILITY. */
int mls_capabilities_cover(const struct mls_capabilities *caps,
                           struct bytes extensions) CONCLAVE_CHECKED;

/* Section 11.1. The content of a required_capabilities extension. */
struct mls_required_capabilities {
    struct bytes extensions, proposals, credentials;
};

/* false in *out_present if the list has no such extension. EEXTENSION if malformed, ELIMIT. */
int mls_required_capabilities_find(struct bytes extensions, bool *out_present,
                                   struct mls_required_capabilities *out) CONCLAVE_CHECKED;
int mls_required_capabilities_check(const struct mls_required_capabilities *required,
                                    const struct mls_capabilities *caps) CONCLAVE_CHECKED;

/* Section 12.1.8.1. The index-th external sender; ESENDER if there is none. */
int mls_external_sender_find(struct bytes extensions, uint32_t index,
                             struct mls_external_sender *out) CONCLAVE_CHECKED;
int mls_external_senders_count(struct bytes extensions, uint32_t *out) CONCLAVE_CHECKED;

#endif
