/* What libvpx says, in our terms. */
#ifndef MEDIA_VPX_ERROR_H
#define MEDIA_VPX_ERROR_H

#include <conclave/error.h>
#include <vpx/vpx_codec.h>

static inline int vpx_error(vpx_codec_err_t e)
{
    switch (e) {
    case VPX_CODEC_OK:
        return 0;
    case VPX_CODEC_MEM_ERROR:
        return CONCLAVE_ENOMEM;
    case VPX_CODEC_INCAPABLE:
    case VPX_CODEC_ABI_MISMATCH:
        return CONCLAVE_EUNSUPPORTED;
    case VPX_CODEC_UNSUP_BITSTREAM:
    case VPX_CODEC_UNSUP_FEATURE:
    case VPX_CODEC_CORRUPT_FRAME:
        return CONCLAVE_ESYNTAX;
    default:
        return CONCLAVE_EINTERNAL;
    }
}

#endif
