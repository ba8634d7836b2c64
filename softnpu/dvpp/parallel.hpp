// The pictures of one batch on several threads.
#pragma once

#include <cstddef>
#include <functional>

#include "softnpu/core/export.hpp"

namespace softnpu {

/// body(0) ... body(count - 1), on this thread and, where they are free, on the device's helpers.
/// Returns when all are done, or throws the first thing that `body` threw once nobody runs it. May
/// be called from several threads: one of them gets the helpers.
SOFTNPU_API void parallel_for(size_t count, const std::function<void(size_t)> &body);

}  // namespace softnpu
