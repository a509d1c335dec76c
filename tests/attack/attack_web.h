/* A meeting for a page in a browser: the scenes of the attack tests by the real clock, with a seat
 * for somebody of another process. The page's socket, and certificates for its keys, come and go as
 * lines on standard input and output (web/app/test/browser/liar.mjs is the other end):
 *
 *     to us       open | close | say HEX       its socket
 *                 certify KIND NAME HEX        a request for a certificate; KIND: user or guest
 *                 go                           on to the scene's next step
 *     from us     link TEXT | root HEX         first
 *                 frame HEX | gone             its socket
 *                 certificate HEX
 *                 told WORD                    a step was done
 *                 code TEXT                    the security code that somebody else sees
 *
 * A scene is written as an attack test is: what it shows to the page, the page is asked about by
 * the test that runs this program. Ends with 0 if all that it asserts held.
 */
#ifndef TESTS_ATTACK_ATTACK_WEB_H
#define TESTS_ATTACK_ATTACK_WEB_H

#include "attack_moves.h"

#define WEB_MOMENT (STAGE_SECOND / 2)
#define WEB_PATIENCE (20 * STAGE_SECOND)
#define WEB_NAMES 8 /* that pages ask certificates for */

struct web {
    struct attack_scene a;
    struct stage_actor *page;
    struct buf in; /* read, and not yet a whole line */
    bool go;
    char *names[WEB_NAMES];
    size_t n_names;
};

/* The stage, some time ago, so that people can meet before the page comes. change: of the card's
 * terms, or NULL. */
void web_open(struct web *w, void (*change)(struct card_terms *terms));
/* Alice, bob and mallory are in; all that have the link join directly. */
void web_open_people(struct web *w);
void web_guests_join(struct card_terms *terms);
void web_close(struct web *w);

/* The page may come now: the clock is the true one from here on. */
void web_begin(struct web *w);
/* Time passes, and the page is heard. */
void web_run(struct web *w, uint64_t us);
/* Until something holds that the page has a part in, which takes as long as it takes. */
void web_until(struct web *w, bool (*holds)(const struct web *w, const struct stage_actor *who),
               const struct stage_actor *who);
bool web_is_in(const struct web *w, const struct stage_actor *who);
bool web_is_out(const struct web *w, const struct stage_actor *who);
/* Until the page's test says go. */
void web_await(struct web *w);
/* A step was done. */
void web_tell(const char *word);
/* The security code that somebody sees. */
void web_tell_code(struct stage_actor *who);

/* What people do, and half a second for the page to hear of it; after an eject there is none. */
void web_say(struct web *w, struct stage_actor *who, const char *text);
void web_lock(struct web *w, bool locked);               /* alice */
void web_eject(struct web *w, struct stage_actor *whom); /* alice */

/* The server says this to the page. */
void web_deliver(struct web *w, const struct signal_message *m);
void web_deliver_mls(struct web *w, enum signal_type type, struct bytes message);
/* It ends the page's connection. */
void web_cut(struct web *w);

struct web_scene {
    const char *name;
    void (*play)(struct web *w);
};

extern const struct web_scene web_scenes_member[], web_scenes_door[], web_scenes_host[];

#endif
