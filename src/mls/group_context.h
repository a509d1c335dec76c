/* RFC 9420 8.1: the GroupContext, owned. */
#ifndef MLS_GROUP_CONTEXT_H
#define MLS_GROUP_CONTEXT_H

#include <conclave/mls.h>

#include "wire/reader.h"

/* A parsed view; version must be mls10. */
struct mls_group_context {
    struct bytes raw;
    struct mls_context view;
};

void mls_group_context_read(struct reader *r, struct mls_group_context *out, int *error);

/* Appends the encoding. */
void mls_group_context_write(struct buf *b, const struct mls_context *c);

#endif
