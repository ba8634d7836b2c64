// Execution of models.
#include "acl/acl_mdl.h"
#include "softnpu/core/status.hpp"
#include "softnpu/model/config_handle.hpp"
#include "softnpu/model/execute.hpp"

using namespace softnpu;

namespace {

int read_options(const aclmdlExecConfigHandle *handle, ExecuteOptions &options) {
    const auto config = execute_config_table().find(handle);
    if (!config)
        return fail(ACL_ERROR_INVALID_PARAM, "the execution config handle is NULL or destroyed");
    options = config->options();
    return 0;
}

}  // namespace

extern "C" {

aclError aclmdlExecute(uint32_t modelId, const aclmdlDataset *input, aclmdlDataset *output) {
    return guarded("aclmdlExecute", [&] { return execute(modelId, input, output); });
}

aclError aclmdlExecuteAsync(uint32_t modelId, const aclmdlDataset *input, aclmdlDataset *output,
                            aclrtStream stream) {
    return guarded("aclmdlExecuteAsync",
                   [&] { return execute_async(modelId, input, output, stream); });
}

aclError aclmdlExecuteV2(uint32_t modelId, const aclmdlDataset *input, aclmdlDataset *output,
                         aclrtStream stream, const aclmdlExecConfigHandle *handle) {
    return guarded("aclmdlExecuteV2", [&] {
        ExecuteOptions options;
        if (const int code = read_options(handle, options)) return code;
        return execute_v2(modelId, input, output, stream, options);
    });
}

aclError aclmdlExecuteAsyncV2(uint32_t modelId, const aclmdlDataset *input, aclmdlDataset *output,
                              aclrtStream stream, const aclmdlExecConfigHandle *handle) {
    return guarded("aclmdlExecuteAsyncV2", [&] {
        ExecuteOptions options;
        if (const int code = read_options(handle, options)) return code;
        return execute_async(modelId, input, output, stream);
    });
}

aclmdlExecConfigHandle *aclmdlCreateExecConfigHandle(void) {
    return guarded_value(
        "aclmdlCreateExecConfigHandle", static_cast<aclmdlExecConfigHandle *>(nullptr), [] {
            return static_cast<aclmdlExecConfigHandle *>(execute_config_table().create().handle());
        });
}

aclError aclmdlDestroyExecConfigHandle(const aclmdlExecConfigHandle *handle) {
    return guarded("aclmdlDestroyExecConfigHandle", [&] {
        if (!execute_config_table().remove(handle))
            return fail(ACL_ERROR_INVALID_PARAM,
                        "the execution config handle is NULL or destroyed already");
        return 0;
    });
}

aclError aclmdlSetExecConfigOpt(aclmdlExecConfigHandle *handle, aclmdlExecConfigAttr attr,
                                const void *attrValue, size_t valueSize) {
    return guarded("aclmdlSetExecConfigOpt", [&] {
        const auto config = execute_config_table().find(handle);
        if (!config)
            return fail(ACL_ERROR_INVALID_PARAM,
                        "the execution config handle is NULL or destroyed");
        return config->set(attr, attrValue, valueSize);
    });
}

}  // extern "C"
