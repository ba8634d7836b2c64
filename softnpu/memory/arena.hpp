// Hands out pieces of one range of addresses and knows every live piece.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "softnpu/memory/memory.hpp"

namespace softnpu {

/// Best fit with coalescing. All functions lock; the lock is a leaf.
class Arena {
  public:
    /// Addresses [base, base + extent); `delta` leads to the bytes behind them. At most `capacity`
    /// bytes are handed out at a time.
    Arena(uintptr_t base, size_t extent, size_t capacity, ptrdiff_t delta);

    /// Sets entry.address, aligned to kGranule; false when the capacity is used up.
    bool allocate(Allocation &entry);

    /// Remove the allocation that starts at `address`.
    bool remove(uintptr_t address, Allocation &removed);
    /// Remove everything but what is mapped; returns what was there.
    std::vector<Allocation> remove_all();

    /// Addresses alone, aligned to a power of two; they are not in use as memory is.
    bool reserve(size_t size, size_t alignment, uintptr_t &address);
    void unreserve(uintptr_t address, size_t size);
    /// Memory alone; false when the capacity is used up.
    bool take(size_t bytes);
    void give(size_t bytes);
    /// Memory lies behind reserved addresses, until unmap().
    void map(const Allocation &entry);
    bool unmap(uintptr_t address, Allocation &removed);

    /// The allocation that holds `address`. Mapped pieces go on into the ones after them.
    bool find(uintptr_t address, Allocation &found) const;
    /// The latest of the recently freed allocations that held `address`.
    bool find_freed(uintptr_t address, Allocation &found) const;
    /// For the fault handler: never waits. False when busy or not found.
    bool try_find(uintptr_t address, Allocation &found, bool &freed) const;

    size_t capacity() const noexcept { return capacity_; }
    size_t used() const;

    static constexpr size_t kGranule = 128;  // suits every alignment rule

  private:
    static size_t extent_of(size_t size) { return (size + kGranule - 1) & ~(kGranule - 1); }
    void add_free(uintptr_t address, size_t extent);
    void erase_free(std::map<uintptr_t, size_t>::iterator block);
    void give_back(const Allocation &entry);
    void join_free(uintptr_t address, size_t extent);
    bool find_locked(uintptr_t address, Allocation &found) const;
    bool find_freed_locked(uintptr_t address, Allocation &found) const;

    const size_t capacity_;
    const ptrdiff_t delta_;
    mutable std::mutex mutex_;
    std::map<uintptr_t, Allocation> live_;
    std::map<uintptr_t, size_t> free_by_address_;
    std::set<std::pair<size_t, uintptr_t>> free_by_size_;
    std::array<Allocation, 64> freed_{};  // the latest, so that messages can tell "freed"
    size_t freed_next_ = 0;
    size_t used_ = 0;
};

/// The arena of a device, made at first use.
Arena &device_arena(int device);
/// Pinned host memory.
Arena &host_arena();
Arena *host_arena_if_holds(const void *address) noexcept;
/// The arena whose range holds `address`, nullptr for other host memory. Safe in a signal handler.
Arena *arena_of(const void *address) noexcept;

}  // namespace softnpu
