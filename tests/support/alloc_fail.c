#include "alloc_fail.h"

#include <stdatomic.h>
#include <stdint.h>

/* A scenario that still allocates after so many rounds is taken for an endless one. */
#define SWEEP_LIMIT 1000000

/* Atomic, because a test may run our code on several threads. */
static atomic_size_t fail_at = SIZE_MAX;
static atomic_size_t count;
static atomic_bool hit;

/* The linker's names for the wrapped and the real functions are reserved identifiers by design. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool refuse(void)
{
    if (atomic_fetch_add(&count, 1) != atomic_load(&fail_at))
        return false;
    atomic_store(&hit, true);
    return true;
}

void *__wrap_malloc(size_t size)
{
    return refuse() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return refuse() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return refuse() ? NULL : __real_realloc(p, size);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

void alloc_fail_after(size_t n)
{
    atomic_store(&hit, false);
    atomic_store(&count, 0);
    atomic_store(&fail_at, n);
}

void alloc_fail_off(void)
{
    atomic_store(&fail_at, SIZE_MAX);
}

bool alloc_fail_hit(void)
{
    return atomic_load(&hit);
}

size_t alloc_count(void)
{
    return atomic_load(&count);
}

long alloc_sweep_count(int (*scenario)(void *ctx), void *ctx, size_t *out_survived)
{
    size_t survived = 0;

    for (long n = 0; n < SWEEP_LIMIT; n++) {
        alloc_fail_after((size_t)n);
        int result = scenario(ctx);
        alloc_fail_off();
        if (alloc_fail_hit()) {
            survived += result == 0;
            continue;
        }
        if (out_survived != NULL)
            *out_survived = survived;
        return result == 0 ? n : -1;
    }
    return -1;
}

long alloc_sweep(int (*scenario)(void *ctx), void *ctx)
{
    size_t survived = 0;
    long runs = alloc_sweep_count(scenario, ctx, &survived);

    return survived == 0 ? runs : -1;
}
