#include "cmd/join_command.h"

#include <stdlib.h>
#include <string.h>

struct row {
    const char *name;
    enum join_verb verb;
    enum join_object object;
    const char *usage, *help;
};

static const struct row rows[] = {
    {"say", JOIN_SAY, JOIN_OBJECT_TEXT, "TEXT", "say it to everybody"},
    {"who", JOIN_WHO, JOIN_OBJECT_NONE, "/who", "who is here, and who vouches for them"},
    {"lobby", JOIN_LOBBY, JOIN_OBJECT_NONE, "/lobby", "who is waiting to be let in"},
    {"admit", JOIN_ADMIT, JOIN_OBJECT_WAITING, "/admit N", "let N of the lobby in"},
    {"admit-all", JOIN_ADMIT_ALL, JOIN_OBJECT_NONE, "/admit all", "let everybody in"},
    {"refuse", JOIN_REFUSE, JOIN_OBJECT_WAITING, "/refuse N", "turn N of the lobby away"},
    {"eject", JOIN_EJECT, JOIN_OBJECT_PERSON, "/eject N", "remove N, who then has to be let in"},
    {"lock", JOIN_LOCK, JOIN_OBJECT_NONE, "/lock", "nobody joins without a host"},
    {"unlock", JOIN_UNLOCK, JOIN_OBJECT_NONE, "/unlock", "undo that"},
    {"cohost", JOIN_COHOST, JOIN_OBJECT_PERSON, "/cohost N", "make N a co-host"},
    {"uncohost", JOIN_UNCOHOST, JOIN_OBJECT_PERSON, "/uncohost N", "undo that"},
    {"code", JOIN_CODE, JOIN_OBJECT_NONE, "/code", "the security code, to compare"},
    {"info", JOIN_INFO, JOIN_OBJECT_NONE, "/info", "what this meeting is, and what protects it"},
    {"certificate", JOIN_CERTIFICATE, JOIN_OBJECT_PERSON, "/cert N", "N's certificate"},
    {"ask-mute", JOIN_ASK_MUTE, JOIN_OBJECT_PERSON, "/ask-mute N", "have N send no sound for now"},
    {"ask-mute-all", JOIN_ASK_MUTE_ALL, JOIN_OBJECT_NONE, "/ask-mute all", "have all but hosts"},
    {"hand", JOIN_HAND, JOIN_OBJECT_NONE, "/hand", "raise or lower your hand"},
    {"react", JOIN_REACT, JOIN_OBJECT_TEXT, "/react EMOJI", "show it to everybody"},
    {"mute", JOIN_MUTE, JOIN_OBJECT_NONE, "/mute", "send no sound"},
    {"unmute", JOIN_UNMUTE, JOIN_OBJECT_NONE, "/unmute", "undo that"},
    {"stop-video", JOIN_STOP_VIDEO, JOIN_OBJECT_NONE, "/stop-video", "send no pictures"},
    {"start-video", JOIN_START_VIDEO, JOIN_OBJECT_NONE, "/start-video", "undo that"},
    {"share", JOIN_SHARE, JOIN_OBJECT_TEXT, "/share FILE", "show a video file as your screen"},
    {"unshare", JOIN_UNSHARE, JOIN_OBJECT_NONE, "/unshare", "undo that"},
    {"media", JOIN_MEDIA, JOIN_OBJECT_NONE, "/media", "what comes of audio and video, in numbers"},
    {"leave", JOIN_LEAVE, JOIN_OBJECT_NONE, "/leave", "leave; the meeting goes on"},
    {"end", JOIN_END, JOIN_OBJECT_NONE, "/end", "end the meeting for everybody"},
    {"help", JOIN_HELP, JOIN_OBJECT_NONE, "/help", "this list"},
};
#define N_ROWS (sizeof rows / sizeof rows[0])

/* What people type instead. */
static const struct {
    const char *typed, *name;
} aliases[] = {
    {"cert", "certificate"}, {"quit", "leave"}, {"exit", "leave"}, {"kick", "eject"}, {"?", "help"},
};

static const struct row *row_of(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strlen(aliases[i].typed) == n && strncmp(aliases[i].typed, name, n) == 0)
            return row_of(aliases[i].name, strlen(aliases[i].name));
    for (size_t i = 0; i < N_ROWS; i++)
        if (strlen(rows[i].name) == n && strncmp(rows[i].name, name, n) == 0)
            return &rows[i];
    return NULL;
}

static int complain(struct join_command *out, const char *text)
{
    out->text = text;
    return CONCLAVE_EINVAL;
}

/* 1 to 4,294,967,295 and nothing after it. */
static bool read_number(const char *text, uint32_t *out)
{
    char *end = NULL;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long n = strtoul(text, &end, 10);
    *out = (uint32_t)n;
    return *end == 0 && n > 0 && n <= UINT32_MAX;
}

static int read_object(const struct row *row, const char *rest, struct join_command *out)
{
    switch (row->object) {
    case JOIN_OBJECT_NONE:
        return *rest == 0 ? 0 : complain(out, "This command takes nothing after it.");
    case JOIN_OBJECT_PERSON:
        return read_number(rest, &out->number) ? 0 : complain(out, "Which number of /who?");
    case JOIN_OBJECT_WAITING:
        return read_number(rest, &out->number) ? 0 : complain(out, "Which number of /lobby?");
    case JOIN_OBJECT_TEXT:
        out->text = rest;
        return *rest != 0 ? 0 : complain(out, "What should be shown?");
    }
    return CONCLAVE_EINVAL;
}

/* What "all" in the place of a number makes of it. */
static enum join_verb verb_for_all(enum join_verb verb)
{
    return verb == JOIN_ADMIT ? JOIN_ADMIT_ALL : verb == JOIN_ASK_MUTE ? JOIN_ASK_MUTE_ALL : verb;
}

int join_command_parse(const char *line, struct join_command *out)
{
    memset(out, 0, sizeof *out);
    if (line[0] != '/' || line[1] == '/') {
        out->verb = JOIN_SAY;
        out->text = line[0] == '/' ? line + 1 : line;
        return 0;
    }
    size_t n = strcspn(line + 1, " ");
    const char *rest = line + 1 + n;
    rest += strspn(rest, " ");
    const struct row *row = row_of(line + 1, n);
    if (row == NULL)
        return complain(out, "There is no such command; /help lists them.");
    out->verb = strcmp(rest, "all") == 0 ? verb_for_all(row->verb) : row->verb;
    if (out->verb != row->verb)
        return 0;
    return read_object(row, rest, out);
}

int join_command_find(const char *name, enum join_verb *out)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *out = rows[i].verb;
            return 0;
        }
    }
    return CONCLAVE_ENOTFOUND;
}

enum join_object join_command_object(enum join_verb verb)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (rows[i].verb == verb)
            return rows[i].object;
    return JOIN_OBJECT_NONE;
}

bool join_command_next(size_t *at, const char **out_usage, const char **out_help)
{
    if (*at >= N_ROWS)
        return false;
    *out_usage = rows[*at].usage;
    *out_help = rows[*at].help;
    ++*at;
    return true;
}
