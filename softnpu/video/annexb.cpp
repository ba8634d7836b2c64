#include "softnpu/video/annexb.hpp"

#include <algorithm>

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

/// A supplement (7.3.2.3) whose first message says after how many frames pictures are whole where
/// decoding begins here (D.1.8); negative for others.
int recovery_frames(const uint8_t *data, size_t size) {
    Bits bits(data, size);
    const bool known = bits.take(8) == 6;
    bits.take(8);  // its size
    return known ? static_cast<int>(bits.ue() & 0xFFFF) : -1;
}

/// Past the profile and level of an H.265 parameter set (7.3.3) with so many sublayers below.
void skip_profile(Bits &bits, uint32_t sublayers) {
    for (int i = 0; i < 12; ++i) bits.take(8);
    uint32_t there[8] = {};
    for (uint32_t i = 0; i < sublayers; ++i) there[i] = bits.take(2);
    for (uint32_t i = sublayers; sublayers > 0 && i < 8; ++i) bits.take(2);
    for (uint32_t i = 0; i < sublayers; ++i) {
        const int bytes = ((there[i] & 2) != 0 ? 11 : 0) + static_cast<int>(there[i] & 1);
        for (int k = 0; k < bytes; ++k) bits.take(8);
    }
}

struct H265Facts {
    int block_size = 0;  // of coding tree blocks; 0: this is no parameter set
    int reorder_depth = 0;
};

/// From behind the id of an H.265 sequence parameter set (7.3.2.2).
H265Facts read_h265_facts(Bits &bits, uint32_t sublayers) {
    if (bits.ue() == 3) bits.bit();                               // chroma
    for (int i = 0; i < 2; ++i) bits.ue();                        // size
    for (int i = bits.bit() != 0 ? 4 : 0; i > 0; --i) bits.ue();  // cropping
    for (int i = 0; i < 3; ++i) bits.ue();                        // depths, order
    const uint32_t from = bits.bit() != 0 ? 0 : sublayers;
    uint32_t depth = 0;
    for (uint32_t i = from; i <= sublayers; ++i) {
        bits.ue();
        depth = bits.ue();
        bits.ue();
    }
    const uint32_t least = bits.ue() + 3;
    const uint32_t size = least + bits.ue();
    if (size < 4 || size > 6) return {};
    return {1 << size, static_cast<int>(std::min(depth, 16u))};
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

/// Of an H.265 parameter set, from behind the header of its unit, the id.
uint32_t PacketReader::read_h265_set(int type, const uint8_t *data, size_t size) {
    Bits bits(data, size);
    uint32_t id = kNoId;
    if (type == 32) id = bits.take(4);
    if (type == 33) {
        bits.take(4);  // its video parameter set
        const uint32_t sublayers = bits.take(3);
        bits.bit();
        skip_profile(bits, sublayers);
        id = bits.ue();
        const H265Facts facts = read_h265_facts(bits, sublayers);
        block_size_ = facts.block_size;
        reorder_depth_ = facts.reorder_depth;
    }
    if (type == 34) id = bits.ue();
    return id < 64 ? id : kNoId;
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
bool PacketReader::follows_loss(bool idr, bool reference, uint32_t number,
                                const Sequence &sequence) {
    const uint32_t next = (previous_ + 1) % (1u << sequence.number_bits);
    const bool starts = idr || !known_;
    // A frame may reset the numbers (memory management operation 5), which libavcodec follows.
    const bool gap = !starts && number != previous_ && number != next && number > 1;
    if (starts || reference) {
        known_ = true;
        previous_ = number;
    }
    return gap && !sequence.gaps_allowed;
}

/// The first slice of a picture whose frame has this number.
void PacketReader::follow_refresh(uint32_t number, const Sequence &sequence, PacketFacts &facts) {
    const uint32_t passed = (number - refresh_number_) % (1u << sequence.number_bits);
    refresh_number_ = number;
    facts.ends_refresh = refresh_left_ > 0 && passed >= refresh_left_ && !facts.is_key;
    refresh_left_ -= std::min(passed, refresh_left_);
    if (facts.is_key) refresh_left_ = 0;
    facts.begins_refresh = refresh_ > 0 && refresh_left_ == 0;
    if (facts.begins_refresh) refresh_left_ = refresh_;
    refresh_ = 0;
}

void PacketReader::read_slice(int header, const uint8_t *data, size_t size, PacketFacts &facts) {
    const bool idr = facts.is_idr = (header & 0x1F) == 5;
    Bits bits(data, size);
    bits.ue();  // first macroblock
    facts.may_lead = bits.ue() % 5 == 1;
    facts.is_key = facts.is_key || idr;
    const uint32_t set = bits.ue();
    if (set >= sequence_of_.size()) return;
    const Sequence &sequence = sequences_[sequence_of_[set]];
    if (sequence.number_bits == 0) return;
    if (sequence.has_planes) bits.take(2);
    const uint32_t number = bits.take(sequence.number_bits);
    facts.lost = follows_loss(idr, (header & 0x60) != 0, number, sequence);
    follow_refresh(number, sequence, facts);
}

void PacketReader::keep_set(int type, uint32_t id, const uint8_t *data, size_t size) {
    if (id == kNoId || size > kLargestSet) return;
    std::vector<uint8_t> &set = sets_[static_cast<uint32_t>(type) << 8 | id];
    set = {0, 0, 0, 1};
    set.insert(set.end(), data, data + size);
}

/// A unit that is no slice, from its header on.
void PacketReader::read_other(const uint8_t *data, size_t size, PacketFacts &facts) {
    if (codec_ == Codec::h265) {
        const int type = data[0] >> 1 & 0x3F;
        if (size > 2) keep_set(type, read_h265_set(type, data + 2, size - 2), data, size);
        return;
    }
    const int type = data[0] & 0x1F;
    if (type == 6) {
        const int frames = recovery_frames(data + 1, size - 1);
        if (frames == 0) facts.is_key = true;
        if (frames > 0) refresh_ = static_cast<uint32_t>(frames);
    }
    if (type == 7) keep_set(type, read_sequence(data + 1, size - 1), data, size);
    if (type == 8) keep_set(type, read_picture_set(data + 1, size - 1), data, size);
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
        if (unit != 0) read_other(data + unit, i - unit, facts);
        const int type = is_h264 ? data[i + 3] & 0x1F : data[i + 3] >> 1 & 0x3F;
        i += 3;
        unit = i;
        if (is_h264 ? type >= 6 && type <= 13 : type >= 32) continue;
        if (!is_h264) facts.is_key = type >= 16 && type <= 21;
        if (type == 1 || type == 5) {
            if (is_h264) read_slice(data[i], data + i + 1, size - i - 1, facts);
        }
        return facts;
    }
    if (unit != 0) read_other(data + unit, size - unit, facts);
    facts.has_picture = unit == 0;
    facts.is_key = false;
    return facts;
}

}  // namespace softnpu
