// Single operators: execution, handles, Cast, shapes of results.
#include "acl/acl_op.h"
#include "softnpu/api/op_access.hpp"

using namespace softnpu;
using op::handles;
using op::Prepared;

extern "C" {

aclError aclopExecute(const char *opType, int numInputs, const aclTensorDesc *const inputDesc[],
                      const aclDataBuffer *const inputs[], int numOutputs,
                      const aclTensorDesc *const outputDesc[], aclDataBuffer *const outputs[],
                      const aclopAttr *attr, aclrtStream stream) {
    return guarded("aclopExecute", [&] {
        Prepared prepared;
        return op::execute("aclopExecute", opType, handles(numInputs, inputDesc),
                           handles(numInputs, inputs), handles(numOutputs, outputDesc),
                           handles(numOutputs, outputs), attr, stream, prepared);
    });
}

aclError aclopExecuteV2(const char *opType, int numInputs, aclTensorDesc *inputDesc[],
                        aclDataBuffer *inputs[], int numOutputs, aclTensorDesc *outputDesc[],
                        aclDataBuffer *outputs[], aclopAttr *attr, aclrtStream stream) {
    return guarded("aclopExecuteV2", [&] {
        Prepared prepared;
        SOFTNPU_CHECK(op::execute("aclopExecuteV2", opType, handles(numInputs, inputDesc),
                                  handles(numInputs, inputs), handles(numOutputs, outputDesc),
                                  handles(numOutputs, outputs), attr, stream, prepared));
        op::describe_outputs(prepared, handles(numOutputs, outputDesc), false);
        return 0;
    });
}

aclError aclopCast(const aclTensorDesc *srcDesc, const aclDataBuffer *srcBuffer,
                   const aclTensorDesc *dstDesc, aclDataBuffer *dstBuffer, uint8_t truncate,
                   aclrtStream stream) {
    (void)truncate;  // the engine cuts towards zero, which is what both values ask for
    return guarded("aclopCast", [&] {
        const void *in[] = {srcDesc}, *from[] = {srcBuffer}, *out[] = {dstDesc},
                   *to[] = {dstBuffer};
        Prepared prepared;
        return op::execute("aclopCast", "Cast", {1, in}, {1, from}, {1, out}, {1, to}, nullptr,
                           stream, prepared);
    });
}

aclError aclopCreateHandle(const char *opType, int numInputs,
                           const aclTensorDesc *const inputDesc[], int numOutputs,
                           const aclTensorDesc *const outputDesc[], const aclopAttr *opAttr,
                           aclopHandle **handle) {
    return guarded("aclopCreateHandle", [&] {
        SOFTNPU_CHECK(require_pointer(handle, "handle"));
        return op::make_handle(opType, handles(numInputs, inputDesc),
                               handles(numOutputs, outputDesc), opAttr, handle);
    });
}

aclError aclopCreateHandleForCast(aclTensorDesc *srcDesc, aclTensorDesc *dstDesc, uint8_t truncate,
                                  aclopHandle **handle) {
    (void)truncate;
    return guarded("aclopCreateHandleForCast", [&] {
        SOFTNPU_CHECK(require_pointer(handle, "handle"));
        const void *in[] = {srcDesc}, *out[] = {dstDesc};
        return op::make_handle("Cast", {1, in}, {1, out}, nullptr, handle);
    });
}

void aclopDestroyHandle(aclopHandle *handle) {
    if (handle == nullptr) return;
    guarded("aclopDestroyHandle", [&] {
        if (op::destroy_op_handle(handle)) return 0;
        return fail(ACL_ERROR_INVALID_PARAM, "%p is not a live aclopHandle",
                    static_cast<void *>(handle));
    });
}

aclError aclopExecWithHandle(aclopHandle *handle, int numInputs,
                             const aclDataBuffer *const inputs[], int numOutputs,
                             aclDataBuffer *const outputs[], aclrtStream stream) {
    return guarded("aclopExecWithHandle", [&] {
        SOFTNPU_CHECK(require_pointer(handle, "handle"));
        SOFTNPU_CHECK(require_context());
        const auto found = op::op_handle_table().find(handle);
        if (!found)
            return fail(ACL_ERROR_INVALID_PARAM, "%p is not a live aclopHandle",
                        static_cast<void *>(handle));
        return op::submit("aclopExecWithHandle", found->prepared, handles(numInputs, inputs),
                          handles(numOutputs, outputs), stream);
    });
}

aclError aclopInferShape(const char *opType, int numInputs, aclTensorDesc *inputDesc[],
                         aclDataBuffer *inputs[], int numOutputs, aclTensorDesc *outputDesc[],
                         aclopAttr *attr) {
    return guarded("aclopInferShape", [&] {
        Prepared prepared;
        SOFTNPU_CHECK(op::prepare(opType, handles(numInputs, inputDesc), handles(numInputs, inputs),
                                  handles(numOutputs, outputDesc), attr, prepared));
        SOFTNPU_CHECK(op::read_late_values(prepared, handles(numInputs, inputs)));
        op::describe_outputs(prepared, handles(numOutputs, outputDesc), true);
        return 0;
    });
}

// Kernels are made for the shapes of a call, so all there is to do is to make the one now.
aclError aclopUpdateParams(const char *opType, int numInputs,
                           const aclTensorDesc *const inputDesc[], int numOutputs,
                           const aclTensorDesc *const outputDesc[], const aclopAttr *attr) {
    return guarded("aclopUpdateParams", [&] {
        Prepared prepared;
        return op::prepare(opType, handles(numInputs, inputDesc), {},
                           handles(numOutputs, outputDesc), attr, prepared);
    });
}

}  // extern "C"
