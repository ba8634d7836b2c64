#include "softnpu/core/tensor_desc.hpp"

#include <limits>

#include "softnpu/core/counters.hpp"

namespace softnpu {

TensorDescTable &tensor_desc_table() noexcept {
    static auto *table = new TensorDescTable;  // outlives static destruction
    return *table;
}

size_t TensorDesc::elements() const noexcept {
    size_t product = 1;
    for (const int64_t dim : dims) {
        if (dim < 0) return 0;
        const auto factor = static_cast<size_t>(dim);
        if (factor != 0 && product > std::numeric_limits<size_t>::max() / factor) return 0;
        product *= factor;
    }
    return product;
}

void *create_tensor_desc(TensorDesc desc) {
    void *handle = tensor_desc_table().create(std::move(desc)).handle();
    count(counters().live_tensor_descs);
    return handle;
}

bool destroy_tensor_desc(const void *handle) noexcept {
    if (!tensor_desc_table().remove(handle)) return false;
    uncount(counters().live_tensor_descs);
    return true;
}

size_t element_size(aclDataType type) noexcept {
    switch (type) {
        case ACL_INT8:
        case ACL_UINT8:
        case ACL_BOOL:
            return 1;
        case ACL_FLOAT16:
        case ACL_BF16:
        case ACL_INT16:
        case ACL_UINT16:
            return 2;
        case ACL_FLOAT:
        case ACL_INT32:
        case ACL_UINT32:
        case ACL_COMPLEX32:
            return 4;
        case ACL_INT64:
        case ACL_UINT64:
        case ACL_DOUBLE:
        case ACL_COMPLEX64:
            return 8;
        case ACL_COMPLEX128:
            return 16;
        default:
            return 0;
    }
}

}  // namespace softnpu
