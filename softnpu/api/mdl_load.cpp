// Loading and unloading of models.
#include "acl/acl_mdl.h"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/model/config_handle.hpp"
#include "softnpu/model/model.hpp"
#include "softnpu/model/network.hpp"

using namespace softnpu;

namespace {

// Runs `body`, turning the reason why a model was refused into a status.
template <class Body>
aclError loading(const char *function, Body &&body) {
    return guarded(function, [&]() -> int {
        try {
            return body();
        } catch (const ModelError &error) {
            return fail(error.code, "%s", error.what());
        }
    });
}

int check_path(const char *path) {
    return path != nullptr ? 0 : fail(ACL_ERROR_INVALID_PARAM, "modelPath is NULL");
}

int check_memory_model(const void *model, size_t size) {
    if (model == nullptr || size == 0)
        return fail(ACL_ERROR_INVALID_PARAM, "the model is NULL or of size 0");
    return check_memory("the model", model, size, ACL_ERROR_INVALID_PARAM);
}

int check_id(const uint32_t *id) {
    return id != nullptr ? 0 : fail(ACL_ERROR_INVALID_PARAM, "the pointer to the id is NULL");
}

int query(const ModelSource &source, size_t *work, size_t *weight) {
    const MemoryNeeds needs = memory_needs(*describe_source(source));
    *work = needs.work;
    *weight = needs.weight;
    return 0;
}

int check_sizes(const size_t *work, const size_t *weight) {
    if (work != nullptr && weight != nullptr) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "%s is NULL", work == nullptr ? "workSize" : "weightSize");
}

}  // namespace

