// Attributes of a single operator, as a program sets them.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "softnpu/core/export.hpp"
#include "softnpu/core/handle.hpp"

namespace softnpu::op {

/// One value. Bools and data types are kept as integers: programs mix them up freely.
struct Attribute {
    enum class Kind { boolean, integer, real, text, type };
    Kind kind = Kind::integer;
    bool is_list = false;
    std::vector<int64_t> integers;
    std::vector<float> reals;
    std::vector<std::string> texts;
    std::vector<std::vector<int64_t>> lists;  // of a list of lists
};

using Attributes = std::map<std::string, Attribute>;

/// What an aclopAttr stands for. Any thread; readers take a copy.
class AttributeSet {
  public:
    void set(const std::string &name, Attribute value) {
        const std::lock_guard lock(mutex_);
        values_[name] = std::move(value);
    }
    Attributes copy() const {
        const std::lock_guard lock(mutex_);
        return values_;
    }

  private:
    mutable std::mutex mutex_;  // a leaf lock
    Attributes values_;
};

using AttributeTable = HandleTable<AttributeSet, HandleType::operator_attr>;
using AttributeRef = AttributeTable::Ref;
SOFTNPU_API AttributeTable &attribute_table() noexcept;

/// Handles are counted in live_op_attrs.
SOFTNPU_API void *create_attributes();
SOFTNPU_API bool destroy_attributes(const void *handle) noexcept;

/// A text that two sets of attributes have in common only when they are equal.
std::string key_of(const Attributes &attributes);

}  // namespace softnpu::op
