/* One participant, with what it borrows. */
#ifndef WASM_MEETING_H
#define WASM_MEETING_H

#include "wasm/wasm.h"

struct wasm_meeting {
    struct participant *participant;
    struct participant_trust *trust;
    struct crypto_signer *signer;
};

#endif
