#include "softnpu/video/marks.hpp"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace softnpu {
namespace {

constexpr int kInside = 4;  // of a block, in both directions: past what deblocking changes
constexpr uint32_t kPlain = 0x01FE00FF;

/// Another one for each piece of memory, so that a picture which happens to contain it does not do
/// so again when it is decoded once more.
uint32_t mark_at(const void *memory) {
    const auto address = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(memory)) >> 5;
    return static_cast<uint32_t>((address * 0x9E3779B97F4A7C15u) >> 29) ^ kPlain;
}

int sample_bytes(const AVFrame &frame) {
    const AVPixFmtDescriptor *format =
        av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
    return format != nullptr && format->comp[0].depth > 8 ? 2 : 1;
}

void paint_grey(AVFrame &frame) {
    const int grey = sample_bytes(frame) == 1 ? 0x80 : 0x02;  // 514 in 10 bits
    for (const AVBufferRef *plane : frame.buf) {
        if (plane != nullptr) std::memset(plane->data, grey, plane->size);
    }
}

}  // namespace

/// Calls `visit` with the place of each block's mark until it returns true.
template <class Visit>
bool BlockMarks::Marked::visit(const Visit &visit) const {
    for (int y = kInside; y < height; y += size) {
        uint8_t *row = luma->data + static_cast<ptrdiff_t>(y) * stride;
        for (int x = kInside; x < width; x += size) {
            if (visit(row + static_cast<ptrdiff_t>(x) * sample)) return true;
        }
    }
    return false;
}

void BlockMarks::add(uint64_t number, AVFrame &frame, bool grey) {
    if (grey) paint_grey(frame);
    Marked made;
    made.size = size_;
    if (made.size == 0 || frame.buf[0] == nullptr) return;
    made.number = number;
    made.luma.reset(av_buffer_ref(frame.buf[0]));
    if (made.luma == nullptr) return;
    made.width = frame.width;
    made.height = frame.height;
    made.stride = frame.linesize[0];
    made.sample = sample_bytes(frame);
    made.mark = grey ? kPlain : mark_at(made.luma->data);
    made.visit([&made](uint8_t *place) {
        std::memcpy(place, &made.mark, sizeof made.mark);
        return false;
    });
    const std::lock_guard<std::mutex> lock(mutex_);
    marked_.push_back(std::move(made));
}

std::vector<uint64_t> BlockMarks::unwritten(uint64_t last) {
    std::deque<Marked> ready;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto later =
            std::stable_partition(marked_.begin(), marked_.end(),
                                  [last](const Marked &picture) { return picture.number > last; });
        std::move(later, marked_.end(), std::back_inserter(ready));
        marked_.erase(later, marked_.end());
    }
    std::vector<uint64_t> numbers;
    for (const Marked &picture : ready) {
        const bool left = picture.visit([&picture](const uint8_t *place) {
            return std::memcmp(place, &picture.mark, sizeof picture.mark) == 0;
        });
        if (left) numbers.push_back(picture.number);
    }
    return numbers;
}

void BlockMarks::clear() {
    const std::lock_guard<std::mutex> lock(mutex_);
    marked_.clear();
}

}  // namespace softnpu
