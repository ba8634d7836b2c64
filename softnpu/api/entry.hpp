// Shared by the entries: the wrapper and the checks that open most of them.
#pragma once

#include "acl/acl.h"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/memory.hpp"

namespace softnpu {

/// 100000 naming the argument, for a required pointer that is NULL.
inline int require_pointer(const void *pointer, const char *name) noexcept {
    if (__builtin_expect(pointer != nullptr, true)) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "%s is NULL", name);
}

/// 100000 for a required structure of the program's that is NULL or no memory of the host.
template <class T>
int require_readable(const T *pointer, const char *name) noexcept {
    if (const int code = require_pointer(pointer, name)) return code;
    if (is_host_memory(pointer, sizeof(T))) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "%s: the host has no memory at %p", name,
                static_cast<const void *>(pointer));
}

/// `code` unless a time limit is -1 (for ever) or positive; 0 is no poll.
inline int check_timeout(int32_t timeout, int code) noexcept {
    if (__builtin_expect(timeout == -1 || timeout > 0, true)) return 0;
    return fail(code, "timeout %d: want -1 (for ever) or a positive number of milliseconds",
                timeout);
}

}  // namespace softnpu

/// return early with the status of a check
#define SOFTNPU_CHECK(expression) \
    if (const int status_of_check = (expression)) return status_of_check
