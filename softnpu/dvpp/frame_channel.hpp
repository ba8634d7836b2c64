// What decoder and encoder channels of the first media interface share: frames in flight, in the
// order they were sent, worked on in a stream of the channel's own and called back on a thread of
// the program's.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "acl/acl_base.h"
#include "softnpu/core/context.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/stream/callback.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {

/// `Channel` derives from this and has `kDepth`, `kEntry` and `work()`, which takes what is queued.
/// `Frame` has a channel, a number and a State with `over`.
template <class Channel, class Frame, class Ref>
class FrameChannel : public std::enable_shared_from_this<Channel> {
  protected:
    using Lock = std::unique_lock<std::mutex>;

    FrameChannel() = default;
    ~FrameChannel() = default;

    /// A stream on `context` whose callbacks run on the program's thread.
    int open_stream(const ContextRef &context, uint64_t thread) {
        if (int code = create_stream(context->device(), context.handle(), {}, stream_)) return code;
        const int code = subscribe_report(thread, *stream_);
        if (code != 0) destroy_stream(stream_.handle(), true);
        return code;
    }

    /// Waits for the channel's work and ends the stream, unless its context took it along.
    void close_stream() {
        if (!stream_table().contains(stream_.handle())) return;
        forget_subscription(*stream_);
        end_own_stream(stream_);
    }

    /// Waits while too many frames are in flight. The thread that calls back makes the room; it
    /// must not wait for it.
    void wait_for_room() {
        if (is_report_thread(*stream_)) return;
        Lock lock(mutex_);
        while (!is_over_locked() && open_.size() >= Channel::kDepth) {
            changed_.wait_for(lock, kLook);
        }
    }

    int push(Ref frame, uint64_t &number) {
        {
            Lock lock(mutex_);
            if (closed_) return fail(ACL_ERROR_INVALID_PARAM, "the channel is destroyed");
            if (is_over_locked()) {
                return fail(ACL_ERROR_INVALID_PARAM,
                            "the context in which the channel was created is destroyed; destroy "
                            "the channel too");
            }
            frame->channel = this->shared_from_this();
            frame->number = number = first_ + open_.size();
            open_.push_back(std::move(frame));
        }
        schedule();
        return 0;
    }

    void schedule() {
        // The stream refuses when its context goes: who waits for the frame sees is_over_locked().
        stream_->submit(Channel::kEntry, [channel = this->shared_from_this()] {
            const Working working(*channel);
            channel->work();
            return 0;
        });
    }

    /// Until the frame and all before it are over. `bounded`: give up when nothing moves any more.
    /// Inside a callback, whichever stream's or channel's, the thread that serves this channel
    /// cannot wait for the callbacks behind it: the end is queued and the wait left out.
    void wait_until_over(uint64_t number, bool bounded) {
        const bool own_thread = is_report_thread(*stream_);
        if (own_thread && in_callback()) return;
        Watch watch;
        Lock lock(mutex_);
        while (!is_over_locked() && first_ <= number) {
            if (is_stuck_locked(watch) && bounded) return;
            if (!own_thread) {
                changed_.wait_for(lock, kLook);
                continue;
            }
            lock.unlock();
            process_report(10);
            take_message();  // no report within the time is nothing to tell
            lock.lock();
        }
    }

    /// Until `done`, which is asked with the lock, or until nothing moves any more.
    template <class Done>
    void wait_bounded(Done &&done) {
        Watch watch;
        Lock lock(mutex_);
        while (!is_over_locked() && !done() && !is_stuck_locked(watch)) {
            changed_.wait_for(lock, std::chrono::milliseconds(2));
        }
    }

    bool has_queued_locked() const { return next_ < first_ + open_.size(); }

    /// The next frame that no work has taken yet, now in `state`; empty when there is none.
    Ref take_queued_locked(typename Frame::State state) {
        if (closed_ || !has_queued_locked()) return {};
        Ref frame = open_[next_++ - first_];
        frame->state = state;
        ++progress_;
        return frame;
    }

    /// The frame is over; returns those that leave, which the caller lets go without the lock.
    std::deque<Ref> finish_locked(Frame &frame) {
        std::deque<Ref> over;
        frame.state = Frame::State::over;
        ++progress_;
        while (!open_.empty() && open_.front()->state == Frame::State::over) {
            over.push_back(std::move(open_.front()));
            open_.pop_front();
            ++first_;
        }
        changed_.notify_all();
        return over;
    }

    StreamRef stream_;
    std::mutex mutex_;  // leaf lock, guards what follows
    std::condition_variable changed_;
    std::deque<Ref> open_;   // by number, without a gap; the first is not over
    uint64_t first_ = 0;     // number of open_.front()
    uint64_t next_ = 0;      // number of the first frame that no work has taken
    uint64_t progress_ = 0;  // grows with everything that happens
    int working_ = 0;        // tasks that run right now
    bool closed_ = false;

  private:
    /// How often who waits looks whether the channel's stream has gone, which wakes nobody.
    static constexpr std::chrono::milliseconds kLook{100};

    /// Nothing is worked on any more: the channel is closed, or its context took its stream along.
    bool is_over_locked() const { return closed_ || !stream_table().contains(stream_.handle()); }

    struct Working {
        explicit Working(FrameChannel &of) : channel(of) { add(1); }
        ~Working() { add(-1); }
        Working(const Working &) = delete;
        Working &operator=(const Working &) = delete;
        void add(int count) {
            Lock lock(channel.mutex_);
            channel.working_ += count;
        }
        FrameChannel &channel;
    };

    /// When something happened last, as seen by one who waits.
    struct Watch {
        uint64_t seen = 0;
        std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
    };

    /// Nothing has moved for long: nobody serves the callbacks. An engine that works, or waits for
    /// its turn on a busy machine, may take longer.
    bool is_stuck_locked(Watch &watch) const {
        constexpr std::chrono::seconds kUnserved{3}, kEngine{30};
        if (progress_ != watch.seen) {
            watch = {progress_, std::chrono::steady_clock::now()};
            return false;
        }
        if (callbacks_running()) return false;
        const bool unserved = std::any_of(open_.begin(), open_.end(), [](const Ref &frame) {
            return frame->state == Frame::State::due;
        });
        const auto most = unserved && working_ == 0 ? kUnserved : kEngine;
        return std::chrono::steady_clock::now() - watch.since > most;
    }
};

}  // namespace softnpu
