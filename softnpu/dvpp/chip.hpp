// What family of chips softnpu plays, and which media interfaces that has.
#pragma once

#include "softnpu/core/export.hpp"

namespace softnpu {

/// The chip's name begins so; successors continue the names of earlier families.
SOFTNPU_API bool chip_is(const char *family);
/// The chips of the first generation, Ascend310 and Ascend910: their picture engine writes NV12 and
/// NV21 only and knows fewer operations.
SOFTNPU_API bool first_generation();
/// The chips whose picture engine takes any stride and has filters, flips and turns: 310B, A2 and
/// later.
SOFTNPU_API bool newer_generation();

/// acldvpp*, aclvdec* and aclvenc*; after fail() where the newest chips lack them.
SOFTNPU_API int require_dvpp_on_chip();
/// hi_mpi_*: not on the first generation.
SOFTNPU_API bool himpi_on_chip();
/// Video encoding, by either interface: only on the 310 families.
SOFTNPU_API bool venc_on_chip();

}  // namespace softnpu
