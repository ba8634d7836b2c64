#include "softnpu/core/data_buffer.hpp"

#include <atomic>

#include "softnpu/core/counters.hpp"
#include "softnpu/core/handle.hpp"

namespace softnpu {
namespace {

/// Atomics only, so that HandleTable::peek() may read it.
struct Cell {
    explicit Cell(DataBuffer value) noexcept {
        data.store(value.data, std::memory_order_relaxed);
        size.store(value.size, std::memory_order_relaxed);
    }
    std::atomic<void *> data;
    std::atomic<size_t> size;
};

using Table = HandleTable<Cell, HandleType::data_buffer>;

Table &table() noexcept {
    static auto *instance = new Table;  // outlives static destruction
    return *instance;
}

}  // namespace

void *create_data_buffer(DataBuffer value) {
    void *handle = table().create(value).handle();
    count(counters().live_data_buffers);
    return handle;
}

bool read_data_buffer(const void *handle, DataBuffer &value) noexcept {
    return table().peek(handle, [&](const Cell &cell) {
        value.data = cell.data.load(std::memory_order_acquire);
        value.size = cell.size.load(std::memory_order_acquire);
    });
}

bool write_data_buffer(const void *handle, DataBuffer value) noexcept {
    const auto cell = table().find(handle);
    if (!cell) return false;
    cell->data.store(value.data, std::memory_order_release);
    cell->size.store(value.size, std::memory_order_release);
    return true;
}

bool destroy_data_buffer(const void *handle) noexcept {
    if (!table().remove(handle)) return false;
    uncount(counters().live_data_buffers);
    return true;
}

}  // namespace softnpu
