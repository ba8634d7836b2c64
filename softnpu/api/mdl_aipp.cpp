// What programs ask about AIPP in a model's inputs.
#include <algorithm>
#include <cstring>

#include "acl/acl_mdl.h"
#include "acl/error_codes/ge_error_codes.h"
#include "softnpu/aipp/dynamic.hpp"
#include "softnpu/api/entry.hpp"
#include "softnpu/core/data_buffer.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/model/dataset.hpp"
#include "softnpu/model/model.hpp"

using namespace softnpu;

namespace {

constexpr size_t kNoIndex = static_cast<size_t>(-1);

int find_input(uint32_t model_id, size_t index, std::shared_ptr<Model> &model) {
    model = find_model(model_id);
    if (model == nullptr) return static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ID_INVALID);
    const size_t inputs = model->description().visible_inputs();
    if (index < inputs) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "index %zu: model %u has %zu inputs", index, model_id,
                inputs);
}

/// The picture input at `index`, or nullptr.
const TensorInfo *picture_input(const Model &model, size_t index) {
    const auto &inputs = model.description().inputs;
    return index < inputs.size() && inputs[index].aipp != nullptr ? &inputs[index] : nullptr;
}

void copy_dims(const Dims &from, aclmdlIODims &to) {
    to = {};
    to.dimCount = from.size();
    std::copy(from.begin(), from.end(), to.dims);
}

void copy_geometry(const aipp::Settings &s, aclAippInfo &info) {
    info.inputFormat = static_cast<aclAippInputFormat>(s.format);
    info.srcImageSizeW = s.src_w;
    info.srcImageSizeH = s.src_h;
    info.cropSwitch = s.crop;
    info.loadStartPosW = s.crop ? s.crop_x : 0;
    info.loadStartPosH = s.crop ? s.crop_y : 0;
    info.cropSizeW = s.crop ? s.crop_w : 0;
    info.cropSizeH = s.crop ? s.crop_h : 0;
    info.resizeSwitch = s.resize;
    info.resizeOutputW = s.resize ? s.resize_w : 0;
    info.resizeOutputH = s.resize ? s.resize_h : 0;
    info.paddingSwitch = s.padding;
    info.leftPaddingSize = s.left;
    info.rightPaddingSize = s.right;
    info.topPaddingSize = s.top;
    info.bottomPaddingSize = s.bottom;
}

void copy_colours(const aipp::Settings &s, aclAippInfo &info) {
    info.cscSwitch = s.csc;
    info.rbuvSwapSwitch = s.rbuv_swap;
    info.axSwapSwitch = s.ax_swap;
    int32_t *const matrix[] = {&info.matrixR0C0, &info.matrixR0C1, &info.matrixR0C2,
                               &info.matrixR1C0, &info.matrixR1C1, &info.matrixR1C2,
                               &info.matrixR2C0, &info.matrixR2C1, &info.matrixR2C2};
    for (size_t i = 0; i < 9; ++i) *matrix[i] = s.matrix[i];
    int32_t *const outputs[] = {&info.outputBias0, &info.outputBias1, &info.outputBias2};
    int32_t *const inputs[] = {&info.inputBias0, &info.inputBias1, &info.inputBias2};
    for (size_t i = 0; i < 3; ++i) *outputs[i] = s.output_bias[i], *inputs[i] = s.input_bias[i];
    int32_t *const mean[] = {&info.meanChn0, &info.meanChn1, &info.meanChn2, &info.meanChn3};
    float *const min[] = {&info.minChn0, &info.minChn1, &info.minChn2, &info.minChn3};
    float *const reciprocal[] = {&info.varReciChn0, &info.varReciChn1, &info.varReciChn2,
                                 &info.varReciChn3};
    for (size_t i = 0; i < 4; ++i) {
        *mean[i] = s.mean[i];
        *min[i] = s.min[i];
        *reciprocal[i] = s.reciprocal[i];
    }
}

void copy_shapes(const TensorInfo &picture, aclAippInfo &info) {
    const TensorInfo &network = picture.behind_aipp();
    info.srcFormat = network.format;
    info.srcDatatype = network.type;
    info.srcDimNum = network.dims.size();
    const size_t shapes = picture.gear_dims.empty() ? 1 : picture.gear_dims.size();
    info.shapeCount = std::min<size_t>(shapes, 128);
    for (size_t i = 0; i < info.shapeCount; ++i) {
        const bool gears = !picture.gear_dims.empty();
        const Dims &source = gears ? picture.gear_dims[i] : picture.dims;
        const Dims &made = gears ? network.gear_dims[i] : network.dims;
        copy_dims(source, info.outDims[i].srcDims);
        copy_dims(made, info.outDims[i].aippOutdims);
        info.outDims[i].srcSize = tensor_bytes(picture.type, source);
        info.outDims[i].aippOutSize = tensor_bytes(network.type, made);
    }
}

