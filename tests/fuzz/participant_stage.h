/* The stage of the fuzzer of participants: a short meeting, played once with a server of a few
 * lines, of which one member's start is kept, and every frame that it was sent from then on. */
#ifndef TESTS_FUZZ_PARTICIPANT_STAGE_H
#define TESTS_FUZZ_PARTICIPANT_STAGE_H

#include "participant/inner.h"

#define STAGE_NOW UINT64_C(1700000000)
#define STAGE_FRAMES 96
#define STAGE_EPOCHS 16
#define STAGE_DELTAS 64

/* What everybody in an epoch has. */
struct stage_epoch {
    struct buf authenticator, state;
};

struct stage {
    struct buf card;
    uint64_t saved_us; /* when the member was saved */
    struct buf snapshot;
    struct buf deltas[STAGE_DELTAS];
    size_t n_deltas;
    uint64_t epoch; /* and in which epoch */
    uint32_t leaf;
    struct buf frames[STAGE_FRAMES]; /* what it was sent then, one of each kind at least */
    size_t n_frames;
    struct stage_epoch epochs[STAGE_EPOCHS];
    size_t n_epochs;
};

/* Made at the first call. */
const struct stage *participant_stage(void);

/* The member as it was saved; to be freed. */
struct participant *participant_stage_member(void);

/* Ends the program if something that must hold does not. */
#define MUST_HOLD(condition) stage_must_hold((condition), #condition, __FILE__, __LINE__)
void stage_must_hold(bool holds, const char *what, const char *file, int line);

#endif
