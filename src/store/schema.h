/* The tables, and how an older database becomes one of today. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <sqlite3.h>

#include <conclave/error.h>

/* Reads only: a database of this program's, not damaged, not newer; or an empty one. Gives its
 * version, 0 if empty. ESYNTAX, EVERSION, ESTORE, ENOMEM. */
int schema_check(sqlite3 *db, unsigned *out_version) CONCLAVE_CHECKED;

/* From that version to today's in one transaction: either all or nothing. ESTORE, ENOMEM. */
int schema_upgrade(sqlite3 *db, unsigned version) CONCLAVE_CHECKED;

#endif
