/* RFC 9420 appendix C: indices in a perfect binary tree kept as an array, leaves at even places.
 * width is the number of leaf places, a power of two; nodes are 0 .. 2*width-2.
 */
#ifndef MLS_TREE_MATH_H
#define MLS_TREE_MATH_H

#include <stdbool.h>
#include <stdint.h>

static inline uint32_t tm_node(uint32_t leaf)
{
    return 2 * leaf;
}

static inline uint32_t tm_leaf(uint32_t node)
{
    return node / 2;
}

static inline bool tm_is_leaf(uint32_t node)
{
    return (node & 1) == 0;
}

/* 0 for a leaf; the number of trailing one bits. */
static inline uint32_t tm_level(uint32_t node)
{
    return (uint32_t)__builtin_ctz(~node);
}

static inline uint32_t tm_node_count(uint32_t width)
{
    return width == 0 ? 0 : 2 * width - 1;
}

static inline uint32_t tm_root(uint32_t width)
{
    return width - 1;
}

/* Not of a leaf. */
static inline uint32_t tm_left(uint32_t node)
{
    return node ^ (1u << (tm_level(node) - 1));
}

static inline uint32_t tm_right(uint32_t node)
{
    return node ^ (3u << (tm_level(node) - 1));
}

/* Not of the root. */
static inline uint32_t tm_parent(uint32_t node)
{
    uint32_t k = tm_level(node);
    return (node | (1u << k)) & ~(1u << (k + 1));
}

static inline uint32_t tm_sibling(uint32_t node)
{
    return node < tm_parent(node) ? tm_right(tm_parent(node)) : tm_left(tm_parent(node));
}

/* The ancestor of a leaf at a level (its own node at level 0). */
static inline uint32_t tm_ancestor(uint32_t leaf, uint32_t level)
{
    return (uint32_t)((((uint64_t)tm_node(leaf) >> (level + 1)) << (level + 1)) |
                      ((1ull << level) - 1));
}

/* The lowest level at which two different leaves meet. */
static inline uint32_t tm_common_level(uint32_t leaf_a, uint32_t leaf_b)
{
    return 32 - (uint32_t)__builtin_clz(leaf_a ^ leaf_b);
}

/* The leaves below a node: first, and one past the last. */
static inline uint32_t tm_first_leaf(uint32_t node)
{
    return (node - ((1u << tm_level(node)) - 1)) / 2;
}

static inline uint32_t tm_end_leaf(uint32_t node)
{
    return tm_first_leaf(node) + (1u << tm_level(node));
}

static inline bool tm_is_below(uint32_t leaf, uint32_t node)
{
    return leaf >= tm_first_leaf(node) && leaf < tm_end_leaf(node);
}

/* The smallest power of two that is at least n (n >= 1). */
static inline uint32_t tm_width(uint32_t n)
{
    return n <= 1 ? 1 : 1u << (32 - (uint32_t)__builtin_clz(n - 1));
}

#endif
