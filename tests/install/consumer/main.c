/* What a user's first program would do: ask which library it runs with. */
#include <conclave/version.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    printf("conclave %s\n", conclave_version());
    return strcmp(conclave_version(), CONCLAVE_VERSION) == 0 ? 0 : 1;
}
