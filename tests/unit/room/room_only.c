/* What a server needs of a room. That it runs is not the point: tests/sim/public_symbols.sh looks
 * at what the linker took in for it. */
#include "room/room.h"

int main(int argc, char **argv)
{
    struct room_config config = {0};
    struct room_effect e;
    struct room_summary s;
    struct room *r = NULL;
    struct bytes data = bytes_str(argv[argc - 1]);
    int rv =
        argc > 1 ? room_new(&config, &r) : room_restore(&config, data, &data, 1, UINT64_MAX, &r);
    if (rv != 0)
        return 1;
    rv = room_open(r, 1, 1);
    if (rv == 0)
        rv = room_input(r, 1, data, 2);
    if (rv == 0)
        rv = room_tick(r, room_deadline(r));
    while (room_next(r, &e))
        room_frame_free(room_frame_share(e.frame));
    room_close(r, 1, 3);
    room_summary(r, &s);
    if (rv == 0 && !room_is_idle(r))
        rv = room_end(r, 4);
    room_free(r);
    return rv == 0 ? 0 : 1;
}
