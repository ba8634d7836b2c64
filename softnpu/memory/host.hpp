// Host memory of the program that it registered with aclrtHostRegister.
#pragma once

#include <cstddef>

namespace softnpu {

bool is_registered_host(const void *address, size_t size) noexcept;

}  // namespace softnpu
