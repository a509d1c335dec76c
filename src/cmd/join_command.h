/* What somebody in a meeting can ask for: one table for the person at the terminal, who types
 * "/eject 3", and for programs, which send {"do": "eject", "person": 3}.
 */
#ifndef CMD_JOIN_COMMAND_H
#define CMD_JOIN_COMMAND_H

#include <conclave/bytes.h>

enum join_verb {
    JOIN_SAY,
    JOIN_WHO,
    JOIN_LOBBY,
    JOIN_ADMIT,
    JOIN_ADMIT_ALL,
    JOIN_REFUSE,
    JOIN_EJECT,
    JOIN_LOCK,
    JOIN_UNLOCK,
    JOIN_COHOST,
    JOIN_UNCOHOST,
    JOIN_CODE,
    JOIN_INFO,
    JOIN_CERTIFICATE,
    JOIN_ASK_MUTE,
    JOIN_ASK_MUTE_ALL,
    JOIN_HAND,
    JOIN_REACT,
    JOIN_MUTE,
    JOIN_UNMUTE,
    JOIN_STOP_VIDEO,
    JOIN_START_VIDEO,
    JOIN_SHARE,
    JOIN_UNSHARE,
    JOIN_MEDIA,
    JOIN_LEAVE,
    JOIN_END,
    JOIN_HELP,
};

/* What a command is about. */
enum join_object {
    JOIN_OBJECT_NONE,
    JOIN_OBJECT_PERSON,  /* a number of /who */
    JOIN_OBJECT_WAITING, /* a number of /lobby */
    JOIN_OBJECT_TEXT,
};

struct join_command {
    enum join_verb verb;
    uint32_t number;  /* of a person, or of somebody waiting */
    const char *text; /* a view into what was parsed */
};

/* Reads a line: text without a slash is said, "//" says text that begins with one. EINVAL:
 * out->text is then a sentence about it. */
int join_command_parse(const char *line, struct join_command *out) CONCLAVE_CHECKED;

/* By its name as programs know it, "admit-all"; ENOTFOUND. */
int join_command_find(const char *name, enum join_verb *out) CONCLAVE_CHECKED;
enum join_object join_command_object(enum join_verb verb);

/* The table, for /help: false at the end. usage: "/eject N". */
bool join_command_next(size_t *at, const char **out_usage, const char **out_help);

#endif
