#include "softnpu/model/blob.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <new>

#include "acl/error_codes/ge_error_codes.h"
#include "softnpu/model/description.hpp"

namespace softnpu {
namespace {

struct File {
    int descriptor;
    ~File() {
        if (descriptor >= 0) close(descriptor);
    }
};

[[noreturn]] void refuse(const std::string &path, const std::string &reason) {
    throw ModelError(ACL_ERROR_GE_EXEC_MODEL_PATH_INVALID, "model file '" + path + "': " + reason);
}

uint64_t mix(uint64_t value) {
    value ^= value >> 31;
    value *= 0x9E3779B97F4A7C15u;
    value ^= value >> 29;
    return value;
}

}  // namespace

ContentHash content_hash(const void *data, size_t size) {
    ContentHash hash{0x243F6A8885A308D3u ^ size, 0x13198A2E03707344u + size};
    const auto *bytes = static_cast<const uint8_t *>(data);
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = 0;
        std::memcpy(&word, bytes + at, size - at < 8 ? size - at : 8);
        hash.high = (hash.high ^ word) * 0xD6E8FEB86659FD93u;
        hash.high ^= hash.high >> 32;
        hash.low = (hash.low + word) * 0xA0761D6478BD642Fu;
        hash.low ^= hash.low >> 29;
    }
    return {mix(hash.high), mix(hash.low)};
}

Blob::Blob(size_t size) : size_(size) {
    if (size == 0) return;
    void *pages = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    bytes_ = static_cast<uint8_t *>(pages);
}

Blob::~Blob() {
    if (bytes_ != nullptr) munmap(bytes_, size_);
}

Blob Blob::copy(const void *data, size_t size) {
    Blob blob(size);
    if (size > 0) std::memcpy(blob.data(), data, size);
    return blob;
}

Blob Blob::read(const std::string &path) {
    // Without O_NONBLOCK opening a pipe waits for somebody to write to it.
    const File file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.descriptor < 0) refuse(path, std::strerror(errno));
    struct stat facts{};
    if (fstat(file.descriptor, &facts) != 0) refuse(path, std::strerror(errno));
    if (!S_ISREG(facts.st_mode)) refuse(path, "not a regular file");
    Blob blob(static_cast<size_t>(facts.st_size));
    size_t done = 0;
    while (done < blob.size()) {
        const ssize_t got = ::read(file.descriptor, blob.data() + done, blob.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) refuse(path, std::strerror(errno));
        if (got == 0) refuse(path, "became shorter while it was read");
        done += static_cast<size_t>(got);
    }
    return blob;
}

}  // namespace softnpu
