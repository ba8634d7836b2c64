#include "softnpu/video/annexb.hpp"

namespace softnpu {
namespace {

constexpr uint32_t kNoId = ~uint32_t{0};
constexpr size_t kLargestSet = 65536;

/// Bits of a NAL unit, without the bytes that keep start codes out. Reads zeros behind the end.
class Bits {
  public:
    Bits(const uint8_t *data, size_t size) : data_(data), size_(size) {}

    uint32_t bit() {
        if (left_ == 0) next_byte();
        --left_;
        return byte_ >> left_ & 1;
    }
    uint32_t take(int count) {
        uint32_t value = 0;
        for (int i = 0; i < count; ++i) value = value << 1 | bit();
        return value;
    }
    /// Exp-Golomb code without sign.
    uint32_t ue() {
        int zeros = 0;
        while (zeros < 31 && bit() == 0) ++zeros;
        return (uint32_t{1} << zeros) - 1 + take(zeros);
    }
    /// With sign.
    int32_t se() {
        const uint32_t code = ue();
        const auto half = static_cast<int32_t>((code + 1) / 2);
        return code % 2 != 0 ? half : -half;
    }

  private:
    void next_byte() {
        if (zeros_ >= 2 && at_ < size_ && data_[at_] == 3) {
            ++at_;
            zeros_ = 0;
        }
        byte_ = at_ < size_ ? data_[at_++] : 0;
        zeros_ = byte_ == 0 ? zeros_ + 1 : 0;
        left_ = 8;
    }

