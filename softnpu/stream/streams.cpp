// Creation, lookup and destruction of streams; waiting for all streams of a device.
#include "acl/acl_base.h"
#include "softnpu/core/device.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/stream/callback.hpp"
#include "softnpu/stream/clock.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {
namespace {

std::vector<StreamRef> streams_of(const Device &device, const void *context) {
    std::vector<StreamRef> found;
    stream_table().for_each([&](StreamRef stream) {
        if (&stream->device() == &device && (context == nullptr || stream->context() == context)) {
            found.push_back(std::move(stream));
        }
    });
    return found;
}

void finish(const StreamRef &stream, bool force) {
    stream->close(force);
    forget_subscription(*stream);
    stream->device().give_stream_id(stream->id());
}

/// Some stream of the device works, so it may yet resume one that is parked.
bool is_busy(const Device &device) {
    bool busy = false;
    stream_table().for_each([&](const StreamRef &stream) {
        if (&stream->device() != &device) return;
        const Stream::Activity activity = stream->activity();
        busy = busy || (!activity.idle && !activity.parked);
    });
    return busy;
}

/// The stream that resumes this one, directly or by resuming another, is known and works.
bool is_waited_for(const void *handle) {
    constexpr int kMostLinks = 16;  // streams that wait for each other in a circle
    for (int link = 0; link < kMostLinks; ++link) {
        const StreamRef stream = stream_table().find(handle);
        if (!stream) return false;
        const Stream::Activity activity = stream->activity();
        if (!activity.parked) return !activity.idle;
        handle = activity.waits_for;
    }
    return false;
}

/// Waits until the sealed stream is idle, or until it is plain that nothing will resume it. Other
/// streams of the device may work for ever: they are no reason to wait for ever.
bool drains(const StreamRef &stream) {
    constexpr int64_t kSliceMs = 50;
    constexpr int kQuietSlices = 20, kBusySlices = 200;
    for (int quiet = 0, parked = 0; quiet < kQuietSlices && parked < kBusySlices;) {
        stream->synchronize(kSliceMs);
        const Stream::Activity activity = stream->activity();
        if (activity.idle) return true;
        const bool lost =
            activity.parked && !callbacks_running() && !is_waited_for(activity.waits_for);
        parked = lost ? parked + 1 : 0;
        quiet = lost && !is_busy(stream->device()) ? quiet + 1 : 0;
    }
    return false;
}

}  // namespace

StreamTable &stream_table() noexcept {
    static auto *table = new StreamTable;  // outlives static destruction
    return *table;
}

int create_stream(Device &device, const void *context, StreamOptions options, StreamRef &stream) {
    const int id = device.take_stream_id();
    if (id < 0) {
        return fail(ACL_ERROR_RT_NO_STREAM_RESOURCE,
                    "device %d has %d streams, the most an %s has; destroy some, or choose another "
                    "chip with SOFTNPU_SOC",
                    device.id(), config().soc.max_streams, config().soc_name.c_str());
    }
    try {
        stream = stream_table().create(device, context, id, options);
    } catch (...) {
        device.give_stream_id(id);
        throw;
    }
    // After the stream can be found: either the teardown finds it, or it is seen here.
    const ContextRef owner = context_table().find(context);
    if (owner && !owner->is_closing()) return 0;
    if (stream_table().remove(stream.handle())) finish(stream, true);
    stream.reset();
    return fail(ACL_ERROR_RT_CONTEXT_NULL,
                "the context this thread had current is being destroyed; call aclrtSetDevice or "
                "aclrtSetCurrentContext");
}

int find_stream(const void *handle, StreamRef &stream, bool same_context) {
    const void *context = current_context_handle();
    if (context == nullptr) return require_context();
    if (handle == nullptr) {
        ContextRef current;
        if (int code = current_context(current)) return code;
        handle = current->default_stream();
    }
    stream = stream_table().find(handle);
    if (!stream) {
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "%p is not a live stream: never created, or destroyed already", handle);
    }
    if (same_context && stream->context() != context) {
        stream.reset();
        return fail(ACL_ERROR_RT_STREAM_CONTEXT,
                    "the stream belongs to another context than the current one; call "
                    "aclrtSetCurrentContext with the context it was created in");
    }
    return 0;
}

int destroy_stream(const void *handle, bool force) {
    StreamRef stream;
    if (int code = find_stream(handle, stream)) return code;
    if (stream->options().is_default) {
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "the default stream goes with its context and cannot be destroyed");
    }
    if (int code = Stream::refuse_own_end("destroy it", stream.get(), nullptr)) return code;
    if (!stream_table().remove(handle)) {
        return fail(ACL_ERROR_RT_PARAM_INVALID, "%p is being destroyed by another thread", handle);
    }
    finish(stream, force);
    return 0;
}

void end_own_stream(const StreamRef &stream) {
    const void *handle = stream.handle();
    // Without the check a stream that went with its context would leave a message behind.
    if (!stream_table().contains(handle)) return;
    const ContextScope scope(stream->context());
    destroy_stream(handle, false);
}

void destroy_streams(Device &device, const void *context, bool force) {
    const auto streams = streams_of(device, context);
    for (const StreamRef &stream : streams) stream->seal();
    for (const StreamRef &stream : streams) {
        if (force || drains(stream)) continue;
        notice("stream %d waits for something that does not come; its queue is dropped",
               stream->id());
        stream->abort();
    }
    for (const StreamRef &stream : streams) {
        if (stream_table().remove(stream.handle())) finish(stream, force);
    }
}

int synchronize_device(Device &device, int64_t timeout_ms) {
    const uint64_t start = now_ns();
    int first = 0;
    std::string message;
    for (const StreamRef &stream : streams_of(device, nullptr)) {
        int64_t left = timeout_ms;
        if (timeout_ms >= 0) {
            const auto elapsed = static_cast<int64_t>((now_ns() - start) / 1'000'000);
            left = timeout_ms > elapsed ? timeout_ms - elapsed : 0;
        }
        const int code = stream->synchronize(left);
        if (code != 0 && first == 0) {
            first = code;
            message = pending_message();
        }
    }
    return first != 0 ? fail_with(first, message) : 0;
}

}  // namespace softnpu
