/* Standard input on a loop, whatever it is: a keyboard, a pipe or a file. */
#ifndef CMD_TERMINAL_INPUT_H
#define CMD_TERMINAL_INPUT_H

#include "net/loop.h"

struct terminal_input;

struct terminal_input_events {
    void (*bytes)(void *ctx, struct bytes data);
    void (*end)(void *ctx); /* once; nothing follows */
};

/* raw: of a keyboard each key as it is pressed, unseen, until terminal_input_free(). events is
 * borrowed. EINVAL if it cannot be read; ENOMEM. */
int terminal_input_new(struct net_loop *loop, bool raw, const struct terminal_input_events *events,
                       void *ctx, struct terminal_input **out) CONCLAVE_CHECKED;
void terminal_input_free(struct terminal_input *t);

/* Whether people are at both ends: keyboard and screen. */
bool terminal_is_interactive(void);

/* Reads a line of the keyboard that is not shown: a password. Appends it. EINVAL without a
 * keyboard; ENOMEM. */
int terminal_ask_secret(const char *prompt, struct buf *out) CONCLAVE_CHECKED;

#endif
