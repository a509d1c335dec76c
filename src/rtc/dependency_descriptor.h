/* The dependency descriptor, a header extension that tells a forwarder what a video frame needs
 * without a look at its payload (AV1 RTP specification, appendix A).
 *
 * The first packet of a coded video sequence carries a structure: layers, decode targets, chains,
 * and templates with values that many frames share. Later packets name a template and say only
 * what differs. A reader keeps the last structure of a stream and hands it in; dd_read() resolves
 * everything, so that a struct dd stands alone. All counts are within rtc/limits.h.
 */
#ifndef RTC_DEPENDENCY_DESCRIPTOR_H
#define RTC_DEPENDENCY_DESCRIPTOR_H

#include <conclave/bytes.h>

#include "rtc/limits.h"

#define DD_SPATIAL_ID_MAX 3
#define DD_TEMPORAL_ID_MAX 7
#define DD_FDIFF_MAX 4096         /* of a frame; a template's are at most 16 */
#define DD_TEMPLATE_CHAIN_MAX 15u /* a template's chain difference; a frame's is at most 255 */

/* A.8.3, table A.1: what a frame is to a decode target. */
enum dd_indication {
    DD_NOT_PRESENT = 0,
    DD_DISCARDABLE = 1,
    DD_SWITCH = 2,
    DD_REQUIRED = 3,
};

/* How a frame depends on earlier ones. In a frame numbers of frames back; chain 0: none yet. */
struct dd_dependencies {
    uint8_t spatial_id;
    uint8_t temporal_id;
    uint8_t indication[DD_TARGETS_MAX]; /* enum dd_indication for each decode target */
    uint8_t fdiff_count;
    uint16_t fdiff[DD_FDIFFS_MAX];      /* 1..DD_FDIFF_MAX */
    uint8_t chain_fdiff[DD_CHAINS_MAX]; /* to the last frame of each chain */
};

struct dd_resolution {
    uint32_t width, height; /* 1..65,536 */
};

struct dd_structure {
    uint8_t template_id_offset; /* 0..63 */
    uint8_t target_count;       /* 1..32 */
    uint8_t template_count;     /* 1..64, the first of layer 0, 0 */
    uint8_t chain_count;        /* 0..target_count */
    uint8_t spatial_id_max;
    bool has_resolutions;
    uint8_t protected_by[DD_TARGETS_MAX]; /* with chains: the chain of each target */
    struct dd_resolution resolution[DD_SPATIAL_ID_MAX + 1];
    struct dd_dependencies template[DD_TEMPLATES_MAX];
};

struct dd {
    bool start_of_frame;
    bool end_of_frame;
    bool has_structure;
    bool has_active_targets;
    uint8_t template_id; /* 0..63 */
    uint16_t frame_number;
    uint32_t active_targets; /* bit i: decode target i can be decoded. All, with a new structure */
    struct dd_dependencies frame;
};

struct dd_layer {
    uint8_t spatial_id, temporal_id;
};

/* A.8.2, decode_target_layers: the highest layers that a decode target contains. target <
 * target_count. */
struct dd_layer dd_target_layer(const struct dd_structure *s, unsigned target);

/* Reads the fields that need no structure: start, end, template id, frame number. ESYNTAX. */
int dd_read_mandatory(struct bytes data, struct dd *out) CONCLAVE_CHECKED;

/* known: the stream's structure, or NULL. A structure that comes along is written to *out_structure
 * (not the same object as *known) and used. ESYNTAX; ELIMIT: more references than DD_FDIFFS_MAX;
 * ENOTFOUND: no structure, or none with this template: the frame cannot be placed until the next
 * structure comes. After a failure both outputs are what they were. */
int dd_read(struct bytes data, const struct dd_structure *known, struct dd *out,
            struct dd_structure *out_structure) CONCLAVE_CHECKED;

/* Appends a descriptor; the structure is written if has_structure says so, and what differs from
 * the template. EINVAL: values that could not be read back. ENOMEM. After a failure out is what it
 * was. */
int dd_write(const struct dd *d, const struct dd_structure *s, struct buf *out) CONCLAVE_CHECKED;

#endif
