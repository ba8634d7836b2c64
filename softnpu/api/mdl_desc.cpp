// aclmdlDesc: what a model takes and gives.
#include <algorithm>
#include <cstring>

#include "acl/acl_mdl.h"
#include "acl/error_codes/ge_error_codes.h"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/model/model.hpp"
#include "softnpu/model/model_desc.hpp"
#include "softnpu/model/network.hpp"

using namespace softnpu;

namespace {

// A desc that describes a model; empty for NULL, stale and not yet filled ones.
ModelDescRef find_desc(const aclmdlDesc *handle) {
    ModelDescRef desc = model_desc_table().find(handle);
    return desc && desc->is_filled() ? desc : ModelDescRef();
}

const TensorInfo *tensor_of(const ModelDescRef &desc, bool is_input, size_t index) {
    if (!desc) return nullptr;
    const auto &tensors = is_input ? desc->inputs() : desc->outputs();
    return index < tensors.size() ? &tensors[index] : nullptr;
}

int refuse_desc() {
    return fail(ACL_ERROR_INVALID_PARAM,
                "the model desc is NULL, destroyed or empty; fill it with aclmdlGetDesc");
}

int refuse_index(const ModelDescRef &desc, bool is_input, size_t index) {
    return fail(ACL_ERROR_INVALID_PARAM, "%s index %zu, the model has %zu",
                is_input ? "input" : "output", index,
                is_input ? desc->inputs().size() : desc->outputs().size());
}

void write_dims(const std::string &name, const Dims &from, aclmdlIODims &to) {
    std::strncpy(to.name, name.c_str(), sizeof to.name - 1);
    to.name[sizeof to.name - 1] = '\0';
    to.dimCount = std::min<size_t>(from.size(), ACL_MAX_DIM_CNT);
    std::copy_n(from.begin(), to.dimCount, to.dims);
}

aclError get_dims(const aclmdlDesc *handle, bool is_input, size_t index, aclmdlIODims *dims) {
    if (dims == nullptr) return fail(ACL_ERROR_INVALID_PARAM, "dims is NULL");
    const ModelDescRef desc = find_desc(handle);
    if (!desc) return refuse_desc();
    const TensorInfo *tensor = tensor_of(desc, is_input, index);
    if (tensor == nullptr) return refuse_index(desc, is_input, index);
    // What a gear model gives out has the shapes of its largest gear; only its inputs show -1.
    const bool is_largest = !is_input && !tensor->gear_dims.empty();
    const Dims &shown =
        is_largest ? tensor->gear_dims[desc->description().largest_gear()] : tensor->dims;
    write_dims(desc->short_name(is_input, index), shown, *dims);
    return 0;
}

aclError get_index(const aclmdlDesc *handle, bool is_input, const char *name, size_t *index) {
    if (name == nullptr || index == nullptr)
        return fail(ACL_ERROR_INVALID_PARAM, "%s is NULL", name == nullptr ? "name" : "index");
    const ModelDescRef desc = find_desc(handle);
    if (!desc) return refuse_desc();
    const auto &tensors = is_input ? desc->inputs() : desc->outputs();
    for (size_t i = 0; i < tensors.size(); ++i) {
        if (tensors[i].name != name && desc->short_name(is_input, i) != name) continue;
        *index = i;
        return 0;
    }
    return fail(ACL_ERROR_INVALID_PARAM, "the model has no %s named '%s'",
                is_input ? "input" : "output", name);
}

const char *get_name(const aclmdlDesc *handle, bool is_input, size_t index) {
    const ModelDescRef desc = find_desc(handle);
    const TensorInfo *tensor = tensor_of(desc, is_input, index);
    return tensor != nullptr ? tensor->name.c_str() : "";
}

// Fills a desc with what a file or a piece of memory says.
aclError describe(aclmdlDesc *handle, const ModelSource &source) {
    const ModelDescRef desc = model_desc_table().find(handle);
    if (!desc) return fail(ACL_ERROR_INVALID_PARAM, "the model desc is NULL or destroyed");
    desc->fill(0, describe_source(source));
    return 0;
}

template <class Body>
aclError with_source(Body &&body) {
    try {
        return body();
    } catch (const ModelError &error) {
        return fail(error.code, "%s", error.what());
    }
}

}  // namespace

