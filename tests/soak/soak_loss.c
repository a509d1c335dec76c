/* A network that loses datagrams, for a program that is started with LD_PRELOAD: of a thousand that
 * it sends, and of a thousand that come in, the environment's LOSS_PERMILLE are gone. What was lost
 * follows from LOSS_SEED.
 *
 * The kernel is not asked to join datagrams or to cut them (UDP_GRO, UDP_SEGMENT), so that each is
 * lost by itself.
 */
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);
    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

/* Splitmix64: good enough to lose packets by. A participant sends and receives on one thread. */
static uint64_t draw(void)
{
    static _Thread_local uint64_t state;
    static _Thread_local bool seeded;
    if (!seeded)
        state = number_of("LOSS_SEED");
    seeded = true;
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool is_lost(void)
{
    return draw() % 1000 < number_of("LOSS_PERMILLE");
}

static size_t size_of(const struct msghdr *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->msg_iovlen; i++)
        n += m->msg_iov[i].iov_len;
    return n;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
    static int (*real)(int, int, int, const void *, socklen_t);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "setsockopt"); /* POSIX: dlsym(3p) */
    if (level == IPPROTO_UDP && name == UDP_GRO) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return real(fd, level, name, value, n);
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict n)
{
    static int (*real)(int, int, int, void *, socklen_t *);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "getsockopt");
    if (level == IPPROTO_UDP && name == UDP_SEGMENT) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return real(fd, level, name, value, n);
}

/* Whoever sends cannot tell. */
int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    static int (*real)(int, struct mmsghdr *, unsigned, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "sendmmsg");
    for (unsigned i = 0; i < count; i++) {
        messages[i].msg_len = (unsigned)size_of(&messages[i].msg_hdr);
        if (is_lost())
            continue;
        int n = real(fd, &messages[i], 1, flags);
        if (n < 1)
            return i != 0 ? (int)i : n;
    }
    return (int)count;
}

/* Into the room of one before it that is lost. */
static void move(struct mmsghdr *to, const struct mmsghdr *from)
{
    struct msghdr *t = &to->msg_hdr;
    const struct msghdr *f = &from->msg_hdr;
    memcpy(t->msg_iov->iov_base, f->msg_iov->iov_base, from->msg_len);
    memcpy(t->msg_name, f->msg_name, f->msg_namelen);
    memcpy(t->msg_control, f->msg_control, f->msg_controllen);
    t->msg_namelen = f->msg_namelen;
    t->msg_controllen = f->msg_controllen;
    t->msg_flags = f->msg_flags;
    to->msg_len = from->msg_len;
}

/* As src/net/udp.c asks: messages alike, with one piece of memory each, and room for a name and for
 * what the kernel says. */
int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *wait)
{
    static int (*real)(int, struct mmsghdr *, unsigned, int, struct timespec *);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "recvmmsg");
    int n = real(fd, messages, count, flags, wait);
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (is_lost())
            continue;
        if (kept != i)
            move(&messages[kept], &messages[i]);
        kept++;
    }
    if (n > 0 && kept == 0) {
        errno = EAGAIN;
        return -1;
    }
    return n < 0 ? n : kept;
}
