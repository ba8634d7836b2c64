// Which frames of a stream are not to be trusted.
//
// libavcodec conceals damage and goes on. Its frame flags miss much of it (H.265 sets none, and
// with frame threads H.264 loses some), but every damage it notices is logged as an error by the
// thread that decodes the packet. So the log is listened to, and what follows a damaged packet is
// damaged too, up to the next key frame.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>

namespace softnpu {

class DamageList {
  public:
    DamageList();
    ~DamageList();
    DamageList(const DamageList &) = delete;
    DamageList &operator=(const DamageList &) = delete;

    /// Packet `number` is damaged. Any thread.
    void add(uint64_t number);
    /// Whether the frame of packet `number`, which comes out now, is damaged.
    bool covers(uint64_t number, bool key);
    void clear();

    /// Route libavcodec's messages to the lists: contexts name theirs in `opaque`, and the packet
    /// in `reordered_opaque`.
    static void listen();

  private:
    std::mutex mutex_;
    std::set<uint64_t> numbers_;
};

}  // namespace softnpu
