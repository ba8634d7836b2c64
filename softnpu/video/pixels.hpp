// From libavcodec's planar frames to the formats and strides the program asked for.
#pragma once

extern "C" {
#include <libavutil/frame.h>
struct SwsContext;
}

#include <string>
#include <vector>

#include "softnpu/dvpp/picture.hpp"

namespace softnpu {

/// Keeps its scratch memory between frames.
class PixelWriter {
  public:
    PixelWriter() = default;
    ~PixelWriter();
    PixelWriter(const PixelWriter &) = delete;
    PixelWriter &operator=(const PixelWriter &) = delete;

    /// Writes the whole frame, scaled to the picture's width and height.
    std::string write(const AVFrame &frame, const Picture &picture);

  private:
    /// Planar 4:2:0 of 8 bits, in a frame or in our scratch memory.
    struct Planes {
        const uint8_t *plane[3];
        int stride[3];
        int width;
        int height;
    };

    std::string to_planes(const AVFrame &frame, Planes &planes);
    std::string convert(const AVFrame &frame, Planes &planes);
    void narrow(const AVFrame &frame, Planes &planes);
    void scale(Planes &planes, int width, int height);
    std::string write_wide(const AVFrame &frame, const Picture &picture);
    Planes allocate(std::vector<uint8_t> &memory, int width, int height);

    std::vector<uint8_t> eight_bits_;
    std::vector<uint8_t> scaled_;
    std::vector<uint16_t> wide_;
    SwsContext *sws_ = nullptr;
};

}  // namespace softnpu
