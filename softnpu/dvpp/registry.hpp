// The live channels of one kind, by device and id.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "softnpu/core/device.hpp"

namespace softnpu {

/// `Channel::close()` ends a channel that a program left on a device that goes.
template <class Channel>
class ChannelRegistry {
  public:
    using Ref = std::shared_ptr<Channel>;

    /// The only one; never destroyed, since threads may still run while static objects die.
    static ChannelRegistry &all() {
        static auto *instance = [] {
            auto *made = new ChannelRegistry;
            runtime().on_teardown([made](int device) { made->close_all(device); });
            return made;
        }();
        return *instance;
    }

    /// False when the id is taken.
    bool add(int device, int64_t id, const Ref &channel) {
        const std::lock_guard<std::mutex> lock(mutex_);
        return live_.emplace(std::make_pair(device, id), channel).second;
    }

    /// Takes the least free id below `ids` and tells it before anyone can find the channel; false
    /// when there is none.
    template <class Tell>
    bool add_at_free_id(int device, int64_t ids, const Ref &channel, Tell &&tell) {
        const std::lock_guard<std::mutex> lock(mutex_);
        int64_t id = 0;
        while (id < ids && live_.count({device, id}) != 0) ++id;
        if (id == ids) return false;
        tell(id);
        live_.emplace(std::make_pair(device, id), channel);
        return true;
    }

    /// The channel, or nullptr.
    Ref find(int device, int64_t id) {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = live_.find({device, id});
        return found == live_.end() ? nullptr : found->second;
    }

    std::vector<Ref> on(int device) {
        const std::lock_guard<std::mutex> lock(mutex_);
        std::vector<Ref> found;
        for (const auto &[where, channel] : live_) {
            if (where.first == device) found.push_back(channel);
        }
        return found;
    }

    /// The same, and nobody finds it any more: of two threads that destroy it one gets it.
    Ref take(int device, int64_t id) {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = live_.find({device, id});
        if (found == live_.end()) return nullptr;
        Ref channel = std::move(found->second);
        live_.erase(found);
        return channel;
    }

    /// Takes out this very channel; false when another thread did.
    bool remove(int device, int64_t id, const Channel &channel) {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = live_.find({device, id});
        if (found == live_.end() || found->second.get() != &channel) return false;
        live_.erase(found);
        return true;
    }

  private:
    void close_all(int device) {
        std::vector<Ref> left;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            for (auto entry = live_.begin(); entry != live_.end();) {
                const bool goes = device < 0 || entry->first.first == device;
                if (goes) left.push_back(std::move(entry->second));
                entry = goes ? live_.erase(entry) : std::next(entry);
            }
        }
        for (const Ref &channel : left) channel->close();
    }

    std::mutex mutex_;  // leaf lock
    std::map<std::pair<int, int64_t>, Ref> live_;
};

}  // namespace softnpu
