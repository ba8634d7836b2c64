// Which media interfaces the chip has that softnpu plays.
#pragma once

#include "softnpu/core/export.hpp"

namespace softnpu {

/// acldvpp*, aclvdec* and aclvenc*; after fail() where the newest chips lack them.
SOFTNPU_API int require_dvpp_on_chip();
/// hi_mpi_*: not on the first generation.
SOFTNPU_API bool himpi_on_chip();
/// Video encoding, by either interface: only on the 310 families.
SOFTNPU_API bool venc_on_chip();

}  // namespace softnpu
