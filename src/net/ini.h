/* Settings files:
 *
 *     ; a comment, as is a line that begins with #
 *     [section]
 *     key = value
 *
 * White space around names and values does not count; a value in double quotes keeps what is inside
 * as it is. There are no continuation lines and no escapes. What is wrong is said with file, line
 * and cure.
 */
#ifndef NET_INI_H
#define NET_INI_H

#include <conclave/bytes.h>

#define INI_WHY 512

/* One setting. Strings are good during the call only. */
struct ini_entry {
    const char *section; /* "" before the first */
    const char *key, *value;
};

/* Called for each setting in the file's order. To refuse one: write what is wrong and what to do
 * ("must be 1 to 65535") and return false. */
typedef bool ini_set(void *ctx, const struct ini_entry *entry, char out_why[static INI_WHY]);

/* name: of the file, for the messages. EINVAL for a line or setting that is refused, ELIMIT for a
 * file or line too large; out_why is then "name:line: ...". */
int ini_parse(const char *name, struct bytes text, ini_set *set, void *ctx,
              char out_why[static INI_WHY]) CONCLAVE_CHECKED;

/* Reads the file first: ENOTFOUND if it cannot be read. */
int ini_read(const char *path, ini_set *set, void *ctx,
             char out_why[static INI_WHY]) CONCLAVE_CHECKED;

/* ---- Values; false if they are none ---- */

bool ini_number(const char *value, uint64_t min, uint64_t max, uint64_t *out);
bool ini_yes_no(const char *value, bool *out); /* yes no true false on off */

#endif
