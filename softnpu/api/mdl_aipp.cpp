// What programs ask about AIPP in a model's inputs.
#include "acl/acl_mdl.h"
#include "acl/error_codes/ge_error_codes.h"
#include "softnpu/api/entry.hpp"
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

}  // namespace

extern "C" {

aclError aclmdlGetAippType(uint32_t modelId, size_t index, aclmdlInputAippType *type,
                           size_t *dynamicAttachedDataIndex) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(require_pointer(type, "type"));
        SOFTNPU_CHECK(require_pointer(dynamicAttachedDataIndex, "dynamicAttachedDataIndex"));
        std::shared_ptr<Model> model;
        SOFTNPU_CHECK(find_input(modelId, index, model));
        const bool is_picture = picture_input(*model, index) != nullptr;
        *type = is_picture ? ACL_DATA_WITH_STATIC_AIPP : ACL_DATA_WITHOUT_AIPP;
        *dynamicAttachedDataIndex = kNoIndex;
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
        copy_geometry(picture->aipp->settings, *aippInfo);
        copy_colours(picture->aipp->settings, *aippInfo);
        copy_shapes(*picture, *aippInfo);
        return 0;
    });
}

}  // extern "C"
