// Picture channels of the second media interface: each a queue of operations with a task id per
// operation, whose result the program fetches.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "softnpu/core/export.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {

/// Set by hi_mpi_sys_init, cleared by hi_mpi_sys_exit.
SOFTNPU_API std::atomic<bool> &himpi_ready() noexcept;

/// What an operation ended with: a code of the interface and a sentence.
struct HimpiResult {
    int code = 0;
    std::string why;
};

/// A time limit as the interface writes it: -1 for ever, 0 not at all, else milliseconds.
struct HimpiWait {
    explicit HimpiWait(int32_t ms) : milliseconds(ms), until(Clock::now() + limit(ms)) {}
    template <class Ready>
    bool operator()(std::unique_lock<std::mutex> &lock, std::condition_variable &changed,
                    Ready ready) const {
        if (milliseconds >= 0) return changed.wait_until(lock, until, ready);
        changed.wait(lock, ready);
        return true;
    }

  private:
    using Clock = std::chrono::steady_clock;
    static std::chrono::milliseconds limit(int32_t ms) {
        return std::chrono::milliseconds(ms > 0 ? ms : 0);
    }
    const int32_t milliseconds;
    const Clock::time_point until;
};

class SOFTNPU_API VpcChannel : public std::enable_shared_from_this<VpcChannel> {
  public:
    using Work = std::function<HimpiResult()>;
    static constexpr uint32_t kLeastDepth = 10, kMostDepth = 350, kDefaultDepth = 50;

    VpcChannel(StreamRef stream, uint32_t depth) : stream_(std::move(stream)), depth_(depth) {}

    /// 0 with the id of the task, or BUF_FULL when no place came free in time.
    int submit(const char *name, Work work, uint32_t &task, int32_t milliseconds);
    /// What the task ended with, or that it is not done or unknown.
    int result(uint32_t task, int32_t milliseconds);
    /// Waits for what is queued; later calls find the channel gone.
    void close();

    std::atomic<int> csc_matrix{0};

    /// The largest pictures that an operation may meet, 0 where nothing was said.
    struct Workspace {
        uint32_t source_width = 0, source_height = 0, target_width = 0, target_height = 0;
    };
    enum WorkspaceUse { kRemap, kAffine, kUses };
    using Workspaces = std::array<Workspace, kUses>;
    /// False when the channel has workspaces already.
    bool set_workspaces(const Workspaces &workspaces);
    Workspace workspace(WorkspaceUse use);

    // ---- the live channels of the current device ----
    /// `id` -1 takes the first free one and returns it.
    static int create(int32_t &id, int32_t ids, uint32_t depth);
    static std::shared_ptr<VpcChannel> find(int32_t id);
    static std::shared_ptr<VpcChannel> take(int32_t id);

  private:
    void finish(uint32_t task, HimpiResult result);

    const StreamRef stream_;
    const uint32_t depth_;
    std::mutex mutex_;  // leaf lock
    std::condition_variable changed_;
    std::map<uint32_t, HimpiResult> done_;  // not fetched yet
    std::map<uint32_t, bool> open_;         // queued or running
    uint32_t next_ = 1;
    bool closed_ = false;
    bool has_workspaces_ = false;
    Workspaces workspaces_;
};

}  // namespace softnpu
