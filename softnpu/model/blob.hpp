// The bytes of a model file, owned and aligned for the engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "softnpu/core/export.hpp"

namespace softnpu {

/// 128 bits that name a content. Not cryptographic: it tells files apart, it does not prove them.
struct ContentHash {
    uint64_t high = 0;
    uint64_t low = 0;
    bool operator==(const ContentHash &o) const { return high == o.high && low == o.low; }
    bool operator<(const ContentHash &o) const {
        return high != o.high ? high < o.high : low < o.low;
    }
};
ContentHash content_hash(const void *data, size_t size);

/// Bytes in pages of their own, which go back to the system with them: a heap would keep the holes
/// that models of many megabytes leave. Copied rather than mapped from the file: a file that
/// somebody overwrites would change the weights of a running model, or kill the process when it
/// gets shorter.
class Blob {
  public:
    Blob() = default;
    explicit Blob(size_t size);
    Blob(Blob &&other) noexcept
        : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Blob &operator=(Blob &&other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(size_, other.size_);
        return *this;
    }
    SOFTNPU_API ~Blob();

    static Blob copy(const void *data, size_t size);
    /// Throws ModelError: 145002 when the path cannot be read.
    static Blob read(const std::string &path);

    const uint8_t *data() const { return bytes_; }
    uint8_t *data() { return bytes_; }
    size_t size() const { return size_; }

  private:
    uint8_t *bytes_ = nullptr;
    size_t size_ = 0;
};

}  // namespace softnpu
