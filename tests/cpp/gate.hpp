// A task that holds up its stream until the test lets it go: order without sleeping.
#pragma once

#include <condition_variable>
#include <mutex>

#include "softnpu/stream/stream.hpp"
#include "tests/cpp/device.hpp"

class Gate {
  public:
    void open() {
        std::lock_guard<std::mutex> lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock<std::mutex> lock(mutex_);
        entered_ = true;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
    }
    void wait_entered() {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return entered_; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    bool entered_ = false;
};

inline softnpu::StreamRef stream_of(aclrtStream handle) {
    softnpu::StreamRef stream;
    OK(softnpu::find_stream(handle, stream, false));
    return stream;
}

/// Queue `body` (a callable returning a status) as a task of the stream.
template <class Body>
int submit(aclrtStream stream, Body body, softnpu::TaskKind kind = softnpu::TaskKind::engine) {
    return stream_of(stream)->submit("test", body, kind);
}

/// Queue a task that waits for the gate, on a worker with a stand-in.
inline void hold(aclrtStream stream, Gate &gate) {
    OK(submit(
        stream,
        [&gate] {
            gate.pass();
            return 0;
        },
        softnpu::TaskKind::user));
}
