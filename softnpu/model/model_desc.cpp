#include "softnpu/model/model_desc.hpp"

#include <algorithm>

#include "softnpu/core/counters.hpp"

namespace softnpu {
namespace {

constexpr size_t kLongestName = ACL_MAX_TENSOR_NAME_LEN - 1;

bool has_name(const std::vector<TensorInfo> &tensors, const std::string &name) {
    return std::any_of(tensors.begin(), tensors.end(),
                       [&](const TensorInfo &tensor) { return tensor.name == name; });
}

}  // namespace

ModelDesc::ModelDesc() {
    count(counters().live_model_descs);
}

ModelDesc::~ModelDesc() {
    uncount(counters().live_model_descs);
}

void ModelDesc::fill(uint32_t model, std::shared_ptr<const Description> description) {
    model_ = model;
    description_ = std::move(description);
    inputs_ = description_->inputs;
    inputs_.insert(inputs_.end(), description_->aipp_data.begin(), description_->aipp_data.end());
    if (description_->gears) {
        TensorInfo gear;
        gear.name = ACL_DYNAMIC_TENSOR_NAME;
        gear.type = ACL_INT64;
        gear.element = ov::Element::i64;
        gear.dims = {static_cast<int64_t>(description_->gears->width())};
        gear.bytes = tensor_bytes(gear.type, gear.dims);
        inputs_.push_back(std::move(gear));
    }
    const auto shorten = [&](const std::vector<TensorInfo> &tensors, const char *kind) {
        std::vector<std::string> names;
        for (size_t i = 0; i < tensors.size(); ++i) {
            std::string name = tensors[i].name;
            // The last number keeps the new name apart from names that the model has itself.
            for (unsigned n = 0; name.size() > kLongestName ||
                                 (n > 0 && (has_name(inputs_, name) || has_name(outputs(), name)));
                 ++n)
                name = "acl_modelId_" + std::to_string(model_) + "_" + kind + "_" +
                       std::to_string(i) + "_" + std::to_string(n);
            names.push_back(std::move(name));
        }
        return names;
    };
    short_inputs_ = shorten(inputs_, "input");
    short_outputs_ = shorten(description_->outputs, "output");
}

const std::string &ModelDesc::short_name(bool is_input, size_t index) const {
    return (is_input ? short_inputs_ : short_outputs_)[index];
}

const char *ModelDesc::real_name(const char *name) const {
    const auto find = [&](const std::vector<TensorInfo> &tensors,
                          const std::vector<std::string> &names) -> const char * {
        for (size_t i = 0; i < names.size(); ++i)
            if (names[i] == name || tensors[i].name == name) return tensors[i].name.c_str();
        return nullptr;
    };
    const char *found = find(inputs_, short_inputs_);
    return found != nullptr ? found : find(outputs(), short_outputs_);
}

ModelDescTable &model_desc_table() noexcept {
    static auto *const table = new ModelDescTable;
    return *table;
}

}  // namespace softnpu
