/* The handlers of the routes (route.c): each answers one method of one path. Their contracts are
 * in docs/openapi.yaml. */
#ifndef SERVICE_HANDLERS_H
#define SERVICE_HANDLERS_H

#include "service/call.h"

/* sign_in.c */
int sign_in_get(struct call *c) CONCLAVE_CHECKED;
int sign_in_post(struct call *c) CONCLAVE_CHECKED;
int sign_out_post(struct call *c) CONCLAVE_CHECKED;
int session_get(struct call *c) CONCLAVE_CHECKED;

/* account.c: people */
int sign_up_post(struct call *c) CONCLAVE_CHECKED;
int password_post(struct call *c) CONCLAVE_CHECKED;
int admin_users_get(struct call *c) CONCLAVE_CHECKED;
int admin_users_post(struct call *c) CONCLAVE_CHECKED;
int admin_user_patch(struct call *c) CONCLAVE_CHECKED;
int admin_user_password_put(struct call *c) CONCLAVE_CHECKED;
int admin_user_delete(struct call *c) CONCLAVE_CHECKED;

/* device.c */
int device_activate_post(struct call *c) CONCLAVE_CHECKED;
int admin_devices_get(struct call *c) CONCLAVE_CHECKED;
int admin_devices_post(struct call *c) CONCLAVE_CHECKED;
int admin_device_code_post(struct call *c) CONCLAVE_CHECKED;
int admin_device_delete(struct call *c) CONCLAVE_CHECKED;

/* certificate.c */
int ca_get(struct call *c) CONCLAVE_CHECKED;
int certificate_post(struct call *c) CONCLAVE_CHECKED;
int guest_post(struct call *c) CONCLAVE_CHECKED;

/* meetings.c */
int meetings_get(struct call *c) CONCLAVE_CHECKED;
int meetings_post(struct call *c) CONCLAVE_CHECKED;
int meeting_personal_put(struct call *c) CONCLAVE_CHECKED;
int meeting_delete(struct call *c) CONCLAVE_CHECKED;

/* admin.c */
int admin_meetings_get(struct call *c) CONCLAVE_CHECKED;
int admin_meeting_delete(struct call *c) CONCLAVE_CHECKED;
int admin_rooms_get(struct call *c) CONCLAVE_CHECKED;
int admin_room_delete(struct call *c) CONCLAVE_CHECKED;
int admin_audit_get(struct call *c) CONCLAVE_CHECKED;
int admin_tokens_get(struct call *c) CONCLAVE_CHECKED;
int admin_token_delete(struct call *c) CONCLAVE_CHECKED;

#endif