/// Index of the hidden input that carries the parameters for input `index`.
size_t data_index(const Description &description, size_t index) {
    const auto &inputs = description.aipp_inputs;
    return description.inputs.size() +
           static_cast<size_t>(std::find(inputs.begin(), inputs.end(), index) - inputs.begin());
}

/// Memory of the program for the parameters.
int find_memory(const DatasetRef &dataset, size_t index, size_t bytes, void *&memory) {
    DataBuffer buffer;
    void *handle = dataset->buffer(index);
    if (handle == nullptr || !read_data_buffer(handle, buffer))
        return fail(ACL_ERROR_INVALID_PARAM, "the dataset has no live data buffer at index %zu",
                    index);
    if (buffer.data == nullptr)
        return fail(ACL_ERROR_GE_DYNAMIC_INPUT_ADDR_INVALID,
                    "the data buffer at index %zu holds a NULL address", index);
    if (buffer.size < bytes)
        return fail(ACL_ERROR_GE_DYNAMIC_INPUT_LENGTH_INVALID,
                    "the data buffer at index %zu has %zu bytes, the AIPP parameters need %zu",
                    index, buffer.size, bytes);
    SOFTNPU_CHECK(check_memory("the AIPP input", buffer.data, bytes,
                               static_cast<int>(ACL_ERROR_GE_DYNAMIC_INPUT_ADDR_INVALID)));
    memory = device_view(buffer.data);
    return 0;
}

/// The pictures must be what the model takes; with image size gears, of the gear chosen.
int check_parameters(const Model &model, size_t which, const aipp::Parameters &parameters) {
    const Description &description = model.description();
    const size_t input = description.aipp_inputs[which], most = description.most_images(input);
    const TensorInfo &picture = description.inputs[input];
    const TensorInfo &network = picture.behind_aipp();
    const size_t images = parameters.images.size();
    const bool ranged = !network.range.empty();  // then there are as many images as parameters
    if (ranged ? images > most : images != most)
        return fail(ACL_ERROR_INVALID_PARAM,
                    "the AIPP parameters were created for %zu images, model %u takes %s%zu", images,
                    model.id(), ranged ? "at most " : "", most);
    const int gear = model.chosen_gear();
    const bool sized = description.gears && description.gears->kind == GearKind::image && gear >= 0;
    aipp::Target target =
        aipp_target(network, sized ? network.gear_dims[static_cast<size_t>(gear)] : network.dims);
    if (!ranged) target.images = most;
    target.widest_padded = description.widest_padded();
    target.model = model.id();
    std::vector<aipp::Settings> settings;
    SOFTNPU_CHECK(
        aipp::read_parameters(parameters.head, parameters.images.data(), target, settings));
    const aipp::Settings &s = settings[0];
    const size_t bytes = images * aipp::picture_bytes(s.format, s.src_w, s.src_h);
    if (bytes <= picture.bytes) return 0;
    return fail(ACL_ERROR_INVALID_PARAM,
                "%zu pictures of %dx%d are %zu bytes, the model was converted for "
                "max_src_image_size %zu",
                images, s.src_w, s.src_h, bytes, picture.bytes);
}

/// Puts the parameters for the `which`-th picture input into its hidden input.
int write_parameters(const Model &model, const DatasetRef &dataset, size_t which,
                     const aipp::Parameters &parameters) {
    SOFTNPU_CHECK(check_parameters(model, which, parameters));
    const Description &description = model.description();
    void *memory = nullptr;
    SOFTNPU_CHECK(find_memory(dataset, description.inputs.size() + which,
                              description.aipp_data[which].bytes, memory));
    std::memcpy(memory, &parameters.head, sizeof parameters.head);
    std::memcpy(static_cast<unsigned char *>(memory) + sizeof parameters.head,
                parameters.images.data(), parameters.images.size() * sizeof(aipp::Image));
    return 0;
}

/// Finds what both entries that write parameters are given.
template <class Write>
aclError with_model(const char *entry, uint32_t id, const aclmdlDataset *handle,
                    const aclmdlAIPP *parameters, Write &&write) {
    return guarded(entry, [&] {
        const DatasetRef dataset = dataset_table().find(handle);
        if (!dataset) return fail(ACL_ERROR_INVALID_PARAM, "the dataset is NULL or destroyed");
        const auto gathered = aipp::parameters_table().find(parameters);
        if (!gathered)
            return fail(ACL_ERROR_INVALID_PARAM, "the AIPP parameters are NULL or destroyed");
        const auto model = find_model(id);
        if (model == nullptr) return static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ID_INVALID);
        return write(*model, dataset, *gathered);
    });
}

