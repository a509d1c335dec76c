/* Test cards: moving pictures that say who sends them and which they are, to people and programs.
 *
 * From top to bottom: a band of patches that scrolls and a ball that crosses it; the number of the
 * picture and its time (minutes, seconds, tenths) in large digits; and, in the lower half, sender
 * and number once more as 64 black and white cells, which survive any encoding that a person would
 * still look at. All of that is in the luma; the chroma of the whole picture is the sender's
 * colour.
 */
#ifndef MEDIA_TEST_CARD_H
#define MEDIA_TEST_CARD_H

#include <conclave/error.h>

#include "media/picture.h"

#define TEST_CARD_COLOURS 16 /* senders 0, 16, 32... share one */

struct test_card;

/* For pictures of one size; seed: of the patches. EINVAL: a size beyond media/limits.h. ENOMEM. */
int test_card_new(uint16_t width, uint16_t height, uint64_t seed,
                  struct test_card **out) CONCLAVE_CHECKED;
void test_card_free(struct test_card *c);

struct test_card_label {
    uint8_t sender;
    uint32_t number;
};

/* Draws a picture, shown at so many milliseconds. It is good until the next one is drawn. */
struct picture test_card_draw(struct test_card *c, const struct test_card_label *label,
                              uint64_t ms);

/* Reads the cells. ESYNTAX: they cannot be read, or contradict each other. */
int test_card_read(const struct picture *picture, struct test_card_label *out) CONCLAVE_CHECKED;

/* The colour of a picture, 0 to TEST_CARD_COLOURS - 1: that of the sender, modulo their number.
 * ESYNTAX: it is none of them. */
int test_card_read_colour(const struct picture *picture, uint8_t *out) CONCLAVE_CHECKED;

#endif
