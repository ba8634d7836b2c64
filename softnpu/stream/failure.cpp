#include "softnpu/stream/failure.hpp"

#include <atomic>

#include "softnpu/stream/pool.hpp"

namespace softnpu {
namespace {

std::atomic<FailureCallback> g_callback{nullptr};
thread_local const TaskFailure *t_current = nullptr;

}  // namespace

void set_failure_callback(FailureCallback callback) noexcept {
    g_callback.store(callback, std::memory_order_release);
}

void report_failure(const TaskFailure &failure) noexcept {
    const FailureCallback callback = g_callback.load(std::memory_order_acquire);
    if (callback == nullptr) return;
    t_current = &failure;
    pool().enter_user_code();
    callback(&failure);
    pool().leave_user_code();
    t_current = nullptr;
}

const TaskFailure *current_failure(const void *info) noexcept {
    return info != nullptr && info == t_current ? t_current : nullptr;
}

}  // namespace softnpu
