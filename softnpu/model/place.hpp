// May the engine read or write these bytes?
#pragma once

#include <cstddef>

#include "softnpu/model/session.hpp"

namespace softnpu {

/// Names a tensor in messages.
struct TensorPlace {
    const Place &place;
    const char *direction;
    size_t index;
    const TensorInfo &info;
};

/// 0 when `bytes` bytes at `address` may be used by the model: device memory of its device that is
/// allocated and long enough, at a multiple of 64; where host and device share memory, host memory
/// too. `is_new` is false when this address was accepted for this tensor before: what the program
/// did to its own host memory since is not looked at again.
int check_place(const TensorPlace &tensor, const void *address, size_t bytes, bool is_new);

/// Host memory that is there without holes, and may be read at both ends.
bool is_readable(const void *address, size_t bytes);

}  // namespace softnpu
