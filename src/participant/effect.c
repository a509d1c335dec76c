#include <stdlib.h>
#include <string.h>

#include "participant/inner.h"

struct effect {
    struct effect *next;
    struct participant_effect view;
    struct buf data; /* what view.data or view.text borrows */
    struct buf id;
};

static void effect_free(struct effect *e)
{
    if (e != NULL) {
        buf_free(&e->data);
        buf_free(&e->id);
    }
    free(e);
}

static void push(struct participant *p, struct effect *e)
{
    struct effects *queue = &p->effects;
    if (e == NULL || buf_check(&e->data) != 0 || buf_check(&e->id) != 0) {
        effect_free(e);
        queue->failed = true;
        return;
    }
    if (queue->last == NULL)
        queue->first = e;
    else
        queue->last->next = e;
    queue->last = e;
}

void participant_effect_simple(struct participant *p, enum participant_effect_kind kind)
{
    participant_effect_data(p, kind, none(), false);
}

void participant_effect_data(struct participant *p, enum participant_effect_kind kind,
                             struct bytes data, bool sync)
{
    struct effect *e = calloc(1, sizeof *e);
    if (e != NULL) {
        e->view.kind = kind;
        e->view.sync = sync;
        buf_put(&e->data, data);
        e->view.data = buf_view(&e->data);
    }
    push(p, e);
}

void participant_effect_send(struct participant *p, const struct signal_message *m)
{
    struct effect *e = calloc(1, sizeof *e);
    if (e != NULL) {
        e->view.kind = PARTICIPANT_SEND;
        if (signal_write(m, &e->data) != 0)
            e->data.failed = true;
        e->view.data = buf_view(&e->data);
        p->stats.bytes_out += e->data.n;
    }
    push(p, e);
}

void participant_effect_event(struct participant *p, const struct participant_effect *event)
{
    struct effect *e = calloc(1, sizeof *e);
    if (e != NULL) {
        e->view = *event;
        e->view.kind = PARTICIPANT_EVENT;
        buf_put(&e->data, event->text);
        buf_put(&e->id, event->id);
        e->view.text = buf_view(&e->data);
        e->view.id = buf_view(&e->id);
    }
    push(p, e);
}

void participant_tell(struct participant *p, enum participant_event event)
{
    participant_effect_event(
        p, &(struct participant_effect){.event = event, .leaf = MLS_NO_LEAF, .by = MLS_NO_LEAF});
}

void participant_notify(struct participant *p, enum participant_severity severity, int reason,
                        uint32_t leaf)
{
    participant_effect_event(p, &(struct participant_effect){.event = PARTICIPANT_NOTICE,
                                                             .severity = severity,
                                                             .reason = reason,
                                                             .leaf = leaf,
                                                             .by = MLS_NO_LEAF});
}

bool participant_next(struct participant *p, struct participant_effect *out)
{
    struct effects *queue = &p->effects;
    struct effect *e = queue->first;
    effect_free(queue->taken);
    queue->taken = e;
    if (e == NULL)
        return false;
    queue->first = e->next;
    if (queue->first == NULL)
        queue->last = NULL;
    *out = e->view;
    return true;
}

void participant_effects_fini(struct effects *e)
{
    while (e->first != NULL) {
        struct effect *next = e->first->next;
        effect_free(e->first);
        e->first = next;
    }
    effect_free(e->taken);
    *e = (struct effects){0};
}

int participant_effects_check(struct effects *e)
{
    bool failed = e->failed;
    e->failed = false;
    return failed ? CONCLAVE_ENOMEM : 0;
}
