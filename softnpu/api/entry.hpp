// Shared by the entries: the wrapper and the checks that open most of them.
#pragma once

#include "acl/acl.h"
#include "softnpu/core/status.hpp"

namespace softnpu {

/// 100000 naming the argument, for a required pointer that is NULL.
inline int require_pointer(const void *pointer, const char *name) noexcept {
    if (__builtin_expect(pointer != nullptr, true)) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "%s is NULL", name);
}

}  // namespace softnpu

/// return early with the status of a check
#define SOFTNPU_CHECK(expression) \
    if (const int status_of_check = (expression)) return status_of_check
