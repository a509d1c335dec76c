/* What one receiver got of one sender's stream, in numbers: made from the frames that opened, in
 * the order in which they would be shown, and the times at which they could be.
 *
 * Loss is told by the counters that SFrame seals frames with (RFC 9605 4.3): they rise by one under
 * each key, and nobody on the way can change them. So what the sender did not send to begin with,
 * or the switch left out because it was not asked for, must be told from what got lost: call
 * report_pause() for it.
 */
#ifndef MEDIA_REPORT_H
#define MEDIA_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report_frame {
    uint64_t now_us;  /* of a clock that never goes back */
    uint64_t epoch;   /* of the group: whose key it was sealed with */
    uint64_t context; /* of SFrame: the track and layer */
    uint64_t counter; /* of SFrame */
    size_t bytes;     /* in clear */
    bool key;         /* a VP8 key frame */
};

struct report_numbers {
    uint64_t frames, key_frames, bytes;
    uint64_t lost;          /* frames whose counters were passed over and did not come later */
    uint64_t gaps;          /* how often that happened, whatever the number */
    uint64_t late;          /* frames that came after one with a higher counter */
    uint64_t key_changes;   /* from one epoch to a later one */
    uint64_t layer_changes; /* from one context to another */
    /* Freezes are those of the W3C's webrtc-stats: the time from one frame to the next is at least
     * three times the average of the last 30, and 150 ms more than it. Frozen ones do not count
     * towards the average, lest a long freeze hide the next. */
    uint64_t freezes, freeze_us, freeze_longest_us;
    uint64_t freezes_long; /* those of REPORT_LONG_US and more */
    uint64_t
        key_change_longest_us;  /* between the last frame of an epoch and the next one's first */
    uint64_t first_us, last_us; /* when the first frame came, and the last */
};

#define REPORT_AVERAGE 30
/* Longer than what a lost key frame and the next one cost: somebody wonders what is wrong. */
#define REPORT_LONG_US UINT64_C(1000000)

struct report {
    struct report_numbers numbers;
    struct report_frame last;
    bool following;                     /* the next frame follows on `last` */
    uint64_t intervals[REPORT_AVERAGE]; /* the last ones, not frozen */
    uint64_t interval_sum;
    uint32_t n, next; /* how many there are, and where the next goes */
};

void report_init(struct report *r);

void report_take_frame(struct report *r, const struct report_frame *frame);

/* The stream stops for a reason: muted, switched off, not asked for any more. However long it
 * takes, and whatever counters are passed over, is neither a freeze nor a loss. */
void report_pause(struct report *r);

/* The numbers as they are now: a freeze that has not ended counts for as long as it lasts. */
struct report_numbers report_numbers(const struct report *r, uint64_t now_us);

#endif
