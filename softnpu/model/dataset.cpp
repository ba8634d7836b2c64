#include "softnpu/model/dataset.hpp"

#include "softnpu/core/counters.hpp"

namespace softnpu {

Dataset::Dataset() {
    count(counters().live_datasets);
}

Dataset::~Dataset() {
    for (const Entry &entry : entries_)
        if (entry.desc != nullptr) destroy_tensor_desc(entry.desc);
    uncount(counters().live_datasets);
}

void Dataset::add(const void *buffer) {
    const std::lock_guard lock(mutex_);
    entries_.push_back({buffer, nullptr});
}

size_t Dataset::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

void *Dataset::buffer(size_t index) const {
    const std::lock_guard lock(mutex_);
    return index < entries_.size() ? const_cast<void *>(entries_[index].buffer) : nullptr;
}

bool Dataset::set_desc(size_t index, const TensorDesc &desc) {
    const std::lock_guard lock(mutex_);
    if (index >= entries_.size()) return false;
    // In place, so that a desc handed out before follows. One that the program destroyed, which it
    // must not, is made anew.
    Entry &entry = entries_[index];
    if (const auto known = tensor_desc_table().find(entry.desc)) {
        *known = desc;
    } else {
        entry.desc = create_tensor_desc(desc);
    }
    return true;
}

bool Dataset::clear_desc(size_t index) {
    const std::lock_guard lock(mutex_);
    if (index >= entries_.size()) return false;
    if (entries_[index].desc != nullptr) destroy_tensor_desc(entries_[index].desc);
    entries_[index].desc = nullptr;
    return true;
}

void *Dataset::desc(size_t index) const {
    const std::lock_guard lock(mutex_);
    return index < entries_.size() ? entries_[index].desc : nullptr;
}

void Dataset::snapshot(std::vector<Item> &items) const {
    const std::lock_guard lock(mutex_);
    if (items.size() != entries_.size()) items.resize(entries_.size());
    for (size_t i = 0; i < items.size(); ++i) {
        items[i].buffer = entries_[i].buffer;
        items[i].has_shape = false;
        if (entries_[i].desc == nullptr) continue;
        if (const auto desc = tensor_desc_table().find(entries_[i].desc)) {
            items[i].has_shape = true;
            items[i].dims = desc->dims;
        }
    }
}

DatasetTable &dataset_table() noexcept {
    static auto *const table = new DatasetTable;
    return *table;
}

}  // namespace softnpu
