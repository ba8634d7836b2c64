// aclTensorDesc: type, format and shape of a tensor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "acl/acl_base.h"
#include "softnpu/core/export.hpp"
#include "softnpu/core/handle.hpp"

namespace softnpu {

struct TensorDesc {
    using Range = std::array<int64_t, 2>;

    aclDataType type = ACL_DT_UNDEFINED;
    aclFormat format = ACL_FORMAT_UNDEFINED;
    std::vector<int64_t> dims;  // -1 unknown; {-2} unknown rank
    std::string name;

    std::vector<Range> shape_range;
    std::vector<Range> value_range;
    aclFormat storage_format = ACL_FORMAT_UNDEFINED;
    std::vector<int64_t> storage_dims;
    std::string dynamic_input;
    aclMemType placement = ACL_MEMTYPE_DEVICE;
    std::vector<unsigned char> constant;
    void *address = nullptr;

    /// Elements, 0 when a dimension is unknown or the product overflows.
    SOFTNPU_API size_t elements() const noexcept;
};

using TensorDescTable = HandleTable<TensorDesc, HandleType::tensor_desc>;
using TensorDescRef = TensorDescTable::Ref;
SOFTNPU_API TensorDescTable &tensor_desc_table() noexcept;

/// Handle of a new desc, counted in live_tensor_descs. Throws bad_alloc.
SOFTNPU_API void *create_tensor_desc(TensorDesc desc);
SOFTNPU_API bool destroy_tensor_desc(const void *handle) noexcept;

/// Bytes of one element, 0 for types of variable or sub-byte size.
SOFTNPU_API size_t element_size(aclDataType type) noexcept;

}  // namespace softnpu
