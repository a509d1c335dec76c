/* Makes the n-th allocation fail. The linker sends every malloc, calloc and realloc of our objects
 * here (--wrap); those inside shared libraries, libcrypto among them, go their usual way. */
#ifndef TESTS_SUPPORT_ALLOC_FAIL_H
#define TESTS_SUPPORT_ALLOC_FAIL_H

#include <stdbool.h>
#include <stddef.h>

/* Lets n more allocations succeed and fails the one after them, once. Zeroes alloc_count(). */
void alloc_fail_after(size_t n);

/* Back to normal. */
void alloc_fail_off(void);

/* True if the failure asked for by the last alloc_fail_after() has happened. */
bool alloc_fail_hit(void);

/* Allocations asked for since the last alloc_fail_after(); successful or not. */
size_t alloc_count(void);

/* Runs scenario(ctx) with its first allocation failing, then its second, and so on, until a run
 * needs no more allocations than were let through. That last run must return 0. In the runs before
 * it, the scenario's return value is its own affair, except that a scenario that returned 0 after
 * a failure must have meant to: it is counted, and the count put in *out_survived if not NULL.
 * Returns the number of runs that saw a failure, or -1 if the undisturbed run did not return 0 or
 * the scenario never comes to an end of its allocations. The scenario must free what it made;
 * the leak checker looks on. */
long alloc_sweep_count(int (*scenario)(void *ctx), void *ctx, size_t *out_survived);

/* The usual case: every run that saw a failure must report it, that is return non-zero. Returns the
 * number of such runs, or -1 as above or if a failure went unreported. */
long alloc_sweep(int (*scenario)(void *ctx), void *ctx);

#endif
