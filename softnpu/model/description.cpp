#include "softnpu/model/description.hpp"

#include <algorithm>

#include "acl/error_codes/ge_error_codes.h"

namespace softnpu {
namespace {

struct TypeRow {
    ov::Element element;
    aclDataType type;
    size_t bytes;
    const char *name;
};

constexpr TypeRow kTypes[] = {
    {ov::Element::f32, ACL_FLOAT, 4, "float32"},    {ov::Element::f16, ACL_FLOAT16, 2, "float16"},
    {ov::Element::bf16, ACL_BF16, 2, "bfloat16"},   {ov::Element::f64, ACL_DOUBLE, 8, "float64"},
    {ov::Element::i8, ACL_INT8, 1, "int8"},         {ov::Element::i16, ACL_INT16, 2, "int16"},
    {ov::Element::i32, ACL_INT32, 4, "int32"},      {ov::Element::i64, ACL_INT64, 8, "int64"},
    {ov::Element::u8, ACL_UINT8, 1, "uint8"},       {ov::Element::u16, ACL_UINT16, 2, "uint16"},
    {ov::Element::u32, ACL_UINT32, 4, "uint32"},    {ov::Element::u64, ACL_UINT64, 8, "uint64"},
    {ov::Element::boolean, ACL_BOOL, 1, "boolean"},
};

const TypeRow *row_of(ov::Element element) {
    for (const TypeRow &row : kTypes)
        if (row.element == element) return &row;
    return nullptr;
}

}  // namespace

bool TensorInfo::is_static() const {
    return std::all_of(dims.begin(), dims.end(), [](int64_t dim) { return dim >= 0; });
}

aipp::Settings AippInput::settings_for(const Dims &dims) const {
    aipp::Settings result = settings;
    if (!follows_gear) return result;
    const size_t rows = network.format == ACL_FORMAT_NHWC ? 1 : 2;
    result.src_h = result.crop_h = static_cast<int32_t>(dims[rows]);
    result.src_w = result.crop_w = static_cast<int32_t>(dims[rows + 1]);
    return result;
}

Dims AippInput::dims_made(const std::vector<aipp::Settings> &pictures) const {
    Dims made = network.dims;
    const size_t rows = network.format == ACL_FORMAT_NHWC ? 1 : 2;
    made[0] = static_cast<int64_t>(pictures.size());
    made[rows] = pictures[0].out_h();
    made[rows + 1] = pictures[0].out_w();
    return made;
}

std::optional<size_t> Gears::find(const Dims &row) const {
    const auto found = std::find(values.begin(), values.end(), row);
    if (found == values.end()) return std::nullopt;
    return static_cast<size_t>(found - values.begin());
}

Dims Gears::fill(size_t input, Dims dims, size_t gear) const {
    for (size_t k = 0; k < where.size(); ++k)
        if (where[k].first == input) dims[where[k].second] = values[gear][k % width()];
    return dims;
}

size_t Description::largest_gear() const {
    size_t best = 0;
    size_t most = 0;
    for (size_t gear = 0; gears && gear < gears->values.size(); ++gear) {
        size_t bytes = 0;
        // Behind AIPP: a picture whose size comes with the execution has one size in every gear.
        for (const TensorInfo &input : inputs) {
            const TensorInfo &network = input.behind_aipp();
            bytes += tensor_bytes(network.type, network.gear_dims[gear]);
        }
        if (bytes > most) {
            most = bytes;
            best = gear;
        }
    }
    return best;
}

size_t Description::most_images(size_t input) const {
    const TensorInfo &network = inputs[input].behind_aipp();
    int64_t most = network.dims.empty() ? 1 : network.dims[0];
    if (!network.range.empty()) most = network.range[0][1];
    for (const Dims &dims : network.gear_dims) most = std::max(most, dims[0]);
    return static_cast<size_t>(std::max<int64_t>(most, 1));
}

int32_t Description::widest_padded() const {
    const auto starts = [&](const char *text) { return soc.rfind(text, 0) == 0; };
    // 310, 310P and 910; not 310B, 910B, 910_93 and 950.
    const bool is_first = soc == "Ascend310" || soc == "Ascend710" || starts("Ascend310P") ||
                          soc == "Ascend910" || soc == "Ascend910A" || starts("Ascend910P");
    return is_first ? 1080 : 4096;
}

size_t tensor_bytes(aclDataType type, const Dims &dims) {
    size_t bytes = element_bytes(engine_type(type));
    for (const int64_t dim : dims) {
        if (dim < 0) return 0;
        if (__builtin_mul_overflow(bytes, static_cast<size_t>(dim), &bytes) || bytes >> 62 != 0)
            throw ModelError(ACL_ERROR_GE_PARAM_INVALID,
                             "a tensor of shape " + to_text(dims) + " exceeds 2^62 bytes");
    }
    return bytes;
}

aclDataType acl_type(ov::Element element) {
    const TypeRow *row = row_of(element);
    return row != nullptr ? row->type : ACL_DT_UNDEFINED;
}

ov::Element engine_type(aclDataType type) {
    for (const TypeRow &row : kTypes)
        if (row.type == type) return row.element;
    return ov::Element::dynamic;
}

const char *element_name(ov::Element element) {
    const TypeRow *row = row_of(element);
    if (row != nullptr) return row->name;
    if (element == ov::Element::text) return "string";
    return element == ov::Element::dynamic ? "unknown" : "sub-byte or float8";
}

size_t element_bytes(ov::Element element) {
    const TypeRow *row = row_of(element);
    return row != nullptr ? row->bytes : 0;
}

std::string to_text(const Dims &dims) {
    std::string text = "[";
    for (const int64_t dim : dims) text += (text.size() > 1 ? "," : "") + std::to_string(dim);
    return text + "]";
}

}  // namespace softnpu
