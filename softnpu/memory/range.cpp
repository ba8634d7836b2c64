#include "softnpu/memory/range.hpp"

#include <sys/mman.h>

#include <atomic>
#include <new>

#include "softnpu/core/config.hpp"
#include "softnpu/core/fork.hpp"
#include "softnpu/memory/fault.hpp"

namespace softnpu {
namespace {

std::atomic<const DeviceRanges *> g_ranges{nullptr};

// More addresses than memory: fragmentation then never makes an allocation fail that would fit.
constexpr size_t kAddressesPerByte = 4;

uintptr_t map(size_t size, int protection) {
    void *address =
        mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED) throw std::bad_alloc();
    // Rows of pictures lie in different pages of 4 KB. Where the kernel has no others, it refuses.
    madvise(address, size, MADV_HUGEPAGE);
    madvise(address, size, MADV_DONTDUMP);  // a core file is about the program, not the card
    return reinterpret_cast<uintptr_t>(address);
}

/// In discrete mode the program's addresses carry no bytes at all: they are reserved without access
/// rights, and the engines' mapping a constant distance away holds the device's memory.
const DeviceRanges *reserve() {
    auto *ranges = new DeviceRanges;
    const bool discrete = config().mode == Mode::discrete;
    ranges->stride = config().memory * kAddressesPerByte;
    ranges->total = ranges->stride * static_cast<size_t>(config().devices());
    ranges->base = map(ranges->total, discrete ? PROT_NONE : PROT_READ | PROT_WRITE);
    if (discrete) {
        ranges->delta =
            static_cast<ptrdiff_t>(map(ranges->total, PROT_READ | PROT_WRITE) - ranges->base);
    }
    g_ranges.store(ranges, std::memory_order_release);
    note_started();
    if (discrete) install_fault_handler();
    return ranges;
}

}  // namespace

const DeviceRanges &device_ranges() {
    if (const DeviceRanges *ranges = device_ranges_if_any()) return *ranges;
    static const DeviceRanges *const ranges = reserve();
    return *ranges;
}

const DeviceRanges *device_ranges_if_any() noexcept {
    return g_ranges.load(std::memory_order_acquire);
}

void *reserve_memory(size_t size) {
    return reinterpret_cast<void *>(map(size, PROT_READ | PROT_WRITE));
}

void discard_pages(uintptr_t address, size_t size) noexcept {
    constexpr uintptr_t kPage = 4096;
    const uintptr_t first = (address + kPage - 1) & ~(kPage - 1);
    const uintptr_t last = (address + size) & ~(kPage - 1);
    if (first < last) madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED);
}

}  // namespace softnpu