    const uint8_t *data_;
    size_t size_;
    size_t at_ = 0;
    int zeros_ = 0;
    uint32_t byte_ = 0;
    int left_ = 0;
};

bool has_chroma_format(uint32_t profile) {
    for (const uint32_t known : {100u, 110u, 122u, 244u, 44u, 83u, 86u, 118u, 128u, 138u}) {
        if (profile == known) return true;
    }
    return false;
}

void skip_scaling_list(Bits &bits, int entries) {
    int32_t last = 8, next = 8;
    for (int i = 0; i < entries; ++i) {
        if (next != 0) {
            next = static_cast<int32_t>(
                (static_cast<uint32_t>(last) + static_cast<uint32_t>(bits.se())) % 256);
        }
        last = next == 0 ? last : next;
    }
}

/// A supplement (7.3.2.3) whose first message says that decoding may begin at once (D.1.8).
bool is_recovery_point(const uint8_t *data, size_t size) {
    Bits bits(data, size);
    const bool known = bits.take(8) == 6;
    bits.take(8);  // its size
    return known && bits.ue() == 0;
}

}  // namespace

/// 7.3.2.1.1
uint32_t PacketReader::read_sequence(const uint8_t *data, size_t size) {
    Bits bits(data, size);
    Sequence sequence;
    const uint32_t profile = bits.take(8);
    bits.take(16);  // constraints, level
    const uint32_t id = bits.ue();
    if (has_chroma_format(profile)) {
        const bool is_444 = bits.ue() == 3;
        if (is_444) sequence.has_planes = bits.bit() != 0;
        bits.ue();  // bit depths
        bits.ue();
        bits.bit();
        const int lists = bits.bit() == 0 ? 0 : is_444 ? 12 : 8;
        for (int i = 0; i < lists; ++i) {
            if (bits.bit() != 0) skip_scaling_list(bits, i < 6 ? 16 : 64);
        }
    }
    const uint32_t number_bits = bits.ue() + 4;
    const uint32_t order = bits.ue();
    if (order == 0) bits.ue();
    if (order == 1) {
        bits.bit();
        bits.se();
        bits.se();
        const uint32_t cycle = bits.ue();
        for (uint32_t i = 0; i < cycle && i < 256; ++i) bits.se();
    }
    bits.ue();  // reference frames
    sequence.gaps_allowed = bits.bit() != 0;
    if (number_bits > 16 || id >= sequences_.size()) return kNoId;
    sequence.number_bits = static_cast<int>(number_bits);
    sequences_[id] = sequence;
    gaps_allowed_ = sequence.gaps_allowed;
    return id;
}

/// 7.3.2.2
uint32_t PacketReader::read_picture_set(const uint8_t *data, size_t size) {
    Bits bits(data, size);
    const uint32_t id = bits.ue();
    const uint32_t sequence = bits.ue();
    if (id >= sequence_of_.size() || sequence >= sequences_.size()) return kNoId;
    sequence_of_[id] = static_cast<uint8_t>(sequence);
    return id;
}

/// Whether the number in a slice header (7.3.3) tells of lost frames (7.4.3). libavcodec looks at
/// numbers, too, but takes those of frames that nothing refers to for the previous ones.
bool PacketReader::follows_loss(int header, const uint8_t *data, size_t size) {
    Bits bits(data, size);
    bits.ue();  // first macroblock
    bits.ue();  // type
    const uint32_t set = bits.ue();
    if (set >= sequence_of_.size()) return false;
    const Sequence &sequence = sequences_[sequence_of_[set]];
    if (sequence.number_bits == 0) return false;
    if (sequence.has_planes) bits.take(2);
    const uint32_t number = bits.take(sequence.number_bits);
    const uint32_t next = (previous_ + 1) % (1u << sequence.number_bits);
    const bool starts = (header & 0x1F) == 5 || !known_;
    // A frame may reset the numbers (memory management operation 5), which libavcodec follows.
    const bool gap = !starts && number != previous_ && number != next && number > 1;
    if (starts || (header & 0x60) != 0) {
        known_ = true;
        previous_ = number;
    }
    return gap && !sequence.gaps_allowed;
}

/// An H.264 unit that is no slice.
void PacketReader::read_other(int type, const uint8_t *data, size_t size, PacketFacts &facts) {
    if (type == 6 && is_recovery_point(data, size)) facts.is_key = true;
    if ((type != 7 && type != 8) || size > kLargestSet) return;
    const uint32_t id = type == 7 ? read_sequence(data, size) : read_picture_set(data, size);
    if (id == kNoId) return;
    std::vector<uint8_t> &set = sets_[static_cast<uint32_t>(type) << 8 | id];
    set = {0, 0, 0, 1, static_cast<uint8_t>(0x60 | type)};
    set.insert(set.end(), data, data + size);
}

std::vector<uint8_t> PacketReader::parameter_sets() const {
    std::vector<uint8_t> all;
    for (const auto &[key, set] : sets_) all.insert(all.end(), set.begin(), set.end());
    return all;
}

PacketFacts PacketReader::read(const uint8_t *data, size_t size) {
    PacketFacts facts;
    const bool is_h264 = codec_ == Codec::h264;
    size_t unit = 0;  // where the unit begins that is being passed; 0: none
    for (size_t i = 0; i + 3 < size; ++i) {
        if (data[i] != 0 || data[i + 1] != 0 || data[i + 2] != 1) continue;
        if (unit != 0 && is_h264) read_other(data[unit - 1] & 0x1F, data + unit, i - unit, facts);
        const int type = is_h264 ? data[i + 3] & 0x1F : data[i + 3] >> 1 & 0x3F;
        i += 3;
        unit = i + 1;
        if (is_h264 ? type >= 6 && type <= 13 : type >= 32) continue;
        if (is_h264 && (type == 1 || type == 5)) {
            facts.lost = follows_loss(data[i], data + unit, size - unit);
            facts.is_key = facts.is_key || type == 5;
        }
        return facts;
    }
    if (unit != 0 && is_h264) read_other(data[unit - 1] & 0x1F, data + unit, size - unit, facts);
    facts.has_picture = unit == 0;
    facts.is_key = false;
    return facts;
}

}  // namespace softnpu
