/* The meeting card: what the organiser signed is what everybody reads, and nothing else is one. */
#include "support/meeting_world.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/labels.h"
#include "crypto/sha256.h"
#include "support/alloc_fail.h"
#include "wire/writer.h"

static struct card *read_world_card(const struct meeting_world *w)
{
    struct card *card;
    assert_int_equal(card_read(buf_view(&w->card), &card), 0);
    return card;
}

static void what_was_signed_is_read(void **state)
{
    struct meeting_world w;
    (void)state;
    meeting_world_init(&w);
    struct card *card = read_world_card(&w);
    struct identity organiser;
    assert_int_equal(card_verify(card, w.public_crypto, w.anchors, &organiser), 0);
    assert_string_equal(organiser.identifier, "alice@company.com");
    card_free(card);
    meeting_world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_signed_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
