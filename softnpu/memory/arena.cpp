#include "softnpu/memory/arena.hpp"

#include <unistd.h>

#include <atomic>
#include <iterator>

#include "softnpu/core/config.hpp"
#include "softnpu/memory/range.hpp"

namespace softnpu {
namespace {

// Smaller blocks keep their pages: faulting them in again costs more than they are worth.
constexpr size_t kDiscardFrom = size_t{8} << 20;

constexpr int kMaxDevices = 32;
std::atomic<Arena *> g_device_arenas[kMaxDevices];

struct HostRange {
    uintptr_t base;
    size_t extent;
    Arena *arena;
};
std::atomic<const HostRange *> g_host{nullptr};

const HostRange *make_host_range() {
    const auto pages = static_cast<size_t>(sysconf(_SC_PHYS_PAGES));
    const size_t capacity = pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t extent = capacity * 4;
    const auto base = reinterpret_cast<uintptr_t>(reserve_memory(extent));
    const auto *range = new HostRange{base, extent, new Arena(base, extent, capacity, 0)};
    g_host.store(range, std::memory_order_release);
    return range;
}

}  // namespace

Arena::Arena(uintptr_t base, size_t extent, size_t capacity, ptrdiff_t delta)
    : capacity_(capacity), delta_(delta) {
    add_free(base, extent);
}

bool Arena::allocate(Allocation &entry) {
    const size_t extent = extent_of(entry.size);
    std::lock_guard<std::mutex> lock(mutex_);
    if (extent < entry.size || extent > capacity_ - used_) return false;
    const auto fit = free_by_size_.lower_bound({extent, 0});
    if (fit == free_by_size_.end()) return false;
    const auto block = free_by_address_.find(fit->second);
    const uintptr_t address = block->first;
    const size_t rest = block->second - extent;
    entry.address = address;
    live_.emplace(address, entry);
    erase_free(block);
    if (rest > 0) add_free(address + extent, rest);
    used_ += extent;
    return true;
}

bool Arena::remove(uintptr_t address, Allocation &removed) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = live_.find(address);
    if (found == live_.end() || found->second.mapped) return false;
    removed = found->second;
    live_.erase(found);
    give_back(removed);
    return true;
}

std::vector<Allocation> Arena::remove_all() {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Allocation> removed;
    removed.reserve(live_.size());
    for (const auto &[address, entry] : live_)
        if (!entry.mapped) removed.push_back(entry);
    for (const Allocation &entry : removed) {
        live_.erase(entry.address);
        give_back(entry);
    }
    return removed;
}

void Arena::give_back(const Allocation &entry) {
    const size_t extent = extent_of(entry.size);
    used_ -= extent;
    if (extent >= kDiscardFrom) {
        discard_pages(entry.address + static_cast<uintptr_t>(delta_), extent);
    }
    freed_[freed_next_++ % freed_.size()] = entry;
    join_free(entry.address, extent);
}

void Arena::join_free(uintptr_t address, size_t extent) {
    auto after = free_by_address_.lower_bound(address);
    if (after != free_by_address_.end() && after->first == address + extent) {
        extent += after->second;
        const auto joined = after++;
        erase_free(joined);
    }
    if (after != free_by_address_.begin()) {
        const auto before = std::prev(after);
        if (before->first + before->second == address) {
            address = before->first;
            extent += before->second;
            erase_free(before);
        }
    }
    add_free(address, extent);
}

bool Arena::reserve(size_t size, size_t alignment, uintptr_t &address) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto fit = free_by_size_.lower_bound({size, 0}); fit != free_by_size_.end(); ++fit) {
        const auto [extent, begin] = *fit;
        const uintptr_t first = (begin + alignment - 1) & ~(alignment - 1);
        if (first - begin > extent - size) continue;
        erase_free(free_by_address_.find(begin));
        if (first > begin) add_free(begin, first - begin);
        const size_t rest = extent - size - (first - begin);
        if (rest > 0) add_free(first + size, rest);
        address = first;
        return true;
    }
    return false;
}