extern "C" {

aclmdlDesc *aclmdlCreateDesc(void) {
    return guarded_value("aclmdlCreateDesc", static_cast<aclmdlDesc *>(nullptr), [&] {
        return static_cast<aclmdlDesc *>(model_desc_table().create().handle());
    });
}

aclError aclmdlDestroyDesc(aclmdlDesc *modelDesc) {
    return guarded("aclmdlDestroyDesc", [&] {
        if (!model_desc_table().remove(modelDesc))
            return fail(ACL_ERROR_INVALID_PARAM, "the model desc is NULL or destroyed already");
        return 0;
    });
}

aclError aclmdlGetDesc(aclmdlDesc *modelDesc, uint32_t modelId) {
    return guarded("aclmdlGetDesc", [&] {
        const ModelDescRef desc = model_desc_table().find(modelDesc);
        if (!desc) return fail(ACL_ERROR_INVALID_PARAM, "the model desc is NULL or destroyed");
        const auto model = find_model(modelId);
        if (model == nullptr) return static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ID_INVALID);
        desc->fill(modelId, model->share_description());
        return 0;
    });
}

aclError aclmdlGetDescFromFile(aclmdlDesc *modelDesc, const char *modelPath) {
    return guarded("aclmdlGetDescFromFile", [&] {
        if (modelPath == nullptr) return fail(ACL_ERROR_INVALID_PARAM, "modelPath is NULL");
        return with_source([&] { return describe(modelDesc, ModelSource::from_file(modelPath)); });
    });
}

aclError aclmdlGetDescFromMem(aclmdlDesc *modelDesc, const void *model, size_t modelSize) {
    return guarded("aclmdlGetDescFromMem", [&] {
        if (model == nullptr || modelSize == 0)
            return fail(ACL_ERROR_INVALID_PARAM, "the model is NULL or of size 0");
        if (const int code = check_memory("the model", model, modelSize, ACL_ERROR_INVALID_PARAM))
            return code;
        return with_source(
            [&] { return describe(modelDesc, ModelSource::from_memory(model, modelSize)); });
    });
}

size_t aclmdlGetNumInputs(aclmdlDesc *modelDesc) {
    return guarded_value("aclmdlGetNumInputs", size_t{0}, [&] {
        const ModelDescRef desc = find_desc(modelDesc);
        return desc ? desc->inputs().size() : 0;
    });
}

size_t aclmdlGetNumOutputs(aclmdlDesc *modelDesc) {
    return guarded_value("aclmdlGetNumOutputs", size_t{0}, [&] {
        const ModelDescRef desc = find_desc(modelDesc);
        return desc ? desc->outputs().size() : 0;
    });
}

size_t aclmdlGetInputSizeByIndex(aclmdlDesc *modelDesc, size_t index) {
    return guarded_value("aclmdlGetInputSizeByIndex", size_t{0}, [&] {
        const ModelDescRef desc = find_desc(modelDesc);
        const TensorInfo *tensor = tensor_of(desc, true, index);
        return tensor != nullptr ? tensor->bytes : 0;
    });
}

size_t aclmdlGetOutputSizeByIndex(aclmdlDesc *modelDesc, size_t index) {
    return guarded_value("aclmdlGetOutputSizeByIndex", size_t{0}, [&] {
        const ModelDescRef desc = find_desc(modelDesc);
        const TensorInfo *tensor = tensor_of(desc, false, index);
        return tensor != nullptr ? tensor->bytes : 0;
    });
}

aclError aclmdlGetInputDims(const aclmdlDesc *modelDesc, size_t index, aclmdlIODims *dims) {
    return guarded("aclmdlGetInputDims", [&] { return get_dims(modelDesc, true, index, dims); });
}

// V2 differs from V1 only for inputs that AIPP prepares.
aclError aclmdlGetInputDimsV2(const aclmdlDesc *modelDesc, size_t index, aclmdlIODims *dims) {
    return guarded("aclmdlGetInputDimsV2", [&] { return get_dims(modelDesc, true, index, dims); });
}

aclError aclmdlGetOutputDims(const aclmdlDesc *modelDesc, size_t index, aclmdlIODims *dims) {
    return guarded("aclmdlGetOutputDims", [&] { return get_dims(modelDesc, false, index, dims); });
}

aclError aclmdlGetInputDimsRange(const aclmdlDesc *modelDesc, size_t index,
                                 aclmdlIODimsRange *dimsRange) {
    return guarded("aclmdlGetInputDimsRange", [&] {
        if (dimsRange == nullptr) return fail(ACL_ERROR_INVALID_PARAM, "dimsRange is NULL");
        const ModelDescRef desc = find_desc(modelDesc);
        if (!desc) return refuse_desc();
        const TensorInfo *tensor = tensor_of(desc, true, index);
        if (tensor == nullptr) return refuse_index(desc, true, index);
        dimsRange->rangeCount = std::min<size_t>(tensor->dims.size(), ACL_MAX_DIM_CNT);
        for (size_t i = 0; i < dimsRange->rangeCount; ++i) {
            const int64_t dim = tensor->dims[i];
            const bool ranged = dim < 0 && i < tensor->range.size();
            dimsRange->range[i][0] = ranged ? tensor->range[i][0] : std::max<int64_t>(dim, 0);
            dimsRange->range[i][1] = ranged ? tensor->range[i][1] : dim;
        }
        return 0;
    });
}

