// Contexts and which of them is current on a thread.
//
// Two thread-local slots hold handles, never pointers: the explicit context and the primary context
// of the device chosen by aclrtSetDevice. The explicit one is looked at first. A handle that went
// stale, on this thread or another, is noticed at the next lookup.
#pragma once

#include <cstdint>
#include <mutex>
#include <utility>

#include "softnpu/core/export.hpp"
#include "softnpu/core/handle.hpp"

namespace softnpu {

class Context;
class Device;
class Stream;

using ContextTable = HandleTable<Context, HandleType::context>;
using ContextRef = ContextTable::Ref;
SOFTNPU_API ContextTable &context_table() noexcept;

class Context {
  public:
    Context(Device &device, bool primary) : device_(device), primary_(primary) {}

    Device &device() const noexcept { return device_; }
    bool is_primary() const noexcept { return primary_; }
    /// Handle of the default stream, which the NULL stream stands for.
    const void *default_stream() const noexcept { return default_stream_; }

    /// True for the one caller that gets to destroy the context.
    bool start_closing() {
        std::lock_guard<std::mutex> lock(closing_mutex_);
        return !std::exchange(closing_, true);
    }
    /// It takes no further streams.
    bool is_closing() const {
        std::lock_guard<std::mutex> lock(closing_mutex_);
        return closing_;
    }

    /// System parameters kept per context (aclrtCtxSetSysParamOpt).
    static constexpr int kSystemParameters = 2;
    std::atomic<int64_t> system_parameter[kSystemParameters] = {{0}, {0}};
    std::atomic<bool> system_parameter_set[kSystemParameters] = {{false}, {false}};

  private:
    friend SOFTNPU_API int create_context(Device &, bool, ContextRef &);
    Device &device_;
    const bool primary_;
    const void *default_stream_ = nullptr;
    mutable std::mutex closing_mutex_;  // leaf lock
    bool closing_ = false;
};

/// Handle of the context current on this thread if it is live, else nullptr. A few nanoseconds.
SOFTNPU_API const void *current_context_handle() noexcept;

/// Device id (as the program counts) of the current context, -1 without one.
SOFTNPU_API int current_device() noexcept;

/// The current context; without one fails with ACL_ERROR_RT_CONTEXT_NULL (107002).
SOFTNPU_API int current_context(ContextRef &context) noexcept;

/// Just the check: 0, or 107002 with a message.
SOFTNPU_API int require_context() noexcept;

SOFTNPU_API int create_context(Device &device, bool primary, ContextRef &context);
/// Wait for the context's streams (or drop their queues when `force`), destroy them, then it.
SOFTNPU_API void destroy_context(ContextRef context, bool force);

/// Makes `context` current for a scope; the model engine's and callbacks' worker side use it.
class SOFTNPU_API ContextScope {
  public:
    explicit ContextScope(const void *context) noexcept;
    ~ContextScope();
    ContextScope(const ContextScope &) = delete;
    ContextScope &operator=(const ContextScope &) = delete;

  private:
    const void *explicit_;
    const void *primary_;
};

}  // namespace softnpu
