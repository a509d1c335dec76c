#include "base/cow.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/wipe.h"

struct cow_chunk {
    size_t refs;
    _Alignas(8) uint8_t data[];
};

static size_t chunks_for(size_t n)
{
    return n / COW_CHUNK + (n % COW_CHUNK != 0);
}

static void *element(const struct cow *a, size_t i)
{
    return a->chunks[i / COW_CHUNK]->data + (i % COW_CHUNK) * a->type->size;
}

static struct cow_chunk *chunk_new(const struct cow_type *type)
{
    struct cow_chunk *c = calloc(1, sizeof *c + COW_CHUNK * type->size);
    if (c != NULL)
        c->refs = 1;
    return c;
}

static void chunk_unref(const struct cow_type *type, struct cow_chunk *c)
{
    if (--c->refs != 0)
        return;
    if (type->unref != NULL)
        for (size_t i = 0; i < COW_CHUNK; i++)
            type->unref(c->data + i * type->size);
    wipe(c->data, COW_CHUNK * type->size);
    free(c);
}

static struct cow_chunk *chunk_copy(const struct cow_type *type, const struct cow_chunk *from)
{
    struct cow_chunk *c = chunk_new(type);
    if (c == NULL)
        return NULL;
    memcpy(c->data, from->data, COW_CHUNK * type->size);
    if (type->ref != NULL)
        for (size_t i = 0; i < COW_CHUNK; i++)
            type->ref(c->data + i * type->size);
    return c;
}

void cow_init(struct cow *a, const struct cow_type *type)
{
    *a = (struct cow){.type = type};
}

void cow_fini(struct cow *a)
{
    for (size_t i = 0; i < chunks_for(a->n); i++)
        chunk_unref(a->type, a->chunks[i]);
    free(a->chunks);
    cow_init(a, a->type);
}

static int grow(struct cow *a, size_t n)
{
    size_t have = chunks_for(a->n), want = chunks_for(n), size;
    if (have != want) {
        if (!checked_mul(want, sizeof *a->chunks, &size))
            return CONCLAVE_ENOMEM;
        struct cow_chunk **chunks = realloc(a->chunks, size);
        if (chunks == NULL)
            return CONCLAVE_ENOMEM;
        a->chunks = chunks;
    }
    for (size_t i = have; i < want; i++) {
        a->chunks[i] = chunk_new(a->type);
        if (a->chunks[i] == NULL) {
            while (i-- > have)
                chunk_unref(a->type, a->chunks[i]);
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
    /* elements that stay allocated behind the new end are zeroed, so that growing finds zeros */
    size_t keep = chunks_for(n);
    for (size_t i = n; i < a->n && i < keep * COW_CHUNK; i++) {
        uint8_t *e = cow_own(a, i);
        if (e == NULL)
            return CONCLAVE_ENOMEM;
        if (a->type->unref != NULL)
            a->type->unref(e);
        wipe(e, a->type->size);
    }
    for (size_t i = keep; i < chunks_for(a->n); i++)
        chunk_unref(a->type, a->chunks[i]);
    a->n = n;
    return 0;
}

int cow_clone(const struct cow *a, struct cow *out)
{
    size_t n = chunks_for(a->n);
    struct cow_chunk **chunks = NULL;
    if (n != 0) {
        chunks = malloc(n * sizeof *chunks);
        if (chunks == NULL)
            return CONCLAVE_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        chunks[i] = a->chunks[i];
        chunks[i]->refs++;
    }
    *out = (struct cow){.type = a->type, .chunks = chunks, .n = a->n};
    return 0;
}

const void *cow_at(const struct cow *a, size_t i)
{
    return element(a, i);
}

void *cow_own(struct cow *a, size_t i)
{
    struct cow_chunk **c = &a->chunks[i / COW_CHUNK];
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
    return i < a->n && i < b->n && a->chunks[i / COW_CHUNK] == b->chunks[i / COW_CHUNK];
}
