// Single-operator files of `acl-fast atc --singleop`.
//
// Operators are compiled at first use whether or not a file was loaded. Loading one checks it and
// compiles its operator ahead. A file is softnpu's container with {"single_op": {...}} as its
// manifest: the operator as the JSON of --singleop describes it.
#pragma once

#include <cstddef>
#include <string>

#include "softnpu/core/export.hpp"

namespace softnpu::op {

/// 0, or a failure that is recorded. Files for a real NPU are passed over with a note: their
/// operators run here without them.
SOFTNPU_API int load_operator(const void *data, size_t size, const std::string &origin);

/// Every .om in a folder, and in the folders in it.
SOFTNPU_API int load_folder(const char *folder);

/// How many operators are kept compiled at most.
SOFTNPU_API void limit_operators(size_t most) noexcept;

}  // namespace softnpu::op
