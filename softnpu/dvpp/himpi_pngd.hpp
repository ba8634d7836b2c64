// PNG channels of the second media interface: files go in, the program's own pictures come out in
// the same order.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "acl/dvpp/hi_dvpp.h"
#include "softnpu/core/export.hpp"
#include "softnpu/dvpp/engines.hpp"
#include "softnpu/dvpp/himpi_vpc.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {

/// What a file becomes when it is decoded to `wanted`; UNKNOWN keeps what the file has of alpha.
struct PngOutput {
    PixelFormat format = 0;
    int color_type = 0;
    uint32_t width = 0;
    uint32_t height = 0;
    uint32_t stride_w = 0;  // bytes
    uint32_t stride_h = 0;
};
/// "" or why such a file is not decoded.
SOFTNPU_API std::string png_output(const uint8_t *data, size_t size, PixelFormat wanted,
                                   PngOutput &output);

/// A file as it was sent, and what became of it: `why` is empty or a sentence.
struct PngJob {
    hi_img_stream stream{};
    hi_pic_info info{};
    std::string why;
};

class PngChannel : public std::enable_shared_from_this<PngChannel> {
  public:
    static constexpr int32_t kChannels = PNGD_MAX_CHN_NUM;
    static constexpr uint32_t kDefaultDepth = 64, kMostDepth = 1024;

    /// Codes of the interface, after fail(). `depth`: files sent and not fetched; 0 is the default.
    SOFTNPU_API static int create(int32_t id, uint32_t depth);
    SOFTNPU_API static int find(int32_t id, std::shared_ptr<PngChannel> &channel,
                                bool take = false);

    SOFTNPU_API int send(const PngJob &job, int32_t milliseconds);
    SOFTNPU_API int fetch(PngJob &job, int32_t milliseconds);
    SOFTNPU_API void close();

  private:
    using Lock = std::unique_lock<std::mutex>;

    void work(PngJob job);

    StreamRef stream_;
    std::mutex mutex_;  // leaf lock, guards what follows
    std::condition_variable changed_;
    std::deque<PngJob> ready_;
    size_t working_ = 0;  // sent, not decoded
    size_t depth_ = kDefaultDepth;
    bool closed_ = false;
};

using PngChannelRef = std::shared_ptr<PngChannel>;

inline int pngd_error(unsigned code) noexcept {
    return static_cast<int>(code);
}

}  // namespace softnpu
