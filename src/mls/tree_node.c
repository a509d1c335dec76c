#include "mls/tree_node.h"

#include <stdlib.h>
#include <string.h>

struct node *leaf_node_new(const struct mls_leaf *leaf)
{
    struct leaf_node *n = malloc(sizeof *n + leaf->raw.n);
    int error = 0;
    if (n == NULL)
        return NULL;
    n->head = (struct node){.refs = 1, .is_leaf = true};
    memcpy(n->raw, leaf->raw.p, leaf->raw.n);
    struct reader r = reader_of(bytes_of(n->raw, leaf->raw.n));
    mls_leaf_read(&r, &n->leaf, &error); /* was read before: cannot fail */
    return &n->head;
}

struct node *parent_node_new(struct bytes key, struct bytes parent_hash)
{
    struct parent_node *n = calloc(1, sizeof *n);
    if (n == NULL)
        return NULL;
    n->head = (struct node){.refs = 1, .is_leaf = false};
    memcpy(n->key, key.p, key.n);
    n->key_n = (uint8_t)key.n;
    if (parent_hash.n != 0)
        memcpy(n->parent_hash, parent_hash.p, parent_hash.n);
    n->parent_hash_n = (uint8_t)parent_hash.n;
    return &n->head;
}

struct node *parent_node_copy(const struct parent_node *p)
{
    struct parent_node *n = malloc(sizeof *n);
    if (n == NULL)
        return NULL;
    *n = *p;
    n->head.refs = 1;
    n->cap_unmerged = p->n_unmerged;
    n->unmerged = NULL;
    if (p->n_unmerged == 0)
        return &n->head;
    n->unmerged = malloc(p->n_unmerged * sizeof *n->unmerged);
    if (n->unmerged == NULL) {
        free(n);
        return NULL;
    }
    memcpy(n->unmerged, p->unmerged, p->n_unmerged * sizeof *n->unmerged);
    return &n->head;
}

void node_unref(struct node *n)
{
    if (n == NULL || --n->refs != 0)
        return;
    if (!n->is_leaf)
        free(((struct parent_node *)n)->unmerged);
    free(n);
}

static void slot_ref(void *element)
{
    struct node *n = *(struct node **)element;
    if (n != NULL)
        n->refs++;
}

static void slot_unref(void *element)
{
    node_unref(*(struct node **)element);
}

const struct cow_type mls_node_type = {sizeof(struct node *), 64, slot_ref, slot_unref};

const struct cow_type *mls_hash_type(uint8_t nh)
{
    static const struct cow_type types[3] = {
        {1 + 32, 128, NULL, NULL}, {1 + 48, 128, NULL, NULL}, {1 + 64, 128, NULL, NULL}};
    return &types[nh == 32 ? 0 : nh == 48 ? 1 : 2];
}
