// The attributes that the newer allocation functions take.
#pragma once

#include "acl/acl_rt.h"
#include "softnpu/core/export.hpp"

namespace softnpu {

/// 0, or 100000 for attributes that no version knows. NULL and an empty list are fine; what known
/// attributes ask for means nothing to this device's memory.
SOFTNPU_API int check_malloc_config(const aclrtMallocConfig *config);

}  // namespace softnpu
