// Gears: the shapes a model was compiled for, and the choice of one of them.
#include <algorithm>
#include <cstring>

#include "acl/acl_mdl.h"
#include "acl/error_codes/ge_error_codes.h"
#include "softnpu/core/data_buffer.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/model/dataset.hpp"
#include "softnpu/model/model.hpp"
#include "softnpu/model/model_desc.hpp"

using namespace softnpu;

namespace {

constexpr auto kAllInputs = static_cast<size_t>(-1);

int ge(uint32_t code) {
    return static_cast<int>(code);
}

const Gears *gears_of(const ModelDescRef &desc, GearKind kind) {
    if (!desc || !desc->is_filled() || !desc->description().gears) return nullptr;
    const Gears &gears = *desc->description().gears;
    return gears.kind == kind ? &gears : nullptr;
}

int check_desc(const ModelDescRef &desc) {
    if (desc && desc->is_filled()) return 0;
    return fail(ACL_ERROR_INVALID_PARAM,
                "the model desc is NULL, destroyed or empty; fill it with aclmdlGetDesc");
}

int check_count(const Gears *gears) {
    if (gears == nullptr || gears->values.size() <= ACL_MAX_BATCH_NUM) return 0;
    return fail(ACL_ERROR_STORAGE_OVER_LIMIT, "the model has %zu gears, room is for %d",
                gears->values.size(), ACL_MAX_BATCH_NUM);
}

// The shapes of all inputs of a gear, one behind the other.
Dims all_dims(const Description &description, size_t gear) {
    Dims all;
    for (const TensorInfo &input : description.inputs)
        all.insert(all.end(), input.gear_dims[gear].begin(), input.gear_dims[gear].end());
    return all;
}

// The same of the inputs that vary only.
Dims varying_dims(const Description &description, size_t gear) {
    Dims all;
    for (const TensorInfo &input : description.inputs)
        if (!input.is_static())
            all.insert(all.end(), input.gear_dims[gear].begin(), input.gear_dims[gear].end());
    return all;
}

// Writes the gear where the device reads it when an execution begins.
int write_gear(const DataBuffer &buffer, const Dims &row) {
    auto *memory = static_cast<unsigned char *>(device_view(buffer.data));
    const bool is_wide = buffer.size >= row.size() * sizeof(uint64_t);
    for (size_t i = 0; i < row.size(); ++i) {
        const auto wide = static_cast<uint64_t>(row[i]);
        const auto narrow = static_cast<uint32_t>(row[i]);
        if (is_wide) {
            std::memcpy(memory + i * sizeof wide, &wide, sizeof wide);
        } else {
            std::memcpy(memory + i * sizeof narrow, &narrow, sizeof narrow);
        }
    }
    return 0;
}

int gear_buffer(const Model &model, const DatasetRef &dataset, size_t index, size_t width,
                DataBuffer &buffer) {
    const size_t hidden = model.description().gear_index();
    if (model.description().gears && index != hidden)
        return fail(ACL_ERROR_INVALID_PARAM,
                    "index %zu is not the input that carries the gear, which is %zu: ask "
                    "aclmdlGetInputIndexByName for \"" ACL_DYNAMIC_TENSOR_NAME "\"",
                    index, hidden);
    void *handle = dataset->buffer(index);
    if (handle == nullptr || !read_data_buffer(handle, buffer))
        return fail(ACL_ERROR_INVALID_PARAM, "the dataset has no live data buffer at index %zu",
                    index);
    const size_t least = width * sizeof(uint32_t);
    if (buffer.data == nullptr)
        return fail(ge(ACL_ERROR_GE_DYNAMIC_INPUT_ADDR_INVALID),
                    "the data buffer at index %zu holds a NULL address", index);
    if (buffer.size < least)
        return fail(ge(ACL_ERROR_GE_DYNAMIC_INPUT_LENGTH_INVALID),
                    "the data buffer at index %zu has %zu bytes, the gear needs %zu", index,
                    buffer.size, least);
    const size_t bytes = std::min(buffer.size, width * sizeof(uint64_t));
    return check_memory("the gear input", buffer.data, bytes,
                        ge(ACL_ERROR_GE_DYNAMIC_INPUT_ADDR_INVALID));
}

const char *kind_name(const Description &description) {
    if (description.is_dynamic) return "no gears, its shapes come with aclmdlSetDatasetTensorDesc";
    if (!description.gears) return "a fixed shape";
    switch (description.gears->kind) {
        case GearKind::batch:
            return "batch gears: aclmdlSetDynamicBatchSize";
        case GearKind::image:
            return "image size gears: aclmdlSetDynamicHWSize";
        case GearKind::dims:
            return "dims gears: aclmdlSetInputDynamicDims";
    }
    return "";
}

// `pick` returns the values of the gear, or nothing after a failure.
template <class Pick>
aclError choose(uint32_t id, aclmdlDataset *handle, size_t index, GearKind kind, size_t width,
                Pick &&pick) {
    const DatasetRef dataset = dataset_table().find(handle);
    if (!dataset) return fail(ACL_ERROR_INVALID_PARAM, "the dataset is NULL or destroyed");
    const auto model = find_model(id);
    if (model == nullptr) return ge(ACL_ERROR_GE_EXEC_MODEL_ID_INVALID);
    const auto &gears = model->description().gears;
    if (gears && kind == GearKind::dims) width = gears->width();
    DataBuffer buffer;
    if (const int code = gear_buffer(*model, dataset, index, width, buffer)) return code;
    if (!gears || gears->kind != kind)
        return fail(ge(ACL_ERROR_GE_DYNAMIC_BATCH_SIZE_INVALID), "model %u has %s", id,
                    kind_name(model->description()));
    size_t gear = 0;
    if (const int code = pick(*model, gear)) return code;
    try {
        model->choose_gear(gear);
    } catch (const ModelError &error) {
        return fail(error.code, "%s", error.what());
    }
    return write_gear(buffer, gears->values[gear]);
}

int find_gear(const Model &model, const Dims &row, size_t &gear) {
    const Gears &gears = *model.description().gears;
    const auto found = gears.find(row);
    if (found) {
        gear = *found;
        return 0;
    }
    std::string known;
    for (size_t i = 0; i < gears.values.size() && i < 8; ++i)
        known += (i > 0 ? " " : "") + to_text(gears.values[i]);
    if (gears.values.size() > 8) known += " ...";
    return fail(ge(ACL_ERROR_GE_DYNAMIC_BATCH_SIZE_INVALID), "model %u has no gear %s, but %s",
                model.id(), to_text(row).c_str(), known.c_str());
}

int find_dims_gear(const Model &model, const aclmdlIODims &dims, size_t &gear) {
    const Description &description = model.description();
    const Dims row(dims.dims, dims.dims + std::min<size_t>(dims.dimCount, ACL_MAX_DIM_CNT));
    const size_t all = all_dims(description, 0).size();
    const size_t varying = varying_dims(description, 0).size();
    if (row.size() != all && row.size() != varying)
        return fail(ge(ACL_ERROR_GE_DYNAMIC_INPUT_LENGTH_INVALID),
                    "%zu dims, but the inputs of model %u have %zu: pass all dims of all inputs "
                    "in their order",
                    row.size(), model.id(), all);
    for (size_t i = 0; i < description.gears->values.size(); ++i) {
        if (row != all_dims(description, i) && row != varying_dims(description, i)) continue;
        gear = i;
        return 0;
    }
    return fail(ge(ACL_ERROR_GE_DYNAMIC_BATCH_SIZE_INVALID),
                "model %u was not compiled for the dims %s", model.id(), to_text(row).c_str());
}

}  // namespace

