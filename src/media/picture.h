/* A picture: 8 bits a sample; Y, U and V in planes, U and V at half the width and height, rounded
 * up (I420). A view: who made it owns the samples.
 */
#ifndef MEDIA_PICTURE_H
#define MEDIA_PICTURE_H

#include <stddef.h>
#include <stdint.h>

struct picture_plane {
    const uint8_t *p;
    size_t stride; /* bytes from one row to the next */
};

struct picture {
    uint16_t width, height;
    struct picture_plane y, u, v;
};

#endif
