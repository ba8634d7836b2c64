#include "softnpu/memory/malloc_config.hpp"

#include "softnpu/core/status.hpp"

namespace softnpu {

int check_malloc_config(const aclrtMallocConfig *config) {
    if (config == nullptr || config->numAttrs == 0) return 0;
    if (config->attrs == nullptr) return fail(ACL_ERROR_INVALID_PARAM, "cfg->attrs is NULL");
    for (size_t i = 0; i < config->numAttrs; ++i) {
        const aclrtMallocAttribute &attribute = config->attrs[i];
        if (attribute.attr < ACL_RT_MEM_ATTR_RSV || attribute.attr > ACL_RT_MEM_ATTR_DEVICE_ID) {
            return fail(ACL_ERROR_INVALID_PARAM, "attribute %zu of the config is unknown (%d)", i,
                        static_cast<int>(attribute.attr));
        }
    }
    return 0;
}

}  // namespace softnpu
