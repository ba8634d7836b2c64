// What hi_mpi_*_get_fd hands out: a descriptor that is readable while results wait.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstddef>

namespace softnpu {

/// Guarded by the lock of its channel.
class ReadySignal {
  public:
    ReadySignal() = default;
    ~ReadySignal() { close(); }
    ReadySignal(const ReadySignal &) = delete;
    ReadySignal &operator=(const ReadySignal &) = delete;

    /// The descriptor, made at first use with `ready` results waiting; -1 with errno.
    int open(size_t ready) noexcept {
        if (descriptor_ < 0) {
            descriptor_ =
                eventfd(static_cast<unsigned>(ready), EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
        }
        return descriptor_;
    }
    /// False when there was none.
    bool close() noexcept {
        const bool was = descriptor_ >= 0;
        if (was) ::close(descriptor_);
        descriptor_ = -1;
        return was;
    }
    void add() const noexcept {
        if (descriptor_ >= 0) eventfd_write(descriptor_, 1);
    }
    void take() const noexcept {
        eventfd_t one = 0;
        if (descriptor_ >= 0) eventfd_read(descriptor_, &one);
    }
    void clear() const noexcept {
        eventfd_t one = 0;
        while (descriptor_ >= 0 && eventfd_read(descriptor_, &one) == 0) {
        }
    }

  private:
    int descriptor_ = -1;
};

}  // namespace softnpu
