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
    bool is_key = false;      // H.264: decoding may begin here
};

/// Follows the parameter sets and frame numbers of a stream, packet by packet.
class PacketReader {
  public:
    explicit PacketReader(Codec codec = Codec::h264) : codec_(codec) {}

    PacketFacts read(const uint8_t *data, size_t size);
    /// The next packet begins a sequence.
    void restart() { known_ = false; }
    /// The stream says that its frame numbers may have gaps.
    bool gaps_allowed() const { return gaps_allowed_; }
    /// The last H.264 parameter sets of each id, as one packet.
    std::vector<uint8_t> parameter_sets() const;

  private:
    /// What an H.264 slice header needs of its sequence parameter set.
    struct Sequence {
        int number_bits = 0;  // 0: not seen
        bool has_planes = false;
        bool gaps_allowed = false;
    };

    void read_other(int type, const uint8_t *data, size_t size, PacketFacts &facts);
    uint32_t read_sequence(const uint8_t *data, size_t size);
    uint32_t read_picture_set(const uint8_t *data, size_t size);
    bool follows_loss(int header, const uint8_t *data, size_t size);

    Codec codec_;
    std::array<Sequence, 32> sequences_;
    std::array<uint8_t, 256> sequence_of_{};  // by picture parameter set
    std::map<uint32_t, std::vector<uint8_t>> sets_;
    bool gaps_allowed_ = false;
    bool known_ = false;     // the number of the last frame that others refer to
    uint32_t previous_ = 0;  // is this
};

}  // namespace softnpu
