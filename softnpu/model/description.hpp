// What a model says about itself: its tensors, their shapes, its gears.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "acl/acl_base.h"
#include "softnpu/aipp/aipp.hpp"
#include "softnpu/core/export.hpp"
#include "softnpu/model/openvino_c.hpp"

namespace softnpu {

using Dims = std::vector<int64_t>;

/// Why a model was refused; `code` is what the entry returns, what() its message.
struct SOFTNPU_API ModelError : std::runtime_error {
    ModelError(uint32_t error, const std::string &text)
        : std::runtime_error(text), code(static_cast<int>(error)) {}
    int code;
};

struct AippInput;

/// One input or output.
struct TensorInfo {
    std::string name;
    aclDataType type = ACL_DT_UNDEFINED;
    aclFormat format = ACL_FORMAT_ND;
    ov::Element element = ov::Element::dynamic;
    Dims dims;                                  // -1 where it varies
    std::vector<std::array<int64_t, 2>> range;  // of each dim, max -1 = unbounded; may be empty
    std::vector<Dims> gear_dims;                // the shape in each gear; empty without gears
    size_t bytes = 0;                           // of the largest gear; 0 when unbounded
    std::shared_ptr<const AippInput> aipp;      // of inputs that take pictures

    SOFTNPU_API bool is_static() const;
    /// What the network reads: this tensor, or what AIPP makes of it.
    const TensorInfo &behind_aipp() const;
    /// The settings of AIPP come with each execution, and so does the size of the picture.
    bool is_dynamic_aipp() const;
};

/// An input that takes pictures, as its TensorInfo says, and what the network reads instead.
struct AippInput {
    aipp::Settings settings;
    TensorInfo network;
    bool is_dynamic = false;    // the settings come with each execution
    bool follows_gear = false;  // the picture has the size of the image size gear

    /// Settings for a network input of these dims, height and width known.
    aipp::Settings settings_for(const Dims &dims) const;
    /// What the network reads where its shape has a range: what these settings make.
    Dims dims_made(const std::vector<aipp::Settings> &pictures) const;
};

inline const TensorInfo &TensorInfo::behind_aipp() const {
    return aipp != nullptr ? aipp->network : *this;
}
inline bool TensorInfo::is_dynamic_aipp() const {
    return aipp != nullptr && aipp->is_dynamic;
}

enum class GearKind { batch, image, dims };

/// The shapes a model was compiled for, of which each execution picks one.
struct Gears {
    GearKind kind = GearKind::batch;
    std::vector<Dims> values;                      // one row per gear
    std::vector<std::pair<size_t, size_t>> where;  // (input, dim) that the values fill, in order

    size_t width() const { return values.front().size(); }
    /// Index of the gear with these values.
    SOFTNPU_API std::optional<size_t> find(const Dims &row) const;
    /// `dims` of input `input` with the values of gear `gear` filled in.
    Dims fill(size_t input, Dims dims, size_t gear) const;
};

struct Description {
    std::string name;
    std::string soc;
    bool is_dynamic = false;  // shapes come with each execution
    std::optional<Gears> gears;
    std::vector<TensorInfo> inputs;  // of the network, without the hidden ones
    std::vector<TensorInfo> outputs;
    // One hidden input for each input with dynamic AIPP, and the inputs that they are for.
    std::vector<TensorInfo> aipp_data;
    std::vector<size_t> aipp_inputs;
    size_t weight_bytes = 0;

    /// Index of the hidden gear input, the last one.
    size_t gear_index() const { return inputs.size() + aipp_data.size(); }
    /// Inputs as programs see them.
    size_t visible_inputs() const { return gear_index() + (gears ? 1 : 0); }
    /// Images that the network reads at once from this input: of the largest gear, or at most.
    SOFTNPU_API size_t most_images(size_t input) const;
    /// Widest picture that AIPP may pad on this SoC.
    SOFTNPU_API int32_t widest_padded() const;
    /// The gear with the largest inputs.
    SOFTNPU_API size_t largest_gear() const;
};

/// Bytes of a tensor; 0 if a dim is negative. Throws ModelError when it exceeds 2^62.
SOFTNPU_API size_t tensor_bytes(aclDataType type, const Dims &dims);

/// The acl type of an engine type; ACL_DT_UNDEFINED when programs cannot handle it.
aclDataType acl_type(ov::Element element);
/// The engine type of an acl type; Element::dynamic when the engine lacks it.
ov::Element engine_type(aclDataType type);
const char *element_name(ov::Element element);
size_t element_bytes(ov::Element element);

/// "[1,3,-1,-1]"
SOFTNPU_API std::string to_text(const Dims &dims);

}  // namespace softnpu
