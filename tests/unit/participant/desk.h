/* One participant on a desk: the test is its server, its clock and its program, and sees what it
 * wants done, in order. People, card and link are those of a meeting world.
 *
 *     desk_open(&d);                        the world; change the card with desk_set_terms()
 *     desk_seat(&d, d.w.organiser);         a participant, as yet without a connection
 *     desk_connect(&d);                     the WebSocket it asked for is open
 *     desk_challenge(&d, false);            a frame of the server's
 *     desk_sent(&d, SIGNAL_FOUND)           how often it has sent that since the last desk_forget()
 *     desk_close(&d);
 */
#ifndef TESTS_UNIT_PARTICIPANT_DESK_H
#define TESTS_UNIT_PARTICIPANT_DESK_H

#include "participant/inner.h"
#include "support/meeting_world.h"

#define DESK_EFFECTS 1024
#define DESK_FRAMES ((size_t)SIGNAL_MEDIA_OF + 1)

/* An effect, without what it borrowed. */
struct desk_effect {
    enum participant_effect_kind kind;
    enum participant_event event;
    enum participant_severity severity;
    int reason;
    bool sync;
    enum signal_type type; /* of a frame that is sent */
};

struct desk {
    struct meeting_world w;
    struct card *card;
    struct buf link; /* text */
    struct participant_trust *trust;
    struct participant_config config;
    struct participant *p;
    uint64_t now_us;
    struct desk_effect list[DESK_EFFECTS];
    size_t n;
    struct buf last[DESK_FRAMES]; /* of each type that was sent */
    struct buf snapshot;          /* the last that was to be saved */
    struct buf *deltas;
    size_t n_deltas;
};

void desk_open(struct desk *d);
void desk_close(struct desk *d);
/* Another card; the link is for it. */
void desk_set_terms(struct desk *d, const struct card_terms *terms);
/* The link as it stands in d->w.link. */
void desk_set_link(struct desk *d);

/* d->config for somebody, to be changed, and a participant of it. */
void desk_configure(struct desk *d, const struct meeting_person *who);
void desk_start(struct desk *d);
void desk_seat(struct desk *d, const struct meeting_person *who);
/* It is no more; what it had saved stays. */
void desk_unseat(struct desk *d);

/* ---- Input; each is followed by taking the effects ---- */

void desk_connect(struct desk *d);
void desk_disconnect(struct desk *d, int reason);
void desk_say(struct desk *d, const struct signal_message *m);
void desk_say_bytes(struct desk *d, struct bytes frame);
void desk_challenge(struct desk *d, bool running);
void desk_challenge_card(struct desk *d, bool running, struct bytes card);
void desk_live(struct desk *d, uint64_t epoch, uint32_t leaf);
void desk_fault(struct desk *d, int reason);
/* Time passes; its deadlines are kept. */
void desk_wait(struct desk *d, uint64_t us);

/* Connects and is greeted. */
void desk_greet(struct desk *d, bool running);
/* And is in a meeting of its own, as its founder. */
void desk_found(struct desk *d);

/* ---- What it wanted since desk_forget() ---- */

void desk_take(struct desk *d);
void desk_forget(struct desk *d);
unsigned desk_sent(const struct desk *d, enum signal_type type);
struct signal_message desk_last(const struct desk *d, enum signal_type type);
unsigned desk_asked(const struct desk *d, enum participant_effect_kind kind);
unsigned desk_told(const struct desk *d, enum participant_event event);
unsigned desk_noticed(const struct desk *d, int reason);
void desk_assert_over(const struct desk *d, int reason);
/* Where the first of a kind, event or frame stands; DESK_EFFECTS if there is none. */
size_t desk_place(const struct desk *d, enum participant_effect_kind kind);
size_t desk_place_sent(const struct desk *d, enum signal_type type);

#endif
