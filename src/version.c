#include <conclave/version.h>

const char *conclave_version(void)
{
    return CONCLAVE_VERSION;
}
