#include "softnpu/dvpp/himpi_vpc.hpp"

#include <vector>

#include "acl/dvpp/hi_dvpp.h"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/dvpp/registry.hpp"

namespace softnpu {
namespace {

/// Results nobody fetches are kept up to this many, then the oldest go.
constexpr size_t kMostResults = 4096;

int vpc_code(unsigned code) {
    return static_cast<int>(code);
}

using Channels = ChannelRegistry<VpcChannel>;

}  // namespace

std::atomic<bool> &himpi_ready() noexcept {
    static std::atomic<bool> ready{false};
    return ready;
}

int VpcChannel::create(int32_t &id, int32_t ids, uint32_t depth) {
    ContextRef context;
    if (current_context(context) != 0) return vpc_code(HI_ERR_VPC_SYS_NOT_READY);
    StreamRef stream;
    if (create_stream(context->device(), context.handle(), {}, stream) != 0) {
        return vpc_code(HI_ERR_VPC_NO_MEM);
    }
    auto channel = std::make_shared<VpcChannel>(std::move(stream), depth);
    const int device = current_device();
    Channels &all = Channels::all();
    count(counters().live_media_channels);  // close() takes it back
    const auto tell = [&](int64_t free) { id = static_cast<int32_t>(free); };
    const bool added = id >= 0 ? id < ids && all.add(device, id, channel)
                               : all.add_at_free_id(device, ids, channel, tell);
    if (added) return 0;
    channel->close();
    if (id >= 0) return fail(vpc_code(HI_ERR_VPC_EXIST), "channel %d exists already", id);
    return fail(vpc_code(HI_ERR_VPC_NO_MEM), "all %d channels are in use; destroy some", ids);
}

std::shared_ptr<VpcChannel> VpcChannel::find(int32_t id) {
    return Channels::all().find(current_device(), id);
}

std::shared_ptr<VpcChannel> VpcChannel::take(int32_t id) {
    return Channels::all().take(current_device(), id);
}

int VpcChannel::submit(const char *name, Work work, uint32_t &task, int32_t milliseconds) {
    uint32_t id = 0;
    {
        std::unique_lock<std::mutex> lock(mutex_);
        const bool room = HimpiWait(milliseconds)(
            lock, changed_, [this] { return closed_ || open_.size() < depth_; });
        if (closed_) return fail(vpc_code(HI_ERR_VPC_UNEXIST), "the channel is being destroyed");
        if (!room) {
            return fail(vpc_code(HI_ERR_VPC_BUF_FULL),
                        "%u operations wait already; fetch results, wait longer or create the "
                        "channel with a deeper queue",
                        depth_);
        }
        id = next_++;
        if (next_ == 0) next_ = 1;
        open_[id] = true;
    }
    // Set before the work can be done: another thread may wait for the result at once.
    task = id;
    auto boxed = std::make_unique<Work>(std::move(work));
    const int code =
        stream_->submit(name, [self = shared_from_this(), boxed = std::move(boxed), id] {
            HimpiResult result;
            try {
                result = (*boxed)();
            } catch (const std::exception &problem) {
                result = {vpc_code(HI_ERR_VPC_SYS_ERROR), problem.what()};
            }
            self->finish(id, std::move(result));
            return 0;  // a failure is told by the result, not by the device's synchronise
        });
    if (code == 0) return 0;
    std::lock_guard<std::mutex> lock(mutex_);
    open_.erase(id);
    changed_.notify_all();
    return vpc_code(HI_ERR_VPC_SYS_NOT_READY);
}

void VpcChannel::finish(uint32_t task, HimpiResult result) {
    std::lock_guard<std::mutex> lock(mutex_);
    open_.erase(task);
    if (done_.size() >= kMostResults) done_.erase(done_.begin());
    done_[task] = std::move(result);
    changed_.notify_all();
}

int VpcChannel::result(uint32_t task, int32_t milliseconds) {
    HimpiResult result;
    {
        std::unique_lock<std::mutex> lock(mutex_);
        const bool over = HimpiWait(milliseconds)(
            lock, changed_, [&] { return closed_ || open_.count(task) == 0; });
        const auto found = done_.find(task);
        if (found == done_.end()) {
            if (closed_) {
                return fail(vpc_code(HI_ERR_VPC_UNEXIST), "the channel is being destroyed");
            }
            if (!over) {
                return fail(vpc_code(HI_ERR_VPC_BUF_EMPTY), "task %u is not done yet", task);
            }
            return fail(vpc_code(HI_ERR_VPC_ILLEGAL_PARAM),
                        "task %u was never queued, or its result was fetched", task);
        }
        result = std::move(found->second);
        done_.erase(found);
    }
    if (result.code == 0) return 0;
    return fail(result.code, "%s", result.why.c_str());
}

bool VpcChannel::set_workspaces(const Workspaces &workspaces) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (has_workspaces_) return false;
    has_workspaces_ = true;
    workspaces_ = workspaces;
    return true;
}

VpcChannel::Workspace VpcChannel::workspace(WorkspaceUse use) {
    std::lock_guard<std::mutex> lock(mutex_);
    return workspaces_[use];
}

void VpcChannel::close() {
    end_own_stream(stream_);
    uncount(counters().live_media_channels);
    std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    changed_.notify_all();
}

}  // namespace softnpu
