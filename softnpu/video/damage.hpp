// Which frames of a stream are not to be trusted.
//
// libavcodec conceals damage and goes on. Its frame flags miss much of it (H.265 sets none, and
// with frame threads H.264 loses some), but what it notices is logged by the thread that decodes
// the packet: most as errors, concealment of missing macroblocks as information, lost H.264 frames
// as a gap in their numbers. So the log is listened to, and what follows a damaged packet is
// damaged too, up to the next key frame.
//
// An H.264 decoder that stopped inside a macroblock keeps its coefficients, and adds them to
// another one of the next picture, key frame or not. Such damage stays until the decoder is
// replaced.
//
// Changed bits inside the arithmetic code of an H.265 slice mostly give another valid slice; they
// show in streams that carry a checksum of each picture (a hash SEI) only.
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

    /// Packet `number` is damaged. Any thread. `stays`: the decoder itself is not the same after
    /// it.
    void add(uint64_t number, bool stays = false);
    /// Frames before packet `number` were lost. Harmless to a key frame.
    void add_gap(uint64_t number);
    /// The stream says that its frame numbers may have gaps.
    void allow_gaps(bool allowed);
    /// Whether the frame of packet `number`, which comes out now, is damaged.
    bool covers(uint64_t number, bool key);
    /// The decoder is to be replaced before it gets another key frame.
    bool stays() const;
    /// It was, before packet `number`.
    void replaced(uint64_t number);
    void clear();

    /// Route libavcodec's messages to the lists: contexts name theirs in `opaque`, and the packet
    /// in `reordered_opaque`.
    static void listen();

  private:
    mutable std::mutex mutex_;
    std::set<uint64_t> numbers_;
    std::set<uint64_t> stays_;
    uint64_t replaced_ = 0;
    std::set<uint64_t> gaps_;
    bool gaps_allowed_ = false;
};

}  // namespace softnpu
