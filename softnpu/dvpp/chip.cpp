#include "softnpu/dvpp/chip.hpp"

#include "acl/acl_base.h"
#include "softnpu/core/config.hpp"
#include "softnpu/core/status.hpp"

namespace softnpu {

bool chip_is(const char *family) {
    return config().soc_name.rfind(family, 0) == 0;
}

bool first_generation() {
    return config().soc_name == "Ascend310" ||
           (chip_is("Ascend910") && !chip_is("Ascend910B") && !chip_is("Ascend910_93"));
}

bool newer_generation() {
    return chip_is("Ascend910B") || chip_is("Ascend910_93") || chip_is("Ascend310B") ||
           chip_is("Ascend950");
}

int require_dvpp_on_chip() {
    if (!chip_is("Ascend950")) return 0;
    return fail(ACL_ERROR_FEATURE_UNSUPPORTED,
                "%s has no acldvpp interface; use hi_mpi_*, or choose another SOFTNPU_SOC",
                config().soc_name.c_str());
}

bool himpi_on_chip() {
    return !first_generation();
}

bool venc_on_chip() {
    return chip_is("Ascend310") || chip_is("Ascend710");
}

}  // namespace softnpu
