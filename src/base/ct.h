/* Comparisons whose time does not depend on where the inputs differ. */
#ifndef BASE_CT_H
#define BASE_CT_H

#include <conclave/bytes.h>

/* Lengths are public: different lengths return at once. Empty equals empty. */
bool ct_equal(struct bytes a, struct bytes b);

/* Whether all bytes are zero. */
bool ct_is_zero(struct bytes a);

#endif
