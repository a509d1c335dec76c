#include "signal/reason.h"

#include <stddef.h>

struct entry {
    const char *name, *text, *next;
};

#define ASK_LINK "Ask whoever invited you for the link again."
#define ASK_HOST "Ask a host of the meeting."
#define ASK_ADMIN "Tell the administrator of the server."
#define AGAIN "Try again."
#define WAIT "Nothing needs to be done."
#define JOIN_AGAIN "Open the link again to join anew."
#define SIGN_IN_ANEW "Sign in again."
#define COMPARE "Compare the security code with the others."

static const struct entry entries[] = {
    [REASON_NONE] = {"NONE", "There is nothing wrong.", WAIT},

    [REASON_BAD_LINK] = {"BAD_LINK", "This is not a meeting link.",
                         "Copy the whole link, with everything after the # sign."},
    [REASON_NO_SUCH_MEETING] = {"NO_SUCH_MEETING", "The server knows no meeting of this link.",
                                ASK_LINK},
    [REASON_CARD_MISMATCH] = {"CARD_MISMATCH",
                              "The server showed another meeting than the link was made for.",
                              "Do not join; ask whoever invited you, by another way."},
    [REASON_CARD_INVALID] = {"CARD_INVALID",
                             "The meeting is not signed by the organiser that it names.",
                             "Do not join; ask whoever invited you, by another way."},
    [REASON_CARD_SERVER] = {"CARD_SERVER", "The meeting was made for another server.", ASK_LINK},
    [REASON_STANDARD_MODE] = {"STANDARD_MODE",
                              "The meeting is not end-to-end encrypted; that is not offered yet.",
                              "Ask the organiser for an end-to-end encrypted meeting."},
    [REASON_TOO_EARLY] = {"TOO_EARLY", "The meeting cannot be started yet.",
                          "Come back at the time of the invitation."},
    [REASON_EXPIRED_LINK] = {"EXPIRED_LINK", "The link has expired.",
                             "Ask the organiser for a new one."},
    [REASON_VERSION] = {"VERSION", "This program and the server speak different versions.",
                        "Update this program, or reload the page."},
    [REASON_UNSUPPORTED_SUITE] = {"UNSUPPORTED_SUITE",
                                  "The meeting uses a cipher suite that is not known here.",
                                  "Update this program."},

    [REASON_REFUSED_BY_HOST] = {"REFUSED_BY_HOST", "A host did not let you in.", ASK_HOST},
    [REASON_REFUSED_BY_POLICY] = {"REFUSED_BY_POLICY",
                                  "The organiser lets nobody of your kind of identity in.",
                                  "Sign in, or use a verified device."},
    [REASON_LOCKED] = {"LOCKED", "The meeting is locked.", ASK_HOST},
    [REASON_EJECTED] = {"EJECTED", "A host removed you from the meeting.", ASK_HOST},
    [REASON_ENDED] = {"ENDED", "A host ended the meeting for everybody.", WAIT},
    [REASON_FULL] = {"FULL", "The meeting is full.", "Try again when somebody has left."},
    [REASON_GONE] = {"GONE", "The server says that everybody left.", JOIN_AGAIN},
    [REASON_NOT_A_MEMBER] = {"NOT_A_MEMBER", "You are no longer in the meeting.", JOIN_AGAIN},
    [REASON_REMOVED_DISCONNECTED] = {"REMOVED_DISCONNECTED", "The connection was gone too long.",
                                     JOIN_AGAIN},
    [REASON_LEFT] = {"LEFT", "Left the meeting.", WAIT},
    [REASON_JOINING_ANEW] = {"JOINING_ANEW",
                             "You were away too long, says the server, and join anew.",
                             "You may have to wait until a host lets you in."},

    [REASON_CERTIFICATE_EXPIRED] = {"CERTIFICATE_EXPIRED", "The certificate has expired.",
                                    SIGN_IN_ANEW},
    [REASON_CLOCK] = {"CLOCK", "This device's clock and the server's differ by minutes.",
                      "Set this device's clock."},
    [REASON_UNVERIFIED] = {"UNVERIFIED", "The identity could not be verified.",
                           "Look at the certificate to see why."},
    [REASON_BAD_PROOF] = {"BAD_PROOF", "The server was not shown that the key is yours.", AGAIN},
    [REASON_KEY_PACKAGE] = {"KEY_PACKAGE", "The server did not accept this device's keys.",
                            "Check this device's clock, then sign in again."},
    [REASON_SIGN_IN] = {"SIGN_IN", "The name or the password is wrong.", AGAIN},
    [REASON_SIGN_IN_LIMIT] = {"SIGN_IN_LIMIT", "There were too many tries to sign in.",
                              "Wait some minutes, then try again."},
    [REASON_DEVICE_REVOKED] = {"DEVICE_REVOKED", "This device may no longer join meetings.",
                               ASK_ADMIN},
    [REASON_ACTIVATION_CODE] = {"ACTIVATION_CODE",
                                "The activation code is wrong, used already or expired.",
                                "Get a new activation code from the administrator."},
    [REASON_TOKEN] = {"TOKEN", "The session is over.", SIGN_IN_ANEW},
    [REASON_DOMAIN] = {"DOMAIN", "The server may not vouch for this domain.", ASK_ADMIN},
    [REASON_NOT_ENTITLED] = {"NOT_ENTITLED", "This account may not do that.", ASK_ADMIN},
    [REASON_NAME_TAKEN] = {"NAME_TAKEN", "There is one of this name already.",
                           "Choose another name."},
    [REASON_PASSWORD_RULES] = {"PASSWORD_RULES", "The password is too short or too long.",
                               "Use 8 to 256 characters."},
    [REASON_NO_SUCH_ENTRY] = {"NO_SUCH_ENTRY", "The server has no such entry.", "Reload the list."},
    [REASON_QUOTA] = {"QUOTA", "This account has as many as it may have.",
                      "Delete some that are no longer needed."},

    [REASON_STALE] = {"STALE", "Another change was first.", WAIT},
    [REASON_INVALID] = {"INVALID", "A message broke the rules of the protocol.", COMPARE},
    [REASON_NOT_ALLOWED] = {"NOT_ALLOWED", "Somebody tried a change that is not theirs to make.",
                            ASK_HOST},
    [REASON_CANNOT_FOLLOW] = {"CANNOT_FOLLOW", "A change of the group could not be followed.",
                              "If you are not back in a moment, open the link again."},
    [REASON_OUT_OF_REACH] = {"OUT_OF_REACH", "Too much happened while the connection was gone.",
                             JOIN_AGAIN},
    [REASON_REPLACED] = {"REPLACED", "You joined this meeting from another window.",
                         "Go on there, or close it and open the link here again."},
    [REASON_OTHERS_SILENT] = {"OTHERS_SILENT", "The others may not see the same meeting as you.",
                              COMPARE},
    [REASON_MEETING_RESTARTED] = {"MEETING_RESTARTED", "The server says the meeting began anew.",
                                  COMPARE},
    [REASON_REMOVED_BY_SERVER] = {"REMOVED_BY_SERVER",
                                  "The server had somebody removed who was still there.",
                                  "If it happens again, tell the administrator of the server."},
    [REASON_LINK_SECRET] = {"LINK_SECRET",
                            "Somebody was to be let in without the link, which was refused.",
                            COMPARE},
    [REASON_WISH_IGNORED] = {"WISH_IGNORED", "What you asked for has not come about yet.",
                             "Wait a moment; if it stays so, try again."},
    [REASON_DUPLICATE_NAME] = {"DUPLICATE_NAME", "Two participants show the same name.",
                               "Look at their verified identities to tell them apart."},
    [REASON_UNDONE] = {"UNDONE", "A change that nobody could follow was taken back.", WAIT},
    [REASON_COMMIT_FOREIGN] = {"COMMIT_FOREIGN",
                               "The server delivered what does not belong to this meeting.",
                               COMPARE},
    [REASON_UNCONFIRMED_END] = {"UNCONFIRMED_END",
                                "The server says that a host ended the meeting or removed you, "
                                "and showed no proof of it.",
                                ASK_HOST},

    [REASON_MALFORMED] = {"MALFORMED", "A message could not be read.",
                          "Update this program, or reload the page."},
    [REASON_UNEXPECTED] = {"UNEXPECTED", "A message came that does not belong here.",
                           "Update this program, or reload the page."},
    [REASON_TOO_LARGE] = {"TOO_LARGE", "A message was too large.", "Send less at once."},
    [REASON_TOO_MANY] = {"TOO_MANY", "There were too many tries from this address.",
                         "Wait a minute, then try again."},
    [REASON_UNREACHABLE] = {"UNREACHABLE", "The server cannot be reached.",
                            "Check the network; the next try comes by itself."},
    [REASON_TLS] = {"TLS", "The server's certificate cannot be trusted.",
                    "Check the link and this device's clock; if both are right, tell the "
                    "administrator of the server."},
    [REASON_SERVER_STOPS] = {"SERVER_STOPS", "The server is being restarted.",
                             "Wait a moment; the next try comes by itself."},
    [REASON_SERVER_ERROR] = {"SERVER_ERROR", "The server failed.",
                             "Try again; if it stays so, tell the administrator of the server."},
    [REASON_STORAGE] = {"STORAGE", "This device could not save its state.",
                        "Make room on the disk, and check that the folder may be written."},
};

static const struct entry unknown = {"UNKNOWN", "Something went wrong that is not known here.",
                                     "Update this program, or reload the page."};

static const struct entry *find(int reason)
{
    if (reason < 0 || (size_t)reason >= sizeof entries / sizeof entries[0])
        return &unknown;
    return entries[reason].name == NULL ? &unknown : &entries[reason];
}

const char *reason_name(int reason)
{
    return find(reason)->name;
}

const char *reason_text(int reason)
{
    return find(reason)->text;
}

const char *reason_next(int reason)
{
    return find(reason)->next;
}
