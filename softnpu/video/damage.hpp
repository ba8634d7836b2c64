// Which frames of a stream are not to be trusted.
//
// libavcodec conceals damage and goes on. Its frame flags miss much of it (H.265 sets none, and
// with frame threads H.264 loses some), but what it notices is logged by the thread that decodes
// the packet: most as errors, concealment of missing macroblocks as information, lost H.264 frames
// as a gap in their numbers. So the log is listened to, and what follows a damaged packet is
// damaged too, up to the next key frame.
//
// Changed bits inside the arithmetic code of an H.265 slice mostly give another valid slice. They
// show in streams that carry a checksum of each picture (a hash SEI), and where the slice then ends
// too early (marks.hpp).
#pragma once

#include <cstdint>
#include <mutex>
#include <set>

#include "softnpu/video/marks.hpp"

namespace softnpu {

class DamageList {
  public:
    DamageList();
    ~DamageList();
    DamageList(const DamageList &) = delete;
    DamageList &operator=(const DamageList &) = delete;

    /// Packet `number` is damaged. Any thread.
    void add(uint64_t number);
    /// Frames before packet `number` were lost. Harmless to a key frame.
    void add_gap(uint64_t number);
    /// The stream says that its frame numbers may have gaps.
    void allow_gaps(bool allowed);
    /// Whether the frame of packet `number`, which comes out now, is damaged.
    bool covers(uint64_t number, bool key) const;
    /// The first damaged packet; none: the largest number.
    uint64_t first() const;
    /// What was lost before the key frame of packet `number` does not matter behind it.
    void pass_key(uint64_t number);
    /// A refresh that began at packet `number` is complete.
    void refreshed_since(uint64_t number);
    void clear();
    /// Packets up to `last` were decoded.
    void check_blocks(uint64_t last);
    BlockMarks &blocks() { return blocks_; }

    /// Route libavcodec's messages to the lists: contexts name theirs in `opaque`, and the packet
    /// in `reordered_opaque` by its mark.
    static void listen();
    /// Of a packet without a picture, the number of the next one will do.
    static int64_t mark(uint64_t number, bool has_picture) {
        const auto plain = static_cast<int64_t>(number);
        return has_picture ? plain : -1 - plain;
    }

  private:
    mutable std::mutex mutex_;
    std::set<uint64_t> numbers_;
    std::set<uint64_t> gaps_;
    bool gaps_allowed_ = false;
    BlockMarks blocks_;  // of H.265
};

}  // namespace softnpu
