// The execution entries: check what the program passed, then run it here or in a stream.
#pragma once

#include <cstdint>

#include "softnpu/core/export.hpp"

namespace softnpu {

/// Limits of one synchronous execution, in ms; -1 waits forever.
struct ExecuteOptions {
    int32_t stream_timeout = -1;
    int32_t event_timeout = -1;
};

/// Runs on the calling thread and returns when the results are there.
SOFTNPU_API int execute(uint32_t model, const void *input, const void *output);
/// Queues; failures of the execution itself surface when the stream is synchronised.
SOFTNPU_API int execute_async(uint32_t model, const void *input, const void *output,
                              const void *stream);
/// Like execute(), in order with `stream` when it is not NULL, and with limits.
SOFTNPU_API int execute_v2(uint32_t model, const void *input, const void *output,
                           const void *stream, const ExecuteOptions &options);

}  // namespace softnpu
