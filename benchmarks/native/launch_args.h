/* The one C function that every contestant of the overhead case calls. */
#pragma once

#include <dlfcn.h>

#include "acl/acl.h"

typedef aclError (*execute_async_t)(uint32_t, const aclmdlDataset *, aclmdlDataset *, aclrtStream);