void Arena::unreserve(uintptr_t address, size_t size) {
    std::lock_guard<std::mutex> lock(mutex_);
    join_free(address, size);
}

bool Arena::take(size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (bytes > capacity_ - used_) return false;
    used_ += bytes;
    return true;
}

void Arena::give(size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    used_ -= bytes;
}

void Arena::map(const Allocation &entry) {
    std::lock_guard<std::mutex> lock(mutex_);
    live_.emplace(entry.address, entry);
}

bool Arena::unmap(uintptr_t address, Allocation &removed) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = live_.find(address);
    if (found == live_.end() || !found->second.mapped) return false;
    removed = found->second;
    live_.erase(found);
    freed_[freed_next_++ % freed_.size()] = removed;
    return true;
}

void Arena::add_free(uintptr_t address, size_t extent) {
    free_by_address_.emplace(address, extent);
    free_by_size_.emplace(extent, address);
}

void Arena::erase_free(std::map<uintptr_t, size_t>::iterator block) {
    free_by_size_.erase({block->second, block->first});
    free_by_address_.erase(block);
}

bool Arena::find_locked(uintptr_t address, Allocation &found) const {
    auto next = live_.upper_bound(address);
    if (next == live_.begin()) return false;
    const Allocation &entry = std::prev(next)->second;
    if (address - entry.address >= entry.size) return false;
    found = entry;
    for (; found.mapped && next != live_.end() && next->second.mapped &&
           next->first == found.address + found.size;
         ++next)
        found.size += next->second.size;
    return true;
}

bool Arena::find_freed_locked(uintptr_t address, Allocation &found) const {
    for (size_t back = 1; back <= freed_.size(); ++back) {
        const Allocation &entry = freed_[(freed_next_ + freed_.size() - back) % freed_.size()];
        if (address - entry.address < entry.size) {
            found = entry;
            return true;
        }
    }
    return false;
}

bool Arena::find(uintptr_t address, Allocation &found) const {
    std::lock_guard<std::mutex> lock(mutex_);
    return find_locked(address, found);
}

bool Arena::find_freed(uintptr_t address, Allocation &found) const {
    std::lock_guard<std::mutex> lock(mutex_);
    return find_freed_locked(address, found);
}

bool Arena::try_find(uintptr_t address, Allocation &found, bool &freed) const {
    std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return false;
    freed = false;
    if (find_locked(address, found)) return true;
    freed = true;
    return find_freed_locked(address, found);
}

size_t Arena::used() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return used_;
}

Arena &device_arena(int device) {
    std::atomic<Arena *> &entry = g_device_arenas[device];
    if (Arena *arena = entry.load(std::memory_order_acquire)) return *arena;
    const DeviceRanges &ranges = device_ranges();
    static std::mutex making;
    std::lock_guard<std::mutex> lock(making);
    if (entry.load(std::memory_order_relaxed) == nullptr) {
        entry.store(new Arena(ranges.base + static_cast<size_t>(device) * ranges.stride,
                              ranges.stride, config().memory, ranges.delta),
                    std::memory_order_release);
    }
    return *entry.load(std::memory_order_relaxed);
}

Arena &host_arena() {
    if (const HostRange *range = g_host.load(std::memory_order_acquire)) return *range->arena;
    static const HostRange *const range = make_host_range();
    return *range->arena;
}

Arena *host_arena_if_holds(const void *address) noexcept {
    const HostRange *range = g_host.load(std::memory_order_acquire);
    const bool inside =
        range != nullptr && reinterpret_cast<uintptr_t>(address) - range->base < range->extent;
    return inside ? range->arena : nullptr;
}

Arena *arena_of(const void *address) noexcept {
    const DeviceRanges *ranges = device_ranges_if_any();
    const int device = ranges != nullptr ? ranges->device_of(address) : -1;
    if (device >= 0) return g_device_arenas[device].load(std::memory_order_acquire);
    return host_arena_if_holds(address);
}

}  // namespace softnpu
