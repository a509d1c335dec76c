/* The table: one thing changed, and what must be said of it. Shared by the test, by the program
 * that writes the cases as files, and through those files by other implementations. */
#ifndef TESTS_IDENTITY_CASES_H
#define TESTS_IDENTITY_CASES_H

#include "plan.h"

struct identity_case {
    const char *name;
    void (*change)(struct plan *p); /* NULL: as it is */
    enum identity_reason reason;
    enum identity_category category;
    const char *label, *identifier;
};

/* Each ends with a case without a name. */
extern const struct identity_case identity_cases_path[], identity_cases_names[],
    identity_cases_form[];

/* All of them, one after another; NULL at the end. */
const struct identity_case *identity_case_at(size_t i);

#define ALICE "alice@company.com"
#define GOOD(name, change, category, label, id)              \
    {                                                        \
        name, change, IDENTITY_VERIFIED, category, label, id \
    }
#define BAD(name, change, reason)                                   \
    {                                                               \
        name, change, reason, IDENTITY_UNVERIFIED, "Unverified", "" \
    }

#endif
