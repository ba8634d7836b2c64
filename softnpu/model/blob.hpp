// The bytes of a model file, owned and aligned for the engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

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

/// Bytes at a 64-byte boundary. Copied rather than mapped: a mapped file that somebody overwrites
/// would change the weights of a running model, or kill the process when it gets shorter.
class Blob {
  public:
    Blob() = default;
    explicit Blob(size_t size);
    static Blob copy(const void *data, size_t size);
    /// Throws ModelError: 145002 when the path cannot be read.
    static Blob read(const std::string &path);

    const uint8_t *data() const { return bytes_.get(); }
    uint8_t *data() { return bytes_.get(); }
    size_t size() const { return size_; }

  private:
    struct Free {
        void operator()(uint8_t *p) const { std::free(p); }
    };
    std::unique_ptr<uint8_t, Free> bytes_;
    size_t size_ = 0;
};

}  // namespace softnpu
