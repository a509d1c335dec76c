/* Why something did not go as a person wished: one number on the wire, one name for machines, one
 * sentence and one next step for people. The only list of its kind: faults, rejected commits,
 * complaints, notices and the terminal all take theirs from here. Numbers never change.
 */
#ifndef SIGNAL_REASON_H
#define SIGNAL_REASON_H

enum reason {
    REASON_NONE = 0,

    /* the link, the number, the card */
    REASON_BAD_LINK = 1,        /* the text is no meeting link */
    REASON_NO_SUCH_MEETING = 2, /* unknown number, or the link's secret does not fit: one answer */
    REASON_CARD_MISMATCH = 3,   /* the server showed another card than the link was made for */
    REASON_CARD_INVALID = 4,    /* malformed, or its signature or signer does not hold */
    REASON_CARD_SERVER = 5,     /* the card's server key or CA is not this server's */
    REASON_STANDARD_MODE = 6,   /* not offered yet */
    REASON_TOO_EARLY = 7,       /* before the card's not_before */
    REASON_EXPIRED_LINK = 8,    /* after the card's not_after */
    REASON_VERSION = 9,         /* client or server too old for the other */
    REASON_UNSUPPORTED_SUITE = 10,

    /* admission */
    REASON_REFUSED_BY_HOST = 20,
    REASON_REFUSED_BY_POLICY = 21, /* the card does not let this class in */
    REASON_LOCKED = 22,
    REASON_EJECTED = 23,
    REASON_ENDED = 24,
    REASON_FULL = 25,
    REASON_GONE = 26, /* everybody left, or the server forgot the group */
    REASON_NOT_A_MEMBER = 27,
    REASON_REMOVED_DISCONNECTED = 28, /* the server proposed it: disconnected too long */
    REASON_LEFT = 29,
    REASON_JOINING_ANEW = 30, /* we are not in the group any more, and knock again by ourselves */

    /* identity and clock */
    REASON_CERTIFICATE_EXPIRED = 40,
    REASON_CLOCK = 41, /* this device's clock and the server's are more than 5 minutes apart */
    REASON_UNVERIFIED = 42,
    REASON_BAD_PROOF = 43, /* the signature over the challenge does not verify */
    REASON_KEY_PACKAGE = 44,
    REASON_SIGN_IN = 45,       /* wrong name or password */
    REASON_SIGN_IN_LIMIT = 46, /* too many tries */
    REASON_DEVICE_REVOKED = 47,
    REASON_ACTIVATION_CODE = 48, /* wrong, used or expired */
    REASON_TOKEN = 49,           /* the session is over: sign in again */
    REASON_DOMAIN = 50,          /* not delegated to this server's CA */
    REASON_NOT_ENTITLED = 51,    /* this account may not do that */
    REASON_NAME_TAKEN = 52,      /* an account, a device or a meeting of this name is there */
    REASON_PASSWORD_RULES = 53,  /* too short or too long */
    REASON_NO_SUCH_ENTRY = 54,   /* of a list, or no such path */
    REASON_QUOTA = 55,           /* as many as one account may have */

    /* the group */
    REASON_STALE = 60,             /* another commit was first */
    REASON_INVALID = 61,           /* a message that breaks a rule of MLS */
    REASON_NOT_ALLOWED = 62,       /* a proposal the policy does not allow */
    REASON_CANNOT_FOLLOW = 63,     /* an accepted commit that this client cannot process */
    REASON_OUT_OF_REACH = 64,      /* the commits missed are no longer kept */
    REASON_REPLACED = 65,          /* the same participant connected elsewhere */
    REASON_OTHERS_SILENT = 66,     /* heartbeats are missing: compare the code */
    REASON_MEETING_RESTARTED = 67, /* the server says the meeting began anew */
    REASON_REMOVED_BY_SERVER = 68, /* the server had somebody removed whom we heard just now */
    REASON_LINK_SECRET = 69,       /* a newcomer or a Welcome without the link's secret */
    REASON_WISH_IGNORED = 70,      /* what a host asked for has not come about */
    REASON_DUPLICATE_NAME = 71,    /* two participants show the same name */
    REASON_UNDONE = 72,            /* a commit nobody could follow was taken back */
    REASON_COMMIT_FOREIGN = 73,    /* the server delivered what does not belong to this meeting */
    REASON_UNCONFIRMED_END = 74,   /* ended or removed by a host, says the server, not the group */

    /* the connection */
    REASON_MALFORMED = 80,
    REASON_UNEXPECTED = 81, /* a message that does not belong into this state */
    REASON_TOO_LARGE = 82,
    REASON_TOO_MANY = 83, /* tries or connections from one address */
    REASON_UNREACHABLE = 84,
    REASON_TLS = 85, /* the server's certificate cannot be trusted */
    REASON_SERVER_STOPS = 86,
    REASON_SERVER_ERROR = 87,
    REASON_STORAGE = 88, /* this client could not write its state */
};

/* "NO_SUCH_MEETING"; "UNKNOWN" for a number that is not in the list. Never NULL. */
const char *reason_name(int reason);
/* One sentence; and what to do. Never NULL, never empty. */
const char *reason_text(int reason);
const char *reason_next(int reason);

#endif
