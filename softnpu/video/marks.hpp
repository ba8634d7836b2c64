// Blocks of an H.265 picture that no slice wrote.
//
// libavcodec says nothing when a slice ends early or is missing: its blocks keep what was in the
// memory before. So each block of a picture is marked before it is decoded, where no filter of a
// neighbour reaches, and a mark that is still there afterwards tells.
#pragma once

extern "C" {
#include <libavutil/frame.h>
}

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace softnpu {

class BlockMarks {
  public:
    /// Of coding tree blocks; 0: not known, nothing is marked.
    void set_size(int size) { size_ = size; }
    /// A picture is about to be decoded from packet `number`. `grey`: on grey, with marks that do
    /// not depend on where the picture is in memory. Any thread.
    void add(uint64_t number, AVFrame &frame, bool grey);
    /// Packets up to `last` were decoded: those whose pictures have marks left.
    std::vector<uint64_t> unwritten(uint64_t last);
    void clear();

  private:
    struct FreeBuffer {
        void operator()(AVBufferRef *buffer) const noexcept { av_buffer_unref(&buffer); }
    };
    struct Marked {
        uint64_t number = 0;
        std::unique_ptr<AVBufferRef, FreeBuffer> luma;
        int width = 0, height = 0, stride = 0;
        int sample = 1;  // bytes
        int size = 0;    // of blocks
        uint32_t mark = 0;

        template <class Visit>
        bool visit(const Visit &visit) const;
    };

    std::atomic<int> size_{0};
    std::mutex mutex_;
    std::deque<Marked> marked_;
};

}  // namespace softnpu
