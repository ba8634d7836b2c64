// Report threads: the program's own threads that run callbacks queued in streams.
#pragma once

#include <cstdint>

#include "softnpu/core/export.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {

using CallbackFunction = void (*)(void *);

/// Tie a stream to the thread with this pthread_self() value.
SOFTNPU_API int subscribe_report(uint64_t thread, Stream &stream);
SOFTNPU_API int unsubscribe_report(uint64_t thread, Stream &stream);
/// Drop the stream's subscription, if any, resuming what waits for it.
SOFTNPU_API void forget_subscription(Stream &stream);
/// Run the callbacks that are due on this thread; waits up to `timeout_ms` (-1 forever) for one.
SOFTNPU_API int process_report(int timeout_ms);

/// A callback of the program is running on another thread.
bool callbacks_running() noexcept;
/// The calling thread is inside one.
bool in_callback() noexcept;

SOFTNPU_API int launch_callback(CallbackFunction function, void *data, bool blocking,
                                Stream &stream);

/// Make a call due on the thread that serves `stream` now, ahead of what the stream has queued.
SOFTNPU_API int post_report(CallbackFunction function, void *data, Stream &stream);

/// The thread that serves `stream` is the calling one.
SOFTNPU_API bool is_report_thread(Stream &stream);

/// Queue a call of the program's function on a runtime thread.
SOFTNPU_API int launch_host_function(CallbackFunction function, void *data, Stream &stream);

}  // namespace softnpu