extern "C" {

aclError aclmdlLoadFromFile(const char *modelPath, uint32_t *modelId) {
    return loading("aclmdlLoadFromFile", [&]() -> int {
        if (const int code = check_path(modelPath)) return code;
        if (const int code = check_id(modelId)) return code;
        return load_model(ModelSource::from_file(modelPath), {}, modelId);
    });
}

aclError aclmdlLoadFromMem(const void *model, size_t modelSize, uint32_t *modelId) {
    return loading("aclmdlLoadFromMem", [&]() -> int {
        if (const int code = check_memory_model(model, modelSize)) return code;
        if (const int code = check_id(modelId)) return code;
        return load_model(ModelSource::from_memory(model, modelSize), {}, modelId);
    });
}

aclError aclmdlLoadFromFileWithMem(const char *modelPath, uint32_t *modelId, void *workPtr,
                                   size_t workSize, void *weightPtr, size_t weightSize) {
    return loading("aclmdlLoadFromFileWithMem", [&]() -> int {
        if (const int code = check_path(modelPath)) return code;
        if (const int code = check_id(modelId)) return code;
        return load_model(ModelSource::from_file(modelPath),
                          {workPtr, workSize, weightPtr, weightSize}, modelId);
    });
}

aclError aclmdlLoadFromMemWithMem(const void *model, size_t modelSize, uint32_t *modelId,
                                  void *workPtr, size_t workSize, void *weightPtr,
                                  size_t weightSize) {
    return loading("aclmdlLoadFromMemWithMem", [&]() -> int {
        if (const int code = check_memory_model(model, modelSize)) return code;
        if (const int code = check_id(modelId)) return code;
        return load_model(ModelSource::from_memory(model, modelSize),
                          {workPtr, workSize, weightPtr, weightSize}, modelId);
    });
}

aclError aclmdlUnload(uint32_t modelId) {
    return guarded("aclmdlUnload", [&] { return unload_model(modelId); });
}

aclError aclmdlQuerySize(const char *fileName, size_t *workSize, size_t *weightSize) {
    return loading("aclmdlQuerySize", [&]() -> int {
        if (const int code = check_path(fileName)) return code;
        if (const int code = check_sizes(workSize, weightSize)) return code;
        return query(ModelSource::from_file(fileName), workSize, weightSize);
    });
}

aclError aclmdlQuerySizeFromMem(const void *model, size_t modelSize, size_t *workSize,
                                size_t *weightSize) {
    return loading("aclmdlQuerySizeFromMem", [&]() -> int {
        if (const int code = check_memory_model(model, modelSize)) return code;
        if (const int code = check_sizes(workSize, weightSize)) return code;
        return query(ModelSource::from_memory(model, modelSize), workSize, weightSize);
    });
}

// The parts that a chip keeps apart do not exist here and have size 0.
aclError aclmdlQueryExeOMDesc(const char *fileName, aclmdlExeOMDesc *mdlPartitionSize) {
    return loading("aclmdlQueryExeOMDesc", [&]() -> int {
        if (const int code = check_path(fileName)) return code;
        if (mdlPartitionSize == nullptr)
            return fail(ACL_ERROR_INVALID_PARAM, "mdlPartitionSize is NULL");
        aclmdlExeOMDesc parts{};
        const ModelSource source = ModelSource::from_file(fileName);
        if (const int code = query(source, &parts.workSize, &parts.weightSize)) return code;
        *mdlPartitionSize = parts;
        return 0;
    });
}

// ---- with options ----

aclmdlConfigHandle *aclmdlCreateConfigHandle(void) {
    return guarded_value(
        "aclmdlCreateConfigHandle", static_cast<aclmdlConfigHandle *>(nullptr),
        [] { return static_cast<aclmdlConfigHandle *>(load_config_table().create().handle()); });
}

aclError aclmdlDestroyConfigHandle(aclmdlConfigHandle *handle) {
    return guarded("aclmdlDestroyConfigHandle", [&] {
        if (!load_config_table().remove(handle))
            return fail(ACL_ERROR_INVALID_PARAM, "the config handle is NULL or destroyed already");
        return 0;
    });
}

aclError aclmdlSetConfigOpt(aclmdlConfigHandle *handle, aclmdlConfigAttr attr,
                            const void *attrValue, size_t valueSize) {
    return guarded("aclmdlSetConfigOpt", [&] {
        const auto options = load_config_table().find(handle);
        if (!options)
            return fail(ACL_ERROR_INVALID_PARAM, "the config handle is NULL or destroyed");
        return options->set(attr, attrValue, valueSize);
    });
}

aclError aclmdlLoadWithConfig(const aclmdlConfigHandle *handle, uint32_t *modelId) {
    return guarded("aclmdlLoadWithConfig", [&]() -> int {
        const auto options = load_config_table().find(handle);
        if (!options)
            return fail(ACL_ERROR_INVALID_PARAM, "the config handle is NULL or destroyed");
        if (const int code = check_id(modelId)) return code;
        return options->load(modelId);
    });
}

// ---- bundles: here every model file is a bundle of one model ----

aclError aclmdlBundleLoadFromFile(const char *modelPath, uint32_t *bundleId) {
    return loading("aclmdlBundleLoadFromFile", [&]() -> int {
        if (const int code = check_path(modelPath)) return code;
        if (const int code = check_id(bundleId)) return code;
        return load_bundle(ModelSource::from_file(modelPath), bundleId);
    });
}

aclError aclmdlBundleLoadFromMem(const void *model, size_t modelSize, uint32_t *bundleId) {
    return loading("aclmdlBundleLoadFromMem", [&]() -> int {
        if (const int code = check_memory_model(model, modelSize)) return code;
        if (const int code = check_id(bundleId)) return code;
        return load_bundle(ModelSource::from_memory(model, modelSize), bundleId);
    });
}

aclError aclmdlBundleGetModelNum(uint32_t bundleId, size_t *modelNum) {
    return guarded("aclmdlBundleGetModelNum", [&]() -> int {
        if (modelNum == nullptr) return fail(ACL_ERROR_INVALID_PARAM, "modelNum is NULL");
        std::vector<uint32_t> models;
        if (const int code = bundle_models(bundleId, models)) return code;
        *modelNum = models.size();
        return 0;
    });
}

aclError aclmdlBundleGetModelId(uint32_t bundleId, size_t index, uint32_t *modelId) {
    return guarded("aclmdlBundleGetModelId", [&]() -> int {
        if (const int code = check_id(modelId)) return code;
        std::vector<uint32_t> models;
        if (const int code = bundle_models(bundleId, models)) return code;
        if (index >= models.size())
            return fail(ACL_ERROR_INVALID_PARAM, "index %zu, the bundle has %zu models", index,
                        models.size());
        *modelId = models[index];
        return 0;
    });
}

aclError aclmdlBundleUnload(uint32_t bundleId) {
    return guarded("aclmdlBundleUnload", [&] { return unload_bundle(bundleId); });
}

}  // extern "C"
