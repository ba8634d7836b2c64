#include "softnpu/core/device.hpp"

#include <algorithm>

#include "acl/acl_base.h"
#include "softnpu/core/fork.hpp"
#include "softnpu/core/init_config.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/memory/virtual.hpp"
#include "softnpu/stream/clock.hpp"
#include "softnpu/stream/event.hpp"
#include "softnpu/stream/notify.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {

int Device::take_stream_id() {
    std::lock_guard<std::mutex> lock(ids_mutex_);
    for (size_t id = 0; id < ids_.size(); ++id) {
        if (ids_[id]) continue;
        ids_[id] = true;
        return static_cast<int>(id);
    }
    if (ids_.size() >= static_cast<size_t>(config().soc.max_streams)) return -1;
    ids_.push_back(true);
    return static_cast<int>(ids_.size()) - 1;
}

void Device::give_stream_id(int id) noexcept {
    std::lock_guard<std::mutex> lock(ids_mutex_);
    ids_[static_cast<size_t>(id)] = false;
}

Device::Device(int id) : id_(id), sample_time_ns_(now_ns()) {}

int Device::utilization_percent() {
    std::lock_guard<std::mutex> lock(sample_mutex_);
    const uint64_t time = now_ns();
    const uint64_t busy = busy_ns.load(std::memory_order_relaxed);
    const uint64_t room = (time - sample_time_ns_) * static_cast<uint64_t>(config().threads);
    const uint64_t percent = room > 0 ? (busy - sample_busy_ns_) * 100 / room : 0;
    sample_time_ns_ = time;
    sample_busy_ns_ = busy;
    return static_cast<int>(std::min<uint64_t>(percent, 100));
}

namespace {

int check_environment() {
    if (config().error.empty()) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "environment variable %s", config().error.c_str());
}

}  // namespace

Runtime &runtime() {
    static auto *instance = new Runtime;  // workers outlive static destruction
    return *instance;
}

Runtime::Runtime() {
    for (int id = 0; id < config().devices(); ++id) {
        devices_.push_back(std::make_unique<Device>(id));
    }
}

int Runtime::init(const char *config_path) {
    if (int code = check_environment()) return code;
    InitConfig parsed;
    if (int code = read_init_config(config_path, parsed)) return code;
    if (parsed.default_device >= config().devices()) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "%s: default_device is %d, but there are %d devices (SOFTNPU_DEVICES)",
                    config_path, parsed.default_device, config().devices());
    }
    std::lock_guard<std::mutex> lock(mutex_);
    if (init_count_ > 0 && parsed.text != init_config_) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "a second aclInit gives another configuration than the first; pass the same "
                    "file or call aclFinalize first");
    }
    if (init_count_++ > 0) {
        return fail(ACL_ERROR_REPEAT_INITIALIZE,
                    "the process is initialised already; this call counts, and may be ignored");
    }
    note_started();
    init_config_ = parsed.text;
    default_device_ = parsed.default_device;
    return 0;
}

int Runtime::finalize() {
    if (int code = Stream::refuse_own_end("finalize", nullptr, nullptr)) return code;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (int code = require_initialized()) return code;
        init_count_ = 0;
    }
    return finalize_all();
}

int Runtime::finalize_reference(uint64_t *left) {
    if (int code = Stream::refuse_own_end("finalize", nullptr, nullptr)) return code;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (int code = require_initialized()) return code;
        const int count = --init_count_;
        if (left != nullptr) *left = static_cast<uint64_t>(count);
        if (count > 0) return 0;
    }
    return finalize_all();
}

int Runtime::require_initialized() const noexcept {
    if (initialized()) return 0;
    return fail(ACL_ERROR_REPEAT_FINALIZE,
                "not initialised, or finalized already; call aclInit first");
}

int Runtime::finalize_all() {
    for (const auto &device : devices_) {
        ContextRef primary;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            device->primary_count_ = 0;
            primary = std::exchange(device->primary_, ContextRef());
        }
        close_primary(*device, std::move(primary), false);
    }
    std::vector<ContextRef> left;
    context_table().for_each([&](ContextRef context) { left.push_back(std::move(context)); });
    for (ContextRef &context : left) {
        const void *handle = context.handle();
        context.reset();
        close_context(handle);
    }
    std::vector<std::function<void(int)>> actions;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        actions = teardown_;
        init_config_.clear();
        default_device_ = -1;
    }
    for (const auto &action : actions) action(-1);
    return 0;
}

