/* The small constructors of struct mls_change. */
#include <conclave/mls.h>

struct mls_change mls_add(struct bytes key_package_message)
{
    return (struct mls_change){.type = MLS_ADD, .bytes = key_package_message};
}

struct mls_change mls_remove(uint32_t leaf)
{
    return (struct mls_change){.type = MLS_REMOVE, .leaf = leaf};
}

struct mls_change mls_external_psk(struct bytes id)
{
    return (struct mls_change){.type = MLS_PSK, .bytes = id};
}

struct mls_change mls_resumption_psk(struct bytes group_id, uint64_t epoch)
{
    return (struct mls_change){
        .type = MLS_PSK, .resumption = true, .group_id = group_id, .epoch = epoch};
}

struct mls_change mls_set_extensions(const struct mls_extension *extensions, size_t n)
{
    return (struct mls_change){
        .type = MLS_GROUP_CONTEXT_EXTENSIONS, .extensions = extensions, .n_extensions = n};
}

struct mls_change mls_reinit(struct bytes group_id, uint16_t suite,
                             const struct mls_extension *extensions, size_t n)
{
    return (struct mls_change){.type = MLS_REINIT,
                               .group_id = group_id,
                               .suite = suite,
                               .extensions = extensions,
                               .n_extensions = n};
}

struct mls_change mls_self_remove(void)
{
    return (struct mls_change){.type = MLS_SELF_REMOVE};
}

struct mls_change mls_update(void)
{
    return (struct mls_change){.type = MLS_UPDATE};
}

struct mls_change mls_custom(uint16_t type, struct bytes data)
{
    return (struct mls_change){.type = type, .bytes = data};
}
