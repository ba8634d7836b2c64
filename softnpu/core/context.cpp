#include "softnpu/core/context.hpp"

#include "acl/acl_base.h"
#include "softnpu/core/device.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {

ContextTable &context_table() noexcept {
    static auto *table = new ContextTable;  // outlives static destruction
    return *table;
}

const void *current_context_handle() noexcept {
    const ThreadState &state = thread_state();
    if (state.explicit_context != nullptr) {
        // A destroyed explicit context does not give way to the primary one: the program has to
        // choose again.
        return context_table().contains(state.explicit_context) ? state.explicit_context : nullptr;
    }
    return context_table().contains(state.primary_context) ? state.primary_context : nullptr;
}

int require_context() noexcept {
    if (current_context_handle() != nullptr) return 0;
    const ThreadState &state = thread_state();
    if (state.explicit_context != nullptr || state.primary_context != nullptr) {
        return fail(
            ACL_ERROR_RT_CONTEXT_NULL,
            "the context this thread had current has been destroyed; call aclrtSetDevice or "
            "aclrtSetCurrentContext");
    }
    return fail(ACL_ERROR_RT_CONTEXT_NULL,
                "this thread has no current context; every thread calls aclrtSetDevice or "
                "aclrtSetCurrentContext before it uses the device");
}

int current_context(ContextRef &context) noexcept {
    context = context_table().find(current_context_handle());
    if (context) return 0;
    require_context();
    return ACL_ERROR_RT_CONTEXT_NULL;
}

int current_device() noexcept {
    const ContextRef context = context_table().find(current_context_handle());
    return context ? context->device().id() : -1;
}

int create_context(Device &device, bool primary, ContextRef &context) {
    context = context_table().create(device, primary);
    StreamOptions options;
    options.is_default = true;
    StreamRef stream;
    int code = 0;
    try {
        code = create_stream(device, context.handle(), options, stream);
    } catch (...) {
        code = fail_exception();
    }
    if (code != 0) {
        context_table().remove(context.handle());
        context.reset();
        return code;
    }
    context->default_stream_ = stream.handle();
    return 0;
}

void destroy_context(ContextRef context, bool force) {
    // The work in flight still finds its context; new streams are refused, and new work stream by
    // stream, so that a thread which goes on submitting does not make this last for ever.
    context->start_closing();
    const void *handle = context.handle();
    destroy_streams(context->device(), handle, force);
    context_table().remove(handle);
}

ContextScope::ContextScope(const void *context) noexcept
    : explicit_(thread_state().explicit_context), primary_(thread_state().primary_context) {
    thread_state().explicit_context = context;
}

ContextScope::~ContextScope() {
    thread_state().explicit_context = explicit_;
    thread_state().primary_context = primary_;
}

}  // namespace softnpu
