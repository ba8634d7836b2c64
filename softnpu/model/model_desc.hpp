// aclmdlDesc: a copy of a model's description that outlives the model.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "acl/acl_mdl.h"
#include "softnpu/core/export.hpp"
#include "softnpu/core/handle.hpp"
#include "softnpu/model/description.hpp"

namespace softnpu {

class SOFTNPU_API ModelDesc {
  public:
    ModelDesc();
    ~ModelDesc();

    /// `model` is 0 for a description that was read from a file.
    void fill(uint32_t model, std::shared_ptr<const Description> description);
    bool is_filled() const noexcept { return description_ != nullptr; }
    uint32_t model() const noexcept { return model_; }
    const Description &description() const noexcept { return *description_; }

    /// Tensors as programs count them: a model with gears has a last input that carries the gear.
    const std::vector<TensorInfo> &inputs() const noexcept { return inputs_; }
    const std::vector<TensorInfo> &outputs() const noexcept { return description_->outputs; }

    /// Name as it fits into aclmdlIODims: itself, or "acl_modelId_.._input_.._.." when it is longer
    /// than 127 bytes.
    const std::string &short_name(bool is_input, size_t index) const;
    /// The real name behind a short one; nullptr when no tensor has it.
    const char *real_name(const char *name) const;

  private:
    uint32_t model_ = 0;
    std::shared_ptr<const Description> description_;
    std::vector<TensorInfo> inputs_;
    std::vector<std::string> short_inputs_;
    std::vector<std::string> short_outputs_;
};

using ModelDescTable = HandleTable<ModelDesc, HandleType::model_desc>;
using ModelDescRef = ModelDescTable::Ref;
SOFTNPU_API ModelDescTable &model_desc_table() noexcept;

}  // namespace softnpu
