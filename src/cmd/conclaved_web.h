/* The browser app as conclaved serves it: files that `make web` built, read once at the start and
 * kept in memory, so that no request ever names a file.
 *
 * A folder holds index.html (given at "/" and for every link of a meeting), manifest.json (the
 * hashes of all files) and assets/, whose names bear the hash of their content and never change.
 * NAME.gz beside NAME is what browsers that take gzip are given.
 */
#ifndef CMD_CONCLAVED_WEB_H
#define CMD_CONCLAVED_WEB_H

#include <conclave/bytes.h>

#include "net/server.h"

#define WEB_WHY 640

struct web;

/* Reads the folder. "": the first of ../web and ../share/conclave/web beside the program that has
 * an index.html; if neither does, *out is NULL and there is no app. "none": likewise.
 * ENOTFOUND, ELIMIT, EINVAL, ENOMEM: out_why says what is wrong. */
int web_open(const char *folder, char out_why[static WEB_WHY], struct web **out) CONCLAVE_CHECKED;
void web_free(struct web *w);

/* Fills the answer for a path and returns true; false if there is no such file. The body is
 * borrowed from w. */
bool web_answer(const struct web *w, const struct net_request *request, struct net_response *out);

#endif
