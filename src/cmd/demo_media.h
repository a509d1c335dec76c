/* Scenes of the demonstration that have audio and video: see cmd/demo_stage.h. */
#ifndef CMD_DEMO_MEDIA_H
#define CMD_DEMO_MEDIA_H

#include "cmd/demo_stage.h"

/* Everybody in the meeting is connected with the switch. */
const char *demo_media_connect(struct demo *d);
/* Ada plays files; the others get them. */
const char *demo_media_play(struct demo *d);
/* Ben has a camera and speaks. */
const char *demo_media_speak(struct demo *d);
/* What the switch sees of that. */
const char *demo_media_look(struct demo *d);

/* Before Gwen is removed, and after: what her keys open. */
const char *demo_media_keep_keys(struct demo *d);
const char *demo_media_try_keys(struct demo *d);

/* After the server came back. */
const char *demo_media_again(struct demo *d);

/* After the end: files are compared. */
const char *demo_media_compare(struct demo *d);

void demo_media_clear(struct demo *d);

#endif
