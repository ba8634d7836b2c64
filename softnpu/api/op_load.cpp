// Files of single operators.
#include "acl/acl_op.h"
#include "softnpu/api/entry.hpp"
#include "softnpu/core/context.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/op/library.hpp"

using namespace softnpu;

extern "C" {

aclError aclopSetModelDir(const char *modelDir) {
    return guarded("aclopSetModelDir", [&] {
        SOFTNPU_CHECK(require_pointer(modelDir, "modelDir"));
        return op::load_folder(modelDir);
    });
}

aclError aclopLoad(const void *model, size_t modelSize) {
    return guarded("aclopLoad", [&] {
        SOFTNPU_CHECK(require_pointer(model, "model"));
        if (modelSize == 0) return fail(ACL_ERROR_INVALID_PARAM, "modelSize is 0");
        SOFTNPU_CHECK(check_memory("model", model, modelSize));
        return op::load_operator(model, modelSize, "the operator in memory");
    });
}

aclError aclopSetMaxOpQueueNum(uint64_t maxOpNum) {
    return guarded("aclopSetMaxOpQueueNum", [&] {
        if (maxOpNum == 0) return fail(ACL_ERROR_INVALID_PARAM, "maxOpNum is 0, want 1 or more");
        op::limit_operators(maxOpNum);
        return 0;
    });
}

}  // extern "C"
