#include "base/cow.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/wipe.h"

struct cow_chunk {
    size_t refs;
    _Alignas(8) uint8_t data[];
};

/* The chunks of an array. Clones share it until one of them is written. */
struct cow_table {
    size_t refs;
    struct cow_chunk *chunk[];
};

static size_t chunks_for(const struct cow *a, size_t n)
{
    return n / a->type->per_chunk + (n % a->type->per_chunk != 0);
}

static struct cow_chunk *chunk_of(const struct cow *a, size_t i)
{
    return a->table->chunk[i / a->type->per_chunk];
}

static void *element(const struct cow *a, size_t i)
{
    return chunk_of(a, i)->data + (i % a->type->per_chunk) * a->type->size;
}

static struct cow_chunk *chunk_new(const struct cow_type *type)
{
    struct cow_chunk *c = calloc(1, sizeof *c + type->per_chunk * type->size);
    if (c != NULL)
        c->refs = 1;
    return c;
}

static void chunk_unref(const struct cow_type *type, struct cow_chunk *c)
{
    if (--c->refs != 0)
        return;
    if (type->unref != NULL)
        for (size_t i = 0; i < type->per_chunk; i++)
            type->unref(c->data + i * type->size);
    wipe(c->data, type->per_chunk * type->size);
    free(c);
}

static struct cow_chunk *chunk_copy(const struct cow_type *type, const struct cow_chunk *from)
{
    struct cow_chunk *c = chunk_new(type);
    if (c == NULL)
        return NULL;
    memcpy(c->data, from->data, type->per_chunk * type->size);
    if (type->ref != NULL)
        for (size_t i = 0; i < type->per_chunk; i++)
            type->ref(c->data + i * type->size);
    return c;
}

void cow_init(struct cow *a, const struct cow_type *type)
{
    *a = (struct cow){.type = type};
}

void cow_fini(struct cow *a)
{
    if (a->table != NULL && --a->table->refs == 0) {
        for (size_t i = 0; i < chunks_for(a, a->n); i++)
            chunk_unref(a->type, a->table->chunk[i]);
        free(a->table);
    }
    cow_init(a, a->type);
}

/* A table of our own with room for `want` chunks, the first of them those we have. */
static int own_table(struct cow *a, size_t want)
{
    size_t have = chunks_for(a, a->n), size;
    if (a->table != NULL && a->table->refs == 1 && want <= have)
        return 0;
    if (!checked_mul(want > have ? want : have, sizeof a->table->chunk[0], &size) ||
        !checked_add(size, sizeof *a->table, &size))
        return CONCLAVE_ENOMEM;
    if (a->table == NULL || a->table->refs == 1) {
        struct cow_table *t = realloc(a->table, size);
        if (t == NULL)
            return CONCLAVE_ENOMEM;
        t->refs = 1;
        a->table = t;
        return 0;
    }
    struct cow_table *t = malloc(size);
    if (t == NULL)
        return CONCLAVE_ENOMEM;
    t->refs = 1;
    memcpy(t->chunk, a->table->chunk, have * sizeof t->chunk[0]);
    for (size_t i = 0; i < have; i++)
        t->chunk[i]->refs++;
    a->table->refs--;
    a->table = t;
    return 0;
}

static int grow(struct cow *a, size_t n)
{
    size_t have = chunks_for(a, a->n), want = chunks_for(a, n);
    int rv = have == want ? 0 : own_table(a, want);
    if (rv != 0)
        return rv;
    for (size_t i = have; i < want; i++) {
        a->table->chunk[i] = chunk_new(a->type);
        if (a->table->chunk[i] == NULL) {
            while (i-- > have)
                chunk_unref(a->type, a->table->chunk[i]);
            return CONCLAVE_ENOMEM;
        }
    }
    a->n = n;
    return 0;
}

int cow_resize(struct cow *a, size_t n)
{
    if (n >= a->n)
        return grow(a, n);
    int rv = own_table(a, 0);
    if (rv != 0)
        return rv;
    /* elements that stay allocated behind the new end are zeroed, so that growing finds zeros */
    size_t keep = chunks_for(a, n);
    for (size_t i = n; i < a->n && i < keep * a->type->per_chunk; i++) {
        uint8_t *e = cow_own(a, i);
        if (e == NULL)
            return CONCLAVE_ENOMEM;
        if (a->type->unref != NULL)
            a->type->unref(e);
        wipe(e, a->type->size);
    }
    for (size_t i = keep; i < chunks_for(a, a->n); i++)
        chunk_unref(a->type, a->table->chunk[i]);
    a->n = n;
    return 0;
}

void cow_clone(const struct cow *a, struct cow *out)
{
    *out = *a;
    if (a->table != NULL)
        a->table->refs++;
}

const void *cow_at(const struct cow *a, size_t i)
{
    return element(a, i);
}

void *cow_own(struct cow *a, size_t i)
{
    if (own_table(a, 0) != 0)
        return NULL;
    struct cow_chunk **c = &a->table->chunk[i / a->type->per_chunk];
    if ((*c)->refs != 1) {
        struct cow_chunk *copy = chunk_copy(a->type, *c);
        if (copy == NULL)
            return NULL;
        (*c)->refs--;
        *c = copy;
    }
    return element(a, i);
}

bool cow_shares(const struct cow *a, const struct cow *b, size_t i)
{
    return i < a->n && i < b->n && chunk_of(a, i) == chunk_of(b, i);
}
