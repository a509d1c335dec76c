/* Marks for the constant-time runs (CONCLAVE_TAINT): memcheck takes secret bytes for undefined, and
 * so reports every branch and index that depends on them. A result that the protocol reveals, such
 * as "the tag is wrong", is marked public again where it is revealed. Elsewhere these are empty.
 */
#ifndef BASE_TAINT_H
#define BASE_TAINT_H

#include <stddef.h>

#ifdef CONCLAVE_TAINT
#include <valgrind/memcheck.h>

static inline void taint_secret(const void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

static inline void taint_public(const void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(p, n);
}
#else
static inline void taint_secret(const void *p, size_t n)
{
    (void)p;
    (void)n;
}

static inline void taint_public(const void *p, size_t n)
{
    (void)p;
    (void)n;
}
#endif

#endif