// The shapes of the gear chosen last, of the largest one before any was chosen.
aclError aclmdlGetCurOutputDims(const aclmdlDesc *modelDesc, size_t index, aclmdlIODims *dims) {
    return guarded("aclmdlGetCurOutputDims", [&] {
        if (dims == nullptr) return fail(ACL_ERROR_INVALID_PARAM, "dims is NULL");
        const ModelDescRef desc = find_desc(modelDesc);
        if (!desc) return refuse_desc();
        const TensorInfo *tensor = tensor_of(desc, false, index);
        if (tensor == nullptr) return refuse_index(desc, false, index);
        if (desc->description().is_dynamic)
            return fail(ACL_ERROR_API_NOT_SUPPORT,
                        "the shapes of this model come with each execution; read them with "
                        "aclmdlGetDatasetTensorDesc afterwards");
        if (tensor->gear_dims.empty()) {
            write_dims(desc->short_name(false, index), tensor->dims, *dims);
            return 0;
        }
        const auto model = peek_model(desc->model());
        const int chosen = model != nullptr ? model->chosen_gear() : -1;
        const size_t gear =
            chosen >= 0 ? static_cast<size_t>(chosen) : desc->description().largest_gear();
        write_dims(desc->short_name(false, index), tensor->gear_dims[gear], *dims);
        return 0;
    });
}

const char *aclmdlGetInputNameByIndex(const aclmdlDesc *modelDesc, size_t index) {
    return guarded_value("aclmdlGetInputNameByIndex", "",
                         [&] { return get_name(modelDesc, true, index); });
}

const char *aclmdlGetOutputNameByIndex(const aclmdlDesc *modelDesc, size_t index) {
    return guarded_value("aclmdlGetOutputNameByIndex", "",
                         [&] { return get_name(modelDesc, false, index); });
}

aclError aclmdlGetInputIndexByName(const aclmdlDesc *modelDesc, const char *name, size_t *index) {
    return guarded("aclmdlGetInputIndexByName",
                   [&] { return get_index(modelDesc, true, name, index); });
}

aclError aclmdlGetOutputIndexByName(const aclmdlDesc *modelDesc, const char *name, size_t *index) {
    return guarded("aclmdlGetOutputIndexByName",
                   [&] { return get_index(modelDesc, false, name, index); });
}

const char *aclmdlGetTensorRealName(const aclmdlDesc *modelDesc, const char *name) {
    return guarded_value("aclmdlGetTensorRealName", static_cast<const char *>(nullptr), [&] {
        const ModelDescRef desc = find_desc(modelDesc);
        return desc && name != nullptr ? desc->real_name(name) : nullptr;
    });
}

aclFormat aclmdlGetInputFormat(const aclmdlDesc *modelDesc, size_t index) {
    return guarded_value("aclmdlGetInputFormat", ACL_FORMAT_UNDEFINED, [&] {
        const ModelDescRef desc = find_desc(modelDesc);
        const TensorInfo *tensor = tensor_of(desc, true, index);
        return tensor != nullptr ? tensor->format : ACL_FORMAT_UNDEFINED;
    });
}

aclFormat aclmdlGetOutputFormat(const aclmdlDesc *modelDesc, size_t index) {
    return guarded_value("aclmdlGetOutputFormat", ACL_FORMAT_UNDEFINED, [&] {
        const ModelDescRef desc = find_desc(modelDesc);
        const TensorInfo *tensor = tensor_of(desc, false, index);
        return tensor != nullptr ? tensor->format : ACL_FORMAT_UNDEFINED;
    });
}

aclDataType aclmdlGetInputDataType(const aclmdlDesc *modelDesc, size_t index) {
    return guarded_value("aclmdlGetInputDataType", ACL_DT_UNDEFINED, [&] {
        const ModelDescRef desc = find_desc(modelDesc);
        const TensorInfo *tensor = tensor_of(desc, true, index);
        return tensor != nullptr ? tensor->type : ACL_DT_UNDEFINED;
    });
}

aclDataType aclmdlGetOutputDataType(const aclmdlDesc *modelDesc, size_t index) {
    return guarded_value("aclmdlGetOutputDataType", ACL_DT_UNDEFINED, [&] {
        const ModelDescRef desc = find_desc(modelDesc);
        const TensorInfo *tensor = tensor_of(desc, false, index);
        return tensor != nullptr ? tensor->type : ACL_DT_UNDEFINED;
    });
}

}  // extern "C"
