// Contexts and the system parameters kept per context and per process.
#include "softnpu/core/context.hpp"

#include <atomic>

#include "softnpu/api/entry.hpp"
#include "softnpu/core/device.hpp"

using namespace softnpu;

namespace {

std::atomic<int64_t> g_parameter[Context::kSystemParameters];

int check_option(aclSysParamOpt option) {
    if (option >= ACL_OPT_DETERMINISTIC && option < Context::kSystemParameters) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "%d names no system parameter", static_cast<int>(option));
}

}  // namespace

extern "C" {

aclError aclrtCreateContext(aclrtContext *context, int32_t deviceId) {
    return guarded("aclrtCreateContext", [&] {
        SOFTNPU_CHECK(require_pointer(context, "context"));
        ContextRef created;
        SOFTNPU_CHECK(runtime().open_context(deviceId, created));
        *context = created.handle();
        return 0;
    });
}

aclError aclrtDestroyContext(aclrtContext context) {
    return guarded("aclrtDestroyContext", [&] {
        SOFTNPU_CHECK(require_pointer(context, "context"));
        return runtime().close_context(context);
    });
}

aclError aclrtSetCurrentContext(aclrtContext context) {
    return guarded("aclrtSetCurrentContext", [&] {
        SOFTNPU_CHECK(require_pointer(context, "context"));
        if (!context_table().contains(context)) {
            return fail(ACL_ERROR_RT_PARAM_INVALID,
                        "%p is not a live context: never created, or destroyed already", context);
        }
        thread_state().explicit_context = context;
        return 0;
    });
}

aclError aclrtGetCurrentContext(aclrtContext *context) {
    return guarded("aclrtGetCurrentContext", [&] {
        SOFTNPU_CHECK(require_pointer(context, "context"));
        const void *current = current_context_handle();
        if (current == nullptr) return require_context();
        *context = const_cast<void *>(current);
        return 0;
    });
}

aclError aclrtCtxSetSysParamOpt(aclSysParamOpt opt, int64_t value) {
    return guarded("aclrtCtxSetSysParamOpt", [&] {
        SOFTNPU_CHECK(check_option(opt));
        ContextRef context;
        SOFTNPU_CHECK(current_context(context));
        context->system_parameter[opt] = value;
        context->system_parameter_set[opt] = true;
        return 0;
    });
}

aclError aclrtCtxGetSysParamOpt(aclSysParamOpt opt, int64_t *value) {
    return guarded("aclrtCtxGetSysParamOpt", [&] {
        SOFTNPU_CHECK(require_pointer(value, "value"));
        SOFTNPU_CHECK(check_option(opt));
        ContextRef context;
        SOFTNPU_CHECK(current_context(context));
        if (!context->system_parameter_set[opt])
            return fail(ACL_ERROR_RT_SYSPARAMOPT_NOT_SET,
                        "system parameter %d has not been set in this context",
                        static_cast<int>(opt));
        *value = context->system_parameter[opt];
        return 0;
    });
}

aclError aclrtSetSysParamOpt(aclSysParamOpt opt, int64_t value) {
    return guarded("aclrtSetSysParamOpt", [&] {
        SOFTNPU_CHECK(check_option(opt));
        g_parameter[opt] = value;
        return 0;
    });
}

aclError aclrtGetSysParamOpt(aclSysParamOpt opt, int64_t *value) {
    return guarded("aclrtGetSysParamOpt", [&] {
        SOFTNPU_CHECK(require_pointer(value, "value"));
        SOFTNPU_CHECK(check_option(opt));
        // Those of the process are 0 until set; those of a context have no default.
        *value = g_parameter[opt];
        return 0;
    });
}

}  // extern "C"
