#include "service/route.h"

#include <string.h>

#include "service/handlers.h"

/* {...} stands for one segment. A path without one goes before a pattern that it would fit. */
static const struct route routes[] = {
    {"GET", "/ca", ROLE_NONE, ca_get},
    {"GET", "/sign-in", ROLE_NONE, sign_in_get},
    {"POST", "/sign-in", ROLE_NONE, sign_in_post},
    {"POST", "/sign-up", ROLE_NONE, sign_up_post},
    {"POST", "/guest", ROLE_NONE, guest_post},
    {"POST", "/devices/activate", ROLE_NONE, device_activate_post},

    {"GET", "/session", ROLE_SOMEBODY, session_get},
    {"POST", "/sign-out", ROLE_SOMEBODY, sign_out_post},
    {"POST", "/password", ROLE_USER, password_post},
    {"POST", "/certificate", ROLE_USER | ROLE_DEVICE | ROLE_GUEST, certificate_post},

    {"GET", "/meetings", ROLE_NAMED, meetings_get},
    {"POST", "/meetings", ROLE_NAMED, meetings_post},
    {"PUT", "/meetings/personal", ROLE_NAMED, meeting_personal_put},
    {"DELETE", "/meetings/{number}", ROLE_NAMED, meeting_delete},

    {"GET", "/admin/users", ROLE_ADMIN, admin_users_get},
    {"POST", "/admin/users", ROLE_ADMIN, admin_users_post},
    {"PATCH", "/admin/users/{id}", ROLE_ADMIN, admin_user_patch},
    {"PUT", "/admin/users/{id}/password", ROLE_ADMIN, admin_user_password_put},
    {"DELETE", "/admin/users/{id}", ROLE_ADMIN, admin_user_delete},
    {"GET", "/admin/devices", ROLE_ADMIN, admin_devices_get},
    {"POST", "/admin/devices", ROLE_ADMIN, admin_devices_post},
    {"POST", "/admin/devices/{id}/code", ROLE_ADMIN, admin_device_code_post},
    {"DELETE", "/admin/devices/{id}", ROLE_ADMIN, admin_device_delete},
    {"GET", "/admin/meetings", ROLE_ADMIN, admin_meetings_get},
    {"DELETE", "/admin/meetings/{number}", ROLE_ADMIN, admin_meeting_delete},
    {"GET", "/admin/rooms", ROLE_ADMIN, admin_rooms_get},
    {"DELETE", "/admin/rooms/{number}", ROLE_ADMIN, admin_room_delete},
    {"GET", "/admin/tokens", ROLE_ADMIN, admin_tokens_get},
    {"DELETE", "/admin/tokens/{id}", ROLE_ADMIN, admin_token_delete},
    {"GET", "/admin/audit", ROLE_ADMIN, admin_audit_get},
};
#define N_ROUTES (sizeof routes / sizeof routes[0])

/* The rest of the path after a segment, which is copied to out if the pattern names it. */
static bool segment_fits(const char **pattern, const char **path, char out[static CALL_PARAMETER])
{
    size_t p = strcspn(*pattern, "/"), n = strcspn(*path, "/");
    bool named = (*pattern)[0] == '{';
    if (named ? n == 0 || n >= CALL_PARAMETER : n != p || memcmp(*pattern, *path, n) != 0)
        return false;
    if (named) {
        memcpy(out, *path, n);
        out[n] = '\0';
    }
    *pattern += p;
    *path += n;
    return true;
}

static bool fits(const char *pattern, const char *path, char out[static CALL_PARAMETER])
{
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        if (!segment_fits(&pattern, &path, out))
            return false;
    }
    return *pattern == '\0' && *path == '\0';
}

const struct route *route_find(struct call *c, bool *out_other_method)
{
    const char *path = c->request->path;
    size_t prefix = strlen(SERVICE_PREFIX);
    *out_other_method = false;
    if (strncmp(path, SERVICE_PREFIX, prefix) != 0)
        return NULL;
    for (size_t i = 0; i < N_ROUTES; i++) {
        if (!fits(routes[i].pattern, path + prefix, c->parameter))
            continue;
        if (strcmp(routes[i].method, c->request->method) == 0)
            return &routes[i];
        *out_other_method = true;
    }
    return NULL;
}

const struct route *route_table(size_t *out_n)
{
    *out_n = N_ROUTES;
    return routes;
}
