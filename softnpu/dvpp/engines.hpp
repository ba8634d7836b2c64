// The engines that stand on libraries of others. Each lives in a shared library of its own, opened
// at first use, so softnpu works where one is missing; what is missing is said by the failing call.
//
// Every function returns "" or a sentence that says what is wrong; the caller adds the code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "softnpu/core/export.hpp"
#include "softnpu/dvpp/picture.hpp"

namespace softnpu {

// ---- libsoftnpu_image.so: libjpeg-turbo and libpng ----

struct ImageInfo {
    uint32_t width = 0;
    uint32_t height = 0;
    int components = 0;
    int subsampling = 0;  // acldvppJpegFormat, of JPEG
    int orientation = 1;  // EXIF, of JPEG
    bool progressive = false;
    bool arithmetic = false;
    int bit_depth = 8;             // of PNG
    int color_type = 0;            // of PNG
    const char *unsupported = "";  // of JPEG: why no such file is decoded; "" where one is

    /// Sizes once the picture is turned as EXIF says, which decoding does.
    uint32_t turned_width() const { return orientation >= 5 ? height : width; }
    uint32_t turned_height() const { return orientation >= 5 ? width : height; }
};

/// How a JPEG file is decoded.
struct JpegDecoding {
    /// Asked once the header is read, before anything is decoded: settles what the picture leaves
    /// open (format, strides) or says why it is refused.
    std::function<std::string(const ImageInfo &, Picture &)> settle;
    bool round_up = false;  // odd sizes of formats with shared chroma; else they are rounded down
};

/// How a JPEG file is encoded.
struct JpegCoding {
    /// Counts of codes of 1 to 16 bits, and what they stand for; NULL: the standard's table.
    struct Code {
        const uint8_t *bits = nullptr;
        const uint8_t *values = nullptr;
    };
    int quality = 100;
    const uint8_t *const *quantisers = nullptr;  // of Y, Cb and Cr, 64 each, none of them 0
    Code dc[2], ac[2];                           // of luma and of chroma
    bool compact = false;                        // tables that are equal are written once
};

class ImageEngine {
  public:
    virtual ~ImageEngine() = default;
    virtual const char *version() const noexcept = 0;
    virtual std::string jpeg_info(const uint8_t *data, size_t size, ImageInfo &info) const = 0;
    /// Decodes into `picture`, whose format, strides and memory the caller chose, and turns it as
    /// EXIF says; sets its width and height.
    virtual std::string jpeg_decode(const uint8_t *data, size_t size, Picture &picture) const = 0;
    virtual std::string jpeg_decode(const uint8_t *data, size_t size, Picture &picture,
                                    const JpegDecoding &how) const = 0;
    /// `written` is the room at `out` on entry and the bytes used on return.
    virtual std::string jpeg_encode(const Picture &picture, int quality, uint8_t *out,
                                    size_t &written) const = 0;
    /// The same with quantisers for Y, Cb and Cr, 64 each, none of them 0.
    virtual std::string jpeg_encode_with(const Picture &picture, const uint8_t *const tables[3],
                                         uint8_t *out, size_t &written) const = 0;
    virtual std::string jpeg_encode_as(const Picture &picture, const JpegCoding &coding,
                                       uint8_t *out, size_t &written) const = 0;
    virtual std::string png_info(const uint8_t *data, size_t size, ImageInfo &info) const = 0;
    virtual std::string png_decode(const uint8_t *data, size_t size, Picture &picture) const = 0;
};

// ---- libsoftnpu_scale.so: libyuv and libswscale ----

enum class Interpolation : int {
    card = 0,
    bilinear = 1,
    nearest = 2,
    bilinear_tf = 3,
    nearest_tf = 4
};

class ScaleEngine {
  public:
    virtual ~ScaleEngine() = default;
    virtual const char *version() const noexcept = 0;
    /// Scales all of `source` to all of `target`, same format on both sides.
    virtual std::string resize(const Picture &source, const Picture &target,
                               Interpolation how) const = 0;
};

// ---- libsoftnpu_video.so: libavcodec ----

enum class Codec : int { h264, h265 };

/// A picture that came out of a decoder, which it may outlive.
class DecodedPicture {
  public:
    virtual ~DecodedPicture() = default;
    /// Writes it into memory of the program, converting and scaling as `picture` asks. One picture
    /// of a decoder at a time; the decoder may go on meanwhile.
    virtual std::string write(const Picture &picture) const = 0;
};

struct DecodedFrame {
    std::shared_ptr<const DecodedPicture> picture;
    uint64_t tag = 0;  // given to send() with the packet the frame came from
    uint32_t width = 0;
    uint32_t height = 0;
    bool damaged = false;
    bool interlaced = false;
    bool begins = false;  // what was sent before its packet has come out, or never will
    int bit_depth = 8;
};

/// A packet in memory of the decoder that keeps it.
class CodedPacket {
  public:
    virtual ~CodedPacket() = default;
};

class VideoDecoder {
  public:
    virtual ~VideoDecoder() = default;
    /// A copy of one access unit, Annex-B, for send(); it may outlive the decoder. nullptr when the
    /// packet is empty, too large, or there is no memory. Any thread.
    virtual std::unique_ptr<CodedPacket> keep(const uint8_t *data, size_t size) = 0;
    /// A damaged packet is no error: its frame is missing or marked.
    virtual std::string send(std::unique_ptr<CodedPacket> packet, uint64_t tag) = 0;
    /// No more packets: receive() then gives all that is left.
    virtual std::string finish() = 0;
    /// The next frame in display order; false when none is ready.
    virtual bool receive(DecodedFrame &frame) = 0;
    /// Finishes the frames whose packets were sent, so that receive() gives all but those that wait
    /// for their turn in display order. For a caller that has no more packets for now; finish()
    /// ends the sequence, this does not.
    virtual void settle() {}
    /// Frames that may wait for their turn in display order, as the stream says.
    virtual int reorder_depth() const { return 16; }
    /// Forget what came before; the next packet begins a sequence.
    virtual void reset() = 0;
};

/// What a stream says about its pictures; numbers of the H.264 and H.265 specifications.
struct VideoUsability {
    bool signal = false;  // the next two are told
    int format = 5;
    bool full_range = false;
    bool colours = false;  // and the next three
    int primaries = 1;
    int transfer = 1;
    int matrix = 1;
    bool timing = false;      // and the next two
    uint32_t tick_units = 1;  // of time_scale: a tick's length in seconds
    uint32_t time_scale = 60;
    bool fixed_rate = true;  // H.264
};

/// A rectangle whose quantiser differs from the picture's.
struct QualityRegion {
    Rect area;
    int offset = 0;  // quantiser steps
};

struct EncoderOptions {
    Codec codec = Codec::h264;
    int profile = 0;  // 0 baseline, 1 main, 2 high
    uint32_t width = 0;
    uint32_t height = 0;
    PixelFormat format = 1;
    uint32_t frame_rate = 25;
    uint32_t gop = 25;
    int rate_control = 0;       // 0 default, 1 VBR, 2 CBR, 3 fixed quantiser
    uint32_t bitrate_kbps = 0;  // 0: chosen by size
    int qp_i = 0;
    int qp_p = 0;
    int least_qp = -1;  // of rate control; negative: the engine's own
    int most_qp = -1;
    /// Of rate control: how much lower key frames' quantisers are; without it the engine's own.
    std::optional<int> key_steps;
    uint32_t slice_rows = 0;   // rows of 16 pixels in a slice of H.264; 0: no split
    bool has_regions = false;  // set_regions() will be called with some
    uint32_t refresh = 0;      // P frames in which columns without reference cross the picture
};

struct EncodedPacket {
    const uint8_t *data = nullptr;  // valid until the next call
    size_t size = 0;
    uint64_t tag = 0;
    bool key = false;
    int quantiser = -1;  // of the picture, before regions; negative: not told
};

class VideoEncoder {
  public:
    virtual ~VideoEncoder() = default;
    virtual std::string send(const Picture &picture, uint64_t tag, bool force_key) = 0;
    virtual std::string finish() = 0;
    virtual bool receive(EncodedPacket &packet) = 0;
    /// Of the frames from now on; where two overlap, the later one counts.
    virtual void set_regions(const std::vector<QualityRegion> &regions) { (void)regions; }
    /// From the next key frame on.
    virtual void set_usability(const VideoUsability &usability) { (void)usability; }
};

class VideoEngine {
  public:
    virtual ~VideoEngine() = default;
    virtual const char *version() const noexcept = 0;
    /// nullptr, with a sentence in `why`, when the library lacks the codec.
    virtual std::unique_ptr<VideoDecoder> create_decoder(Codec codec, int threads,
                                                         std::string &why) const = 0;
    virtual std::unique_ptr<VideoEncoder> create_encoder(const EncoderOptions &options, int threads,
                                                         std::string &why) const = 0;
};

// ---- finding them ----

/// The engine, or nullptr after fail(ACL_ERROR_FEATURE_UNSUPPORTED) with how to get it.
SOFTNPU_API const ImageEngine *image_engine();
SOFTNPU_API const ScaleEngine *scale_engine();
SOFTNPU_API const VideoEngine *video_engine();

/// "libavcodec 59.37.100", or "" when the library is not there; `kind` is image, scale or video.
SOFTNPU_API const char *engine_version(const char *kind) noexcept;
/// Why it is not there and how to get it; "" when it is.
SOFTNPU_API const char *engine_problem(const char *kind) noexcept;

}  // namespace softnpu

// What an engine library exports; the loader looks it up by name.
#define SOFTNPU_EXPORT_ENGINE(name, instance)                                               \
    extern "C" __attribute__((visibility("default"))) const void *softnpu_engine_##name() { \
        return &(instance);                                                                 \
    }
