#include "media/report.h"

#define FREEZE_FACTOR 3
#define FREEZE_MORE_US 150000

void report_init(struct report *r)
{
    *r = (struct report){0};
}

/* Of the time between two frames. Without anything to compare it with, none is a freeze. */
static bool is_freeze(const struct report *r, uint64_t interval)
{
    if (r->n == 0)
        return false;
    uint64_t average = r->interval_sum / r->n;
    return interval >= FREEZE_FACTOR * average && interval >= average + FREEZE_MORE_US;
}

static void count_freeze(struct report_numbers *n, uint64_t interval)
{
    n->freezes++;
    n->freezes_long += interval >= REPORT_LONG_US;
    n->freeze_us += interval;
    if (n->freeze_longest_us < interval)
        n->freeze_longest_us = interval;
}

static void count_interval(struct report *r, uint64_t interval)
{
    if (is_freeze(r, interval)) {
        count_freeze(&r->numbers, interval);
        return;
    }
    if (r->n == REPORT_AVERAGE)
        r->interval_sum -= r->intervals[r->next];
    else
        r->n++;
    r->intervals[r->next] = interval;
    r->interval_sum += interval;
    r->next = (r->next + 1) % REPORT_AVERAGE;
}

/* Frames that should have come between the last one and this one. A later epoch's counters begin at
 * 0 again. */
static uint64_t passed_over(const struct report_frame *last, const struct report_frame *f)
{
    if (f->context != last->context)
        return 0; /* nobody asked for the earlier frames of another layer */
    return f->epoch != last->epoch ? f->counter : f->counter - last->counter - 1;
}

static void count_passed_over(struct report_numbers *n, uint64_t frames)
{
    n->lost += frames;
    n->gaps += frames > 0;
}

/* Came after one that was sealed later: it is not lost after all. */
static bool is_late(const struct report_frame *last, const struct report_frame *f)
{
    return f->epoch < last->epoch ||
           (f->epoch == last->epoch && f->context == last->context && f->counter <= last->counter);
}

static void count_late(struct report_numbers *n)
{
    n->late++;
    n->lost -= n->lost > 0;
}

/* How the frame follows on the one before it. */
static void count_changes(struct report *r, const struct report_frame *f, uint64_t interval)
{
    struct report_numbers *n = &r->numbers;
    bool key_change = f->epoch != r->last.epoch;
    n->key_changes += key_change;
    n->layer_changes += f->context != r->last.context;
    if (!r->following)
        return;
    count_passed_over(n, passed_over(&r->last, f));
    if (key_change && n->key_change_longest_us < interval)
        n->key_change_longest_us = interval;
}

void report_take_frame(struct report *r, const struct report_frame *frame)
{
    struct report_numbers *n = &r->numbers;
    uint64_t interval = frame->now_us - r->last.now_us;
    bool first = n->frames++ == 0, late = !first && is_late(&r->last, frame);
    if (first)
        n->first_us = frame->now_us;
    n->last_us = frame->now_us;
    n->key_frames += frame->key;
    n->bytes += frame->bytes;
    if (r->following)
        count_interval(r, interval);
    if (late)
        count_late(n);
    else if (!first)
        count_changes(r, frame, interval);
    if (!late)
        r->last = *frame;
    r->last.now_us = frame->now_us;
    r->following = true;
}

void report_pause(struct report *r)
{
    r->following = false;
}

struct report_numbers report_numbers(const struct report *r, uint64_t now_us)
{
    struct report_numbers n = r->numbers;
    if (r->following && is_freeze(r, now_us - r->last.now_us))
        count_freeze(&n, now_us - r->last.now_us);
    return n;
}