/// Why input `index` takes no parameters.
int refuse_input(const Model &model, size_t index) {
    const Description &description = model.description();
    const TensorInfo *picture = picture_input(model, index);
    if (picture != nullptr && !picture->aipp->is_dynamic)
        return fail(ACL_ERROR_GE_AIPP_MODE_INVALID,
                    "input %zu of model %u has static AIPP, whose parameters are in the model",
                    index, model.id());
    if (description.aipp_data.empty())
        return fail(ACL_ERROR_GE_AIPP_NOT_EXIST,
                    "model %u has no dynamic AIPP; convert it with --insert_op_conf", model.id());
    return fail(ACL_ERROR_INVALID_PARAM,
                "index %zu is not an input that carries AIPP parameters, the first is %zu: ask "
                "aclmdlGetInputIndexByName for \"" ACL_DYNAMIC_AIPP_NAME "\"",
                index, description.inputs.size());
}

}  // namespace

extern "C" {

aclError aclmdlSetInputAIPP(uint32_t modelId, aclmdlDataset *dataset, size_t index,
                            const aclmdlAIPP *aippParmsSet) {
    return with_model(
        __func__, modelId, dataset, aippParmsSet,
        [&](const Model &model, const DatasetRef &target, const aipp::Parameters &parameters) {
            const Description &description = model.description();
            const size_t first = description.inputs.size();
            if (index < first || index >= description.gear_index())
                return refuse_input(model, index);
            return write_parameters(model, target, index - first, parameters);
        });
}

aclError aclmdlSetAIPPByInputIndex(uint32_t modelId, aclmdlDataset *dataset, size_t index,
                                   const aclmdlAIPP *aippParmsSet) {
    return with_model(
        __func__, modelId, dataset, aippParmsSet,
        [&](const Model &model, const DatasetRef &target, const aipp::Parameters &parameters) {
            const Description &description = model.description();
            if (index >= description.visible_inputs())
                return fail(ACL_ERROR_INVALID_PARAM, "index %zu: model %u has %zu inputs", index,
                            modelId, description.visible_inputs());
            const TensorInfo *picture = picture_input(model, index);
            if (picture == nullptr || !picture->aipp->is_dynamic)
                return fail(ACL_ERROR_FAILURE, "input %zu of model %u has no dynamic AIPP", index,
                            modelId);
            const size_t which = data_index(description, index) - description.inputs.size();
            return write_parameters(model, target, which, parameters);
        });
}

aclError aclmdlGetAippType(uint32_t modelId, size_t index, aclmdlInputAippType *type,
                           size_t *dynamicAttachedDataIndex) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(require_pointer(type, "type"));
        SOFTNPU_CHECK(require_pointer(dynamicAttachedDataIndex, "dynamicAttachedDataIndex"));
        std::shared_ptr<Model> model;
        SOFTNPU_CHECK(find_input(modelId, index, model));
        const Description &description = model->description();
        const TensorInfo *picture = picture_input(*model, index);
        *dynamicAttachedDataIndex = kNoIndex;
        if (index >= description.inputs.size()) {
            *type =
                index < description.gear_index() ? ACL_DYNAMIC_AIPP_NODE : ACL_DATA_WITHOUT_AIPP;
        } else if (picture == nullptr) {
            *type = ACL_DATA_WITHOUT_AIPP;
        } else if (!picture->aipp->is_dynamic) {
            *type = ACL_DATA_WITH_STATIC_AIPP;
        } else {
            *type = ACL_DATA_WITH_DYNAMIC_AIPP;
            *dynamicAttachedDataIndex = data_index(description, index);
        }
        return 0;
    });
}

aclError aclmdlGetFirstAippInfo(uint32_t modelId, size_t index, aclAippInfo *aippInfo) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(require_pointer(aippInfo, "aippInfo"));
        std::shared_ptr<Model> model;
        SOFTNPU_CHECK(find_input(modelId, index, model));
        const TensorInfo *picture = picture_input(*model, index);
        if (picture == nullptr) {
            return fail(ACL_ERROR_GE_AIPP_NOT_EXIST,
                        "input %zu of model %u has no AIPP; convert it with --insert_op_conf",
                        index, modelId);
        }
        *aippInfo = {};
        if (!picture->aipp->is_dynamic) {
            copy_geometry(picture->aipp->settings, *aippInfo);
            copy_colours(picture->aipp->settings, *aippInfo);
        }
        copy_shapes(*picture, *aippInfo);
        return 0;
    });
}

}  // extern "C"
