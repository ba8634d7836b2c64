/* AscendCL operator dump. */
#ifndef ACL_ACL_DUMP_H_INCLUDED
#define ACL_ACL_DUMP_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#include "acl_base.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define ACL_DUMP_MAX_FILE_PATH_LENGTH 4096

typedef struct acldumpChunk {
    char fileName[4096];
    uint32_t bufLen;
    uint32_t isLastChunk;
    int64_t offset;
    int32_t flag;
    __extension__ uint8_t dataBuf[0];
} acldumpChunk;

aclError acldumpRegCallback(int32_t (*const messageCallback)(const acldumpChunk *, int32_t),
                            int32_t flag);
void acldumpUnregCallback(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
