// Compilation of operators: the same engine as aclopExecute, which compiles at first use.
#include "acl/acl_op_compiler.h"

#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>

#include "softnpu/api/op_access.hpp"

using namespace softnpu;
using op::handles;
using op::Prepared;

namespace {

constexpr size_t kOptions = ACL_OP_DEBUG_OPTION + 1;

struct Options {
    std::mutex mutex;  // a leaf lock
    std::array<std::optional<std::string>, kOptions> values;
};

// Never destroyed: programs may ask while static objects die.
Options &options() {
    static auto *const instance = new Options;
    return *instance;
}

int check_option(aclCompileOpt option) {
    if (static_cast<size_t>(option) < kOptions) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "option %d is not one of 0 to %zu",
                static_cast<int>(option), kOptions - 1);
}

int check_how(aclopEngineType engine, aclopCompileType flag) {
    if (engine != ACL_ENGINE_SYS && engine != ACL_ENGINE_AICORE && engine != ACL_ENGINE_VECTOR)
        return fail(ACL_ERROR_INVALID_PARAM, "engineType is %d, want 0 to 2",
                    static_cast<int>(engine));
    if (flag == ACL_COMPILE_UNREGISTERED)
        return fail(ACL_ERROR_FEATURE_UNSUPPORTED,
                    "operators of the program's own need the chip's compiler; ACL_COMPILE_SYS is "
                    "here");
    if (flag == ACL_COMPILE_SYS) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "compileFlag is %d, want ACL_COMPILE_SYS",
                static_cast<int>(flag));
}

}  // namespace

extern "C" {

aclError aclopCompile(const char *opType, int numInputs, const aclTensorDesc *const inputDesc[],
                      int numOutputs, const aclTensorDesc *const outputDesc[],
                      const aclopAttr *attr, aclopEngineType engineType,
                      aclopCompileType compileFlag, const char *opPath) {
    (void)opPath;
    return guarded("aclopCompile", [&] {
        SOFTNPU_CHECK(check_how(engineType, compileFlag));
        Prepared prepared;
        return op::prepare(opType, handles(numInputs, inputDesc), {},
                           handles(numOutputs, outputDesc), attr, prepared);
    });
}

aclError aclopCompileAndExecute(const char *opType, int numInputs,
                                const aclTensorDesc *const inputDesc[],
                                const aclDataBuffer *const inputs[], int numOutputs,
                                const aclTensorDesc *const outputDesc[],
                                aclDataBuffer *const outputs[], const aclopAttr *attr,
                                aclopEngineType engineType, aclopCompileType compileFlag,
                                const char *opPath, aclrtStream stream) {
    (void)opPath;
    return guarded("aclopCompileAndExecute", [&] {
        SOFTNPU_CHECK(check_how(engineType, compileFlag));
        Prepared prepared;
        return op::execute("aclopCompileAndExecute", opType, handles(numInputs, inputDesc),
                           handles(numInputs, inputs), handles(numOutputs, outputDesc),
                           handles(numOutputs, outputs), attr, stream, prepared);
    });
}

aclError aclopCompileAndExecuteV2(const char *opType, int numInputs, aclTensorDesc *inputDesc[],
                                  aclDataBuffer *inputs[], int numOutputs,
                                  aclTensorDesc *outputDesc[], aclDataBuffer *outputs[],
                                  aclopAttr *attr, aclopEngineType engineType,
                                  aclopCompileType compileFlag, const char *opPath,
                                  aclrtStream stream) {
    (void)opPath;
    return guarded("aclopCompileAndExecuteV2", [&] {
        SOFTNPU_CHECK(check_how(engineType, compileFlag));
        Prepared prepared;
        SOFTNPU_CHECK(op::execute("aclopCompileAndExecuteV2", opType, handles(numInputs, inputDesc),
                                  handles(numInputs, inputs), handles(numOutputs, outputDesc),
                                  handles(numOutputs, outputs), attr, stream, prepared));
        op::describe_outputs(prepared, handles(numOutputs, outputDesc), false);
        return 0;
    });
}

aclError aclopSetCompileFlag(aclOpCompileFlag flag) {
    return guarded("aclopSetCompileFlag", [&] {
        if (flag == ACL_OP_COMPILE_DEFAULT || flag == ACL_OP_COMPILE_FUZZ) return 0;
        return fail(ACL_ERROR_INVALID_PARAM, "flag is %d, want 0 or 1", static_cast<int>(flag));
    });
}

aclError aclSetCompileopt(aclCompileOpt opt, const char *value) {
    return guarded("aclSetCompileopt", [&] {
        SOFTNPU_CHECK(require_pointer(value, "value"));
        SOFTNPU_CHECK(check_option(opt));
        const std::lock_guard lock(options().mutex);
        options().values[opt] = value;
        return 0;
    });
}

size_t aclGetCompileoptSize(aclCompileOpt opt) {
    return guarded_value<size_t>("aclGetCompileoptSize", 0, [&]() -> size_t {
        if (check_option(opt) != 0) return 0;
        const std::lock_guard lock(options().mutex);
        const auto &value = options().values[opt];
        return value ? value->size() + 1 : 0;
    });
}

aclError aclGetCompileopt(aclCompileOpt opt, char *value, size_t length) {
    return guarded("aclGetCompileopt", [&] {
        SOFTNPU_CHECK(require_pointer(value, "value"));
        SOFTNPU_CHECK(check_option(opt));
        const std::lock_guard lock(options().mutex);
        const auto &found = options().values[opt];
        if (!found)
            return fail(ACL_ERROR_INVALID_PARAM, "option %d was not set", static_cast<int>(opt));
        if (length < found->size() + 1)
            return fail(ACL_ERROR_INVALID_PARAM, "length is %zu, the value needs %zu", length,
                        found->size() + 1);
        std::memcpy(value, found->c_str(), found->size() + 1);
        return 0;
    });
}

}  // extern "C"
