// What decoder channels of the second media interface do on their stream.
#include <utility>

#include "softnpu/core/counters.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/dvpp/check.hpp"
#include "softnpu/dvpp/himpi_jpegd.hpp"
#include "softnpu/dvpp/himpi_vdec.hpp"
#include "softnpu/memory/memory.hpp"

namespace softnpu {
namespace {

constexpr uint32_t kLargestSize = 8192;
constexpr uint64_t kDeepestReorder = 32;  // packets after which a picture no longer comes

uint32_t align(uint32_t value, uint32_t step) {
    return (value + step - 1) / step * step;
}

/// What the program left at 0 is the size of the frame and the least strides for it.
void settle(const DecodedFrame &frame, Picture &target) {
    const FormatInfo &format = *format_info(target.format);
    if (target.width == 0) target.width = frame.width >> format.chroma_w << format.chroma_w;
    if (target.height == 0) target.height = frame.height >> format.chroma_h << format.chroma_h;
    if (target.stride_w == 0) target.stride_w = row_bytes(target.format, target.width, 16);
    if (target.stride_h == 0) target.stride_h = align(target.height, 2);
}

/// The packet's bytes as the engines see them; nullptr when the program freed them meanwhile.
const uint8_t *view_of(const hi_vdec_stream &stream) {
    if (check_device_memory("the packet", stream.addr, stream.len) == 0) {
        return static_cast<const uint8_t *>(device_view(stream.addr));
    }
    take_message();
    return nullptr;
}

}  // namespace

void HimpiDecoder::work(uint64_t number) {
    bool resets = false;
    {
        const Lock lock(mutex_);
        resets = std::exchange(reset_, false);
        working_ = number;
    }
    if (resets && decoder_ != nullptr) decoder_->reset();
    VdecPacket packet;
    const bool open = look_up(number, packet);
    if (open && is_jpeg()) {
        decode_picture(number, packet);
    } else if (open) {
        decode_video(number, packet);
    }
    const Lock lock(mutex_);
    decoded_ = number;
    if (open) ++decoded_count_;
    changed_.notify_all();
}

// ---- JPEG ----

void HimpiDecoder::decode_picture(uint64_t number, VdecPacket &packet) {
    if (packet.stream.len == 0) return report(number, VdecPacket::none);
    const uint8_t *data = view_of(packet.stream);
    Picture &picture = packet.target;
    std::string why = data != nullptr ? "" : "the packet's memory was freed";
    if (why.empty()) why = check_picture_memory("the picture", picture);
    if (why.empty()) why = decode_jpeg(data, packet.stream.len, precision_mode(), picture);
    if (!why.empty()) {
        log(LogLevel::error, "a JPEG picture is not decoded: %s", why.c_str());
        return report(number, VdecPacket::failed);
    }
    count(counters().images_processed);
    report(number, VdecPacket::ok, &picture);
}

// ---- video ----

void HimpiDecoder::decode_video(uint64_t number, const VdecPacket &packet) {
    if (packet.stream.len > 0) {
        const uint8_t *data = view_of(packet.stream);
        auto kept = data != nullptr ? decoder_->keep(data, packet.stream.len) : nullptr;
        if (!decoder_->send(std::move(kept), number).empty()) {
            line_.add(shared_from_this(), [this, number] { report(number, VdecPacket::failed); });
        }
        collect();
    }
    if (packet.stream.end_of_stream != 0) {
        decoder_->finish();
        collect();
        line_.add(shared_from_this(), [this, number] { give_up(number + 1); });
        decoder_->reset();
    } else if (is_last(number)) {
        decoder_->settle();
        collect();
    }
}

/// No packet waits behind this one.
bool HimpiDecoder::is_last(uint64_t number) {
    const Lock lock(mutex_);
    return number + 1 == next_;
}

void HimpiDecoder::collect() {
    DecodedFrame frame;
    while (decoder_->receive(frame)) {
        line_.add(shared_from_this(), [this, frame] { put_out(frame); });
    }
}

// ---- on the line ----

void HimpiDecoder::put_out(const DecodedFrame &frame) {
    if (frame.tag > kDeepestReorder) give_up(frame.tag - kDeepestReorder);
    VdecPacket packet;
    if (!look_up(frame.tag, packet)) return;
    count(counters().frames_decoded);
    if (packet.target.data == nullptr) {
        return report(frame.tag, frame.damaged ? VdecPacket::failed : VdecPacket::ok);
    }
    Picture target = packet.target;
    settle(frame, target);
    std::string why = check_stream_size(frame.width, frame.height, kLargestSize);
    if (why.empty()) why = check_geometry("the frame", target);
    if (why.empty()) why = check_picture_memory("the frame", target);
    if (why.empty()) why = writer_.write(*frame.picture, target, csc_matrix);
    const bool failed = frame.damaged || !why.empty();
    report(frame.tag, failed ? VdecPacket::failed : VdecPacket::ok, &target);
}

/// Packets before `number` that gave no picture.
void HimpiDecoder::give_up(uint64_t number) {
    for (;;) {
        uint64_t first = 0;
        {
            const Lock lock(mutex_);
            if (open_.empty() || open_.begin()->first >= number) return;
            first = open_.begin()->first;
        }
        report(first, VdecPacket::none);
    }
}

}  // namespace softnpu
