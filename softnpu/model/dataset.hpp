// aclmdlDataset: the data buffers of one execution, and the shapes that come with them.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "softnpu/core/export.hpp"
#include "softnpu/core/handle.hpp"
#include "softnpu/core/tensor_desc.hpp"

namespace softnpu {

class SOFTNPU_API Dataset {
  public:
    Dataset();
    ~Dataset();

    void add(const void *buffer);
    size_t size() const;
    /// Handle of the data buffer; nullptr beyond the end.
    void *buffer(size_t index) const;

    /// The dataset keeps a copy. False beyond the end.
    bool set_desc(size_t index, const TensorDesc &desc);
    bool clear_desc(size_t index);
    /// Handle of the copy, which stays the dataset's; nullptr when none is set.
    void *desc(size_t index) const;

    struct Item {
        const void *buffer = nullptr;
        bool has_shape = false;
        std::vector<int64_t> dims;
    };
    /// Copies everything an execution needs; allocates nothing once `items` has grown.
    void snapshot(std::vector<Item> &items) const;

  private:
    struct Entry {
        const void *buffer = nullptr;
        void *desc = nullptr;
    };

    mutable std::mutex mutex_;  // leaf
    std::vector<Entry> entries_;
};

using DatasetTable = HandleTable<Dataset, HandleType::dataset>;
using DatasetRef = DatasetTable::Ref;
SOFTNPU_API DatasetTable &dataset_table() noexcept;

}  // namespace softnpu
