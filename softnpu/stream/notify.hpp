// Notifies: a flag that one stream raises and another waits for and lowers.
//
// A record lets one wait go on. Without a wait it is kept for the next one; a second record before
// that adds nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "softnpu/core/export.hpp"
#include "softnpu/core/handle.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {

class Notify;
using NotifyTable = HandleTable<Notify, HandleType::notify>;
using NotifyRef = NotifyTable::Ref;
SOFTNPU_API NotifyTable &notify_table() noexcept;

class SOFTNPU_API Notify {
  public:
    explicit Notify(Device &device) : device_(device) {}

    Device &device() const noexcept { return device_; }

    int record(Stream &stream);
    /// Queue a wait; `timeout_ns` 0 = for ever, else it fails with 107019 when the time is up.
    int wait_on(Stream &stream, uint64_t timeout_ns);

  private:
    friend class NotifyWait;
    struct Waiter {
        uint64_t number = 0;
        StreamRef stream;
        uint64_t token = 0;
    };

    void raise();
    /// 0 when the flag was raised, and is lowered now; else the number of the new waiter.
    uint64_t lower_or_wait(Stream &stream);
    Waiter take_waiter(uint64_t number);
    void expire(uint64_t number);

    Device &device_;
    std::mutex mutex_;  // leaf: no other mutex is taken while it is held
    bool raised_ = false;
    uint64_t waits_ = 0;
    std::deque<Waiter> waiters_;  // first come, first served
};

SOFTNPU_API int create_notify(void **handle);
/// Does not wait: tasks that use the notify keep it.
SOFTNPU_API int destroy_notify(const void *handle);
/// Destroys what is left on a device that closes; the references keep the notifies themselves
/// alive.
std::vector<NotifyRef> remove_notifies(const Device &device);
SOFTNPU_API int find_notify(const void *handle, NotifyRef &notify);

}  // namespace softnpu
