/* Memory that JavaScript writes into and reads from. */
#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"
#include "wasm/wasm.h"

WASM_EXPORT("memory_new") void *wasm_memory_new(size_t n);
void *wasm_memory_new(size_t n)
{
    return malloc(n == 0 ? 1 : n);
}

WASM_EXPORT("memory_free") void wasm_memory_free(void *p, size_t n);
void wasm_memory_free(void *p, size_t n)
{
    if (p != NULL)
        wipe(p, n);
    free(p);
}

/* An answer: JavaScript reads address and size, the first two words of it. */
WASM_EXPORT("answer_new") struct buf *wasm_answer_new(void);
struct buf *wasm_answer_new(void)
{
    return calloc(1, sizeof(struct buf));
}

WASM_EXPORT("answer_clear") void wasm_answer_clear(struct buf *answer);
void wasm_answer_clear(struct buf *answer)
{
    buf_free(answer); /* some are large, most are small */
}
