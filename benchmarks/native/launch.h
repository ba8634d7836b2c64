/* The one C function that every contestant of the overhead case calls, and the bare loop over it.
 */
#pragma once

#include <dlfcn.h>
#include <time.h>

#include "acl/acl.h"

typedef aclError (*execute_async_t)(uint32_t, const aclmdlDataset *, aclmdlDataset *, aclrtStream);

static inline double launch_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Seconds that `count` calls took, or -1 after one that failed. */
static inline double launch_loop(void *function, uint32_t model, const aclmdlDataset *inputs,
                                 aclmdlDataset *outputs, aclrtStream stream, long count) {
    const execute_async_t execute_async = (execute_async_t)function;
    const double start = launch_now();
    for (long i = 0; i < count; ++i)
        if (execute_async(model, inputs, outputs, stream) != ACL_SUCCESS) return -1;
    return launch_now() - start;
}
