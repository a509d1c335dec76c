/* Classes and roles: who somebody is in a meeting. What they may do is in policy_check.c. */
#include "meeting/policy.h"

/* Somebody else's device is not more trusted than somebody else. */
enum card_class meeting_class(const struct identity *id)
{
    switch (id->category) {
    case IDENTITY_MEMBER:
        return CARD_MEMBER;
    case IDENTITY_EXTERNAL:
        return CARD_EXTERNAL;
    case IDENTITY_VERIFIED_DEVICE:
        return id->in_organisation ? CARD_DEVICE : CARD_EXTERNAL;
    case IDENTITY_UNVERIFIED:
        break;
    }
    return CARD_GUEST;
}

const char *meeting_class_name(enum card_class class)
{
    static const char *const names[CARD_CLASSES] = {[CARD_MEMBER] = "member",
                                                    [CARD_EXTERNAL] = "external",
                                                    [CARD_DEVICE] = "device",
                                                    [CARD_GUEST] = "guest"};
    return (size_t) class < CARD_CLASSES ? names[class] : "?";
}

enum meeting_role meeting_role(const struct card *card, const struct meeting_state *state,
                               const struct identity *id)
{
    if (id->category == IDENTITY_UNVERIFIED)
        return MEETING_ATTENDEE;
    if (card_is_organiser(card, id->identifier))
        return MEETING_ORGANISER;
    if (card_is_host(card, id->identifier))
        return MEETING_HOST;
    if (state != NULL && meeting_list_has(state->cohosts, bytes_str(id->identifier)))
        return MEETING_COHOST;
    return MEETING_ATTENDEE;
}

const char *meeting_role_name(enum meeting_role role)
{
    static const char *const names[] = {[MEETING_ATTENDEE] = "attendee",
                                        [MEETING_COHOST] = "co-host",
                                        [MEETING_HOST] = "host",
                                        [MEETING_ORGANISER] = "organiser"};
    return (size_t)role < sizeof names / sizeof names[0] ? names[role] : "?";
}

enum card_admission meeting_admission(const struct card *card, const struct meeting_state *state,
                                      const struct identity *id, bool barred)
{
    const struct card_rule *rule = &card_terms(card)->rules[meeting_class(id)];
    bool locked = state != NULL && state->locked;
    enum card_admission admission = locked ? rule->locked : rule->unlocked;
    if (meeting_role(card, state, id) != MEETING_ATTENDEE)
        admission = CARD_JOIN;
    return barred && admission == CARD_JOIN ? CARD_LOBBY : admission;
}

bool meeting_may_found(const struct card *card, const struct identity *id)
{
    return meeting_role(card, NULL, id) >= MEETING_HOST ||
           (card_terms(card)->join_before_host &&
            meeting_admission(card, NULL, id, false) == CARD_JOIN);
}
