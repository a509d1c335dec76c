/* From a participant's certificate to a trust anchor: RFC 5280 6.1. */
#ifndef IDENTITY_PATH_H
#define IDENTITY_PATH_H

#include "identity/anchors.h"

/* certificates[0] is the participant's. One of the usages must hold all along the path. VERIFIED
 * and *out_anchor, or the first reason why not that is more than a missing issuer. */
enum identity_reason path_find(const struct identity_anchors *a,
                               const struct certificate *certificates, size_t n, uint64_t now,
                               unsigned usages, const struct anchor **out_anchor);

#endif
