/* What people write: the content of private messages (docs/PROTOCOL.md section 6). */
#include "signal/signal.h"
#include "wire/reader.h"
#include "wire/writer.h"

/* A text of 1 to max bytes. */
static struct bytes read_text(struct reader *r, size_t max, int *error)
{
    struct bytes text = read_vec(r);
    if (text.n == 0)
        reader_fail(r);
    if (text.n > max)
        *error = CONCLAVE_ELIMIT;
    return text;
}

int signal_content_read(struct bytes data, struct signal_content *out)
{
    struct reader r = reader_of(data);
    struct signal_content c = {.kind = read_u8(&r)};
    int error = 0;
    switch (c.kind) {
    case SIGNAL_CHAT:
        c.id = read_bytes(&r, SIGNAL_CHAT_ID);
        c.text = read_text(&r, SIGNAL_CHAT_MAX, &error);
        break;
    case SIGNAL_REACTION:
        c.text = read_text(&r, SIGNAL_EMOJI_MAX, &error);
        break;
    case SIGNAL_HAND:
        c.raised = read_optional(&r);
        break;
    case SIGNAL_HEARTBEAT:
        c.epoch = read_u64(&r);
        c.digest = read_bytes(&r, SIGNAL_HASH);
        c.sends = read_u8(&r);
        break;
    case SIGNAL_ASK_MUTE:
        c.leaf = read_u32(&r);
        break;
    default:
        return reader_ok(&r) ? CONCLAVE_EUNSUPPORTED : CONCLAVE_ESYNTAX;
    }
    int rv = reader_end(&r);
    if (rv == 0)
        rv = error;
    if (rv == 0)
        *out = c;
    return rv;
}

/* Whether the fields of its kind have the sizes they must have. */
static bool content_fits(const struct signal_content *c)
{
    switch (c->kind) {
    case SIGNAL_CHAT:
        return c->id.n == SIGNAL_CHAT_ID && c->text.n != 0 && c->text.n <= SIGNAL_CHAT_MAX;
    case SIGNAL_REACTION:
        return c->text.n != 0 && c->text.n <= SIGNAL_EMOJI_MAX;
    case SIGNAL_HAND:
    case SIGNAL_ASK_MUTE:
        return true;
    case SIGNAL_HEARTBEAT:
        return c->digest.n == SIGNAL_HASH;
    default:
        return false;
    }
}

int signal_content_write(const struct signal_content *c, struct buf *out)
{
    if (!content_fits(c))
        return CONCLAVE_EINVAL;
    write_u8(out, c->kind);
    switch (c->kind) {
    case SIGNAL_CHAT:
        buf_put(out, c->id);
        write_vec(out, c->text);
        break;
    case SIGNAL_REACTION:
        write_vec(out, c->text);
        break;
    case SIGNAL_HAND:
        write_u8(out, c->raised);
        break;
    case SIGNAL_ASK_MUTE:
        write_u32(out, c->leaf);
        break;
    default: /* heartbeat: content_fits() knows no other */
        write_u64(out, c->epoch);
        buf_put(out, c->digest);
        write_u8(out, c->sends);
    }
    return buf_check(out);
}
