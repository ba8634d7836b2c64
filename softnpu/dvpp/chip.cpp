#include "softnpu/dvpp/chip.hpp"

#include <string>

#include "acl/acl_base.h"
#include "softnpu/core/config.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/dvpp/check.hpp"

namespace softnpu {
namespace {

bool is_of(const char *family) {
    return config().soc_name.rfind(family, 0) == 0;
}

}  // namespace

int require_dvpp_on_chip() {
    if (!is_of("Ascend950")) return 0;
    return fail(ACL_ERROR_FEATURE_UNSUPPORTED,
                "%s has no acldvpp interface; use hi_mpi_*, or choose another SOFTNPU_SOC",
                config().soc_name.c_str());
}

bool himpi_on_chip() {
    return !first_generation();
}

bool venc_on_chip() {
    return is_of("Ascend310") || is_of("Ascend710");
}

}  // namespace softnpu