extern "C" {

aclError aclmdlGetDynamicBatch(const aclmdlDesc *modelDesc, aclmdlBatch *batch) {
    return guarded("aclmdlGetDynamicBatch", [&] {
        if (batch == nullptr) return fail(ACL_ERROR_INVALID_PARAM, "batch is NULL");
        const ModelDescRef desc = model_desc_table().find(modelDesc);
        if (const int code = check_desc(desc)) return code;
        const Gears *gears = gears_of(desc, GearKind::batch);
        if (const int code = check_count(gears)) return code;
        batch->batchCount = gears != nullptr ? gears->values.size() : 0;
        for (size_t i = 0; i < batch->batchCount; ++i)
            batch->batch[i] = static_cast<uint64_t>(gears->values[i][0]);
        return 0;
    });
}

// The index is not used: programs give -1, 0, that of each input, or of the input with the gear.
aclError aclmdlGetDynamicHW(const aclmdlDesc *modelDesc, size_t /*index*/, aclmdlHW *hw) {
    return guarded("aclmdlGetDynamicHW", [&] {
        if (hw == nullptr) return fail(ACL_ERROR_INVALID_PARAM, "hw is NULL");
        const ModelDescRef desc = model_desc_table().find(modelDesc);
        if (const int code = check_desc(desc)) return code;
        const Gears *gears = gears_of(desc, GearKind::image);
        if (const int code = check_count(gears)) return code;
        hw->hwCount = gears != nullptr ? gears->values.size() : 0;
        for (size_t i = 0; i < hw->hwCount; ++i) {
            hw->hw[i][0] = static_cast<uint64_t>(gears->values[i][0]);
            hw->hw[i][1] = static_cast<uint64_t>(gears->values[i][1]);
        }
        return 0;
    });
}

aclError aclmdlGetInputDynamicGearCount(const aclmdlDesc *modelDesc, size_t index,
                                        size_t *gearCount) {
    return guarded("aclmdlGetInputDynamicGearCount", [&] {
        if (gearCount == nullptr) return fail(ACL_ERROR_INVALID_PARAM, "gearCount is NULL");
        const ModelDescRef desc = model_desc_table().find(modelDesc);
        if (const int code = check_desc(desc)) return code;
        if (index != kAllInputs)
            return fail(ACL_ERROR_INVALID_PARAM, "index must be -1: gears cover all inputs");
        const Gears *gears = gears_of(desc, GearKind::dims);
        *gearCount = gears != nullptr ? gears->values.size() : 0;
        return 0;
    });
}

aclError aclmdlGetInputDynamicDims(const aclmdlDesc *modelDesc, size_t index, aclmdlIODims *dims,
                                   size_t gearCount) {
    return guarded("aclmdlGetInputDynamicDims", [&] {
        if (dims == nullptr) return fail(ACL_ERROR_INVALID_PARAM, "dims is NULL");
        const ModelDescRef desc = model_desc_table().find(modelDesc);
        if (const int code = check_desc(desc)) return code;
        if (index != kAllInputs)
            return fail(ACL_ERROR_INVALID_PARAM, "index must be -1: gears cover all inputs");
        const Gears *gears = gears_of(desc, GearKind::dims);
        const size_t count = gears != nullptr ? gears->values.size() : 0;
        if (gearCount < count)
            return fail(ACL_ERROR_INVALID_PARAM,
                        "room for %zu gears, the model has %zu: ask aclmdlGetInputDynamicGearCount",
                        gearCount, count);
        for (size_t i = 0; i < count; ++i) {
            const Dims all = all_dims(desc->description(), i);
            if (all.size() > ACL_MAX_DIM_CNT)
                return fail(ACL_ERROR_STORAGE_OVER_LIMIT,
                            "the inputs have %zu dims, room is for %d", all.size(),
                            ACL_MAX_DIM_CNT);
            dims[i].name[0] = '\0';
            dims[i].dimCount = all.size();
            std::copy(all.begin(), all.end(), dims[i].dims);
        }
        return 0;
    });
}

aclError aclmdlSetDynamicBatchSize(uint32_t modelId, aclmdlDataset *dataset, size_t index,
                                   uint64_t batchSize) {
    return guarded("aclmdlSetDynamicBatchSize", [&] {
        if (batchSize == 0) return fail(ACL_ERROR_INVALID_PARAM, "batchSize is 0");
        return choose(modelId, dataset, index, GearKind::batch, 1,
                      [&](const Model &model, size_t &gear) {
                          return find_gear(model, {static_cast<int64_t>(batchSize)}, gear);
                      });
    });
}

aclError aclmdlSetDynamicHWSize(uint32_t modelId, aclmdlDataset *dataset, size_t index,
                                uint64_t height, uint64_t width) {
    return guarded("aclmdlSetDynamicHWSize", [&] {
        if (height == 0 || width == 0)
            return fail(ACL_ERROR_INVALID_PARAM, "%s is 0", height == 0 ? "height" : "width");
        return choose(
            modelId, dataset, index, GearKind::image, 2, [&](const Model &model, size_t &gear) {
                return find_gear(model, {static_cast<int64_t>(height), static_cast<int64_t>(width)},
                                 gear);
            });
    });
}

aclError aclmdlSetInputDynamicDims(uint32_t modelId, aclmdlDataset *dataset, size_t index,
                                   const aclmdlIODims *dims) {
    return guarded("aclmdlSetInputDynamicDims", [&] {
        if (dims == nullptr) return fail(ACL_ERROR_INVALID_PARAM, "dims is NULL");
        return choose(
            modelId, dataset, index, GearKind::dims, 1,
            [&](const Model &model, size_t &gear) { return find_dims_gear(model, *dims, gear); });
    });
}

}  // extern "C"
