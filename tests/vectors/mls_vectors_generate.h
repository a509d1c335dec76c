/* What the makers of vectors share. They stop the program when something fails. */
#ifndef VECTORS_MLS_VECTORS_GENERATE_H
#define VECTORS_MLS_VECTORS_GENERATE_H

#include "mls_vectors.h"

/* Ends the program unless rv is 0. */
void gen_must(int rv, const char *what);

void gen_hex(json_t *o, const char *name, struct bytes b);
void gen_number(json_t *o, const char *name, uint64_t n);

/* The entry under way must not have failed. */
void gen_check(const struct vec *v);

/* A recorded group, made by members that are really there (mls_vectors_generate_groups.c). */
void gen_passive_client(struct vec *v, json_t *e);

#endif
