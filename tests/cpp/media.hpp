// What the tests of media channels have in common: pictures of one size and threads that use them.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "acl/ops/acl_dvpp.h"
#include "tests/cpp/device.hpp"

inline constexpr uint32_t kWidth = 256, kHeight = 128, kBytes = kWidth * kHeight * 3 / 2;

inline bool has_engines() {
    return softnpuEngineVersion("video") != nullptr && softnpuEngineVersion("image") != nullptr;
}

/// Device memory of the media heap, filled and read by copies.
class Memory {
  public:
    explicit Memory(size_t size) : size_(size) { OK(acldvppMalloc(&data_, size)); }
    Memory(const void *bytes, size_t size) : Memory(size) {
        OK(aclrtMemcpy(data_, size, bytes, size,
                       is_discrete() ? ACL_MEMCPY_HOST_TO_DEVICE : ACL_MEMCPY_DEVICE_TO_DEVICE));
    }
    ~Memory() { acldvppFree(data_); }
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;
    void *data() const { return data_; }
    uint32_t size() const { return static_cast<uint32_t>(size_); }

  private:
    void *data_ = nullptr;
    size_t size_;
};

inline std::string copied(const void *device, size_t size) {
    std::string bytes(size, '\0');
    OK(aclrtMemcpy(bytes.data(), size, device, size,
                   is_discrete() ? ACL_MEMCPY_DEVICE_TO_HOST : ACL_MEMCPY_DEVICE_TO_DEVICE));
    return bytes;
}

using Memories = std::vector<std::unique_ptr<Memory>>;

/// A thread of the program with the device set; what its body throws is told by join().
class Worker {
  public:
    template <class Body>
    explicit Worker(Body body)
        : thread_([this, body] {
              try {
                  OK(aclrtSetDevice(0));
                  body();
                  OK(aclrtResetDevice(0));
              } catch (const std::exception &error) {
                  why_ = error.what();
              }
          }) {}
    void join() {
        thread_.join();
        if (!why_.empty()) throw std::runtime_error(why_);
    }

  private:
    std::string why_;  // before the thread
    std::thread thread_;
};

inline void join_all(std::vector<std::unique_ptr<Worker>> &workers) {
    for (const auto &worker : workers) worker->join();
}

inline void check_nothing_left() {
    OK(aclrtSynchronizeDevice());
    EQUAL(check::counter("live_media_channels"), 0u);
    EQUAL(check::counter("live_dvpp_descs"), 0u);
    EQUAL(check::counter("live_dvpp_allocations"), 0u);
    EQUAL(check::counter("live_subscriptions"), 0u);
}
