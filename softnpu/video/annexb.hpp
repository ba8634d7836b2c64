// What the decoder has to know about a packet before libavcodec sees it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "softnpu/dvpp/engines.hpp"

namespace softnpu {

struct PacketFacts {
    bool has_picture = true;  // false: nothing but parameter sets, supplements and delimiters
    bool lost = false;        // frames that others refer to are missing before it
    bool is_key = false;      // decoding may begin here
    bool is_idr = false;      // H.264: and nothing behind it refers to what was before
    bool may_lead = false;    // H.264: a B picture; behind a key one it may need what was before
    bool begins_refresh = false;  // H.264: pictures become whole again from here on,
    bool ends_refresh = false;    // and are from here on
};

/// Follows the parameter sets and frame numbers of a stream, packet by packet.
class PacketReader {
  public:
    explicit PacketReader(Codec codec = Codec::h264) : codec_(codec) {}

    PacketFacts read(const uint8_t *data, size_t size);
    /// The next packet begins a sequence.
    void restart() {
        known_ = false;
        refresh_ = refresh_left_ = 0;
    }
    /// The stream says that its frame numbers may have gaps.
    bool gaps_allowed() const { return gaps_allowed_; }
    /// Of the last H.265 sequence parameter set, the size of coding tree blocks; 0: none was seen.
    int block_size() const { return block_size_; }
    /// And how many pictures may wait for their turn in display order.
    int reorder_depth() const { return reorder_depth_; }
    /// The last parameter sets of each id, as one packet.
    std::vector<uint8_t> parameter_sets() const;

  private:
    /// What an H.264 slice header needs of its sequence parameter set.
    struct Sequence {
        int number_bits = 0;  // 0: not seen
        bool has_planes = false;
        bool gaps_allowed = false;
    };

    void read_other(const uint8_t *data, size_t size, PacketFacts &facts);
    void read_slice(int header, const uint8_t *data, size_t size, PacketFacts &facts);
    void keep_set(int type, uint32_t id, const uint8_t *data, size_t size);
    uint32_t read_sequence(const uint8_t *data, size_t size);
    uint32_t read_h265_set(int type, const uint8_t *data, size_t size);
    uint32_t read_picture_set(const uint8_t *data, size_t size);
    bool follows_loss(bool idr, bool reference, uint32_t number, const Sequence &sequence);
    void follow_refresh(uint32_t number, const Sequence &sequence, PacketFacts &facts);

    Codec codec_;
    std::array<Sequence, 32> sequences_;
    std::array<uint8_t, 256> sequence_of_{};  // by picture parameter set
    std::map<uint32_t, std::vector<uint8_t>> sets_;
    int block_size_ = 0;
    int reorder_depth_ = 0;
    bool gaps_allowed_ = false;
    bool known_ = false;     // the number of the last frame that others refer to
    uint32_t previous_ = 0;  // is this
    uint32_t refresh_ = 0;   // frames that a refresh takes, which this packet says begins
    uint32_t refresh_left_ = 0;
    uint32_t refresh_number_ = 0;  // of the last frame
};

}  // namespace softnpu
