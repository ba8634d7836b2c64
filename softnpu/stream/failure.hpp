// What a failed task looks like to aclrtSetExceptionInfoCallback.
#pragma once

#include <cstdint>

#include "softnpu/core/export.hpp"

namespace softnpu {

struct TaskFailure {
    uint32_t task_id;
    uint32_t stream_id;
    uint32_t thread_id;
    uint32_t device_id;
    uint32_t code;
};

using FailureCallback = void (*)(const TaskFailure *);

/// One per process, the last wins, nullptr clears.
SOFTNPU_API void set_failure_callback(FailureCallback callback) noexcept;
SOFTNPU_API void report_failure(const TaskFailure &failure) noexcept;
/// The failure a callback is being told about on this thread, if `info` is it; else nullptr.
SOFTNPU_API const TaskFailure *current_failure(const void *info) noexcept;

}  // namespace softnpu
