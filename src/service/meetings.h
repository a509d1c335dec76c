/* What the handlers of people and of administrators do with meetings alike. */
#ifndef SERVICE_MEETINGS_H
#define SERVICE_MEETINGS_H

#include "service/call.h"

/* Ends rooms that are alive. Not within a change: the hall writes by itself. */
int meetings_end(struct call *c, const char *number) CONCLAVE_CHECKED;
int meetings_end_of(struct call *c, const char *owner) CONCLAVE_CHECKED;

/* Ends and removes one; refuses NO_SUCH_ENTRY. owner: whose it must be, or NULL. */
int meetings_remove(struct call *c, const char *number, const char *owner) CONCLAVE_CHECKED;

/* Answers with a page of the meetings of one owner, or (NULL) of all. */
int meetings_list(struct call *c, const char *owner) CONCLAVE_CHECKED;

#endif