Device *Runtime::device(int id) noexcept {
    if (id >= 0 && static_cast<size_t>(id) < devices_.size()) {
        return devices_[static_cast<size_t>(id)].get();
    }
    fail(ACL_ERROR_RT_INVALID_DEVICEID, "there is no device %d; ids go from 0 to %d", id,
         static_cast<int>(devices_.size()) - 1);
    return nullptr;
}

int Runtime::set_device(int id) {
    if (int code = check_environment()) return code;
    Device *device = this->device(id);
    if (device == nullptr) return ACL_ERROR_RT_INVALID_DEVICEID;
    std::lock_guard<std::mutex> lock(mutex_);
    if (device->primary_count_ == 0) {
        if (int code = create_context(*device, true, device->primary_)) return code;
    }
    ++device->primary_count_;
    thread_state().primary_context = device->primary_.handle();
    thread_state().explicit_context = nullptr;
    return 0;
}

int Runtime::reset_device(int id, bool force) {
    Device *device = this->device(id);
    if (device == nullptr) return ACL_ERROR_RT_INVALID_DEVICEID;
    ContextRef primary;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (device->primary_count_ == 0) {
            return fail(ACL_ERROR_RT_CONTEXT_RELEASE_ERROR,
                        "device %d is not set, or was reset as often as it was set", id);
        }
        if (!force && device->primary_count_ > 1) {
            --device->primary_count_;
            return 0;
        }
        if (int code =
                Stream::refuse_own_end("reset its device", nullptr, device->primary_.handle())) {
            return code;
        }
        device->primary_count_ = 0;
        primary = std::exchange(device->primary_, ContextRef());
    }
    close_primary(*device, std::move(primary), force);
    return 0;
}

/// Ends a primary context that was taken from its device, then the device if nothing else keeps it
/// open. Waits for work without the lock, so that the program's callbacks may call the runtime.
void Runtime::close_primary(Device &device, ContextRef primary, bool force) {
    if (!primary) return;
    if (thread_state().primary_context == primary.handle()) {
        thread_state().primary_context = nullptr;
    }
    destroy_context(std::move(primary), force);
    close_device_if_unused(device);
}

void Runtime::close_device_if_unused(Device &device) {
    std::vector<std::function<void(int)>> actions;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (device.primary_count_ > 0 || device.explicit_contexts_ > 0) return;
        actions = teardown_;
    }
    for (const auto &action : actions) action(device.id());
    // Destroyed after the lock is gone.
    std::vector<EventRef> events;
    std::vector<NotifyRef> notifies;
    std::lock_guard<std::mutex> lock(mutex_);
    if (device.primary_count_ > 0 || device.explicit_contexts_ > 0) return;  // opened again
    events = remove_events(device);
    notifies = remove_notifies(device);
    if (const size_t count = release_virtual(device.id()) + release_all(device.id())) {
        log(LogLevel::warning, "device %d closes with %zu allocations that were never freed",
            device.id(), count);
    }
}

int Runtime::open_context(int id, ContextRef &context) {
    if (int code = check_environment()) return code;
    Device *device = this->device(id);
    if (device == nullptr) return ACL_ERROR_RT_INVALID_DEVICEID;
    std::lock_guard<std::mutex> lock(mutex_);
    if (int code = create_context(*device, false, context)) return code;
    ++device->explicit_contexts_;
    thread_state().explicit_context = context.handle();
    return 0;
}

int Runtime::close_context(const void *handle) {
    ContextRef context = context_table().find(handle);
    if (!context || context->is_primary()) {
        return fail(ACL_ERROR_RT_CONTEXT_NULL,
                    context ? "a device's own context goes with aclrtResetDevice"
                            : "not a live context: never created, or destroyed already");
    }
    if (int code = Stream::refuse_own_end("destroy its context", nullptr, handle)) return code;
    if (!context->start_closing()) {
        return fail(ACL_ERROR_RT_CONTEXT_NULL, "the context is being destroyed by another thread");
    }
    Device &device = context->device();
    if (thread_state().explicit_context == handle) thread_state().explicit_context = nullptr;
    destroy_context(std::move(context), false);
    {
        std::lock_guard<std::mutex> lock(mutex_);
        --device.explicit_contexts_;
    }
    close_device_if_unused(device);
    return 0;
}

void Runtime::on_teardown(std::function<void(int device)> action) {
    std::lock_guard<std::mutex> lock(mutex_);
    teardown_.push_back(std::move(action));
}

}  // namespace softnpu
