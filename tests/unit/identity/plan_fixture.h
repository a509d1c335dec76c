/* The plan's keys, opened before a group of cmocka's tests and closed behind it. */
#ifndef TESTS_UNIT_IDENTITY_PLAN_FIXTURE_H
#define TESTS_UNIT_IDENTITY_PLAN_FIXTURE_H

#include "plan.h"

static inline int open_keys(void **state)
{
    (void)state;
    plan_keys_open();
    return 0;
}

static inline int close_keys(void **state)
{
    (void)state;
    plan_keys_close();
    return 0;
}

#endif
