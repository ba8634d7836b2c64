#include "softnpu/op/attr.hpp"

#include <cstring>

#include "softnpu/core/counters.hpp"

namespace softnpu::op {
namespace {

template <class T>
void append(std::string &key, const T &value) {
    key.append(reinterpret_cast<const char *>(&value), sizeof value);
}

template <class T>
void append_all(std::string &key, const std::vector<T> &values) {
    append(key, values.size());
    for (const T &value : values) append(key, value);
}

}  // namespace

AttributeTable &attribute_table() noexcept {
    return only_table<AttributeTable>();
}

void *create_attributes() {
    void *handle = attribute_table().create().handle();
    count(counters().live_op_attrs);
    return handle;
}

bool destroy_attributes(const void *handle) noexcept {
    if (!attribute_table().remove(handle)) return false;
    uncount(counters().live_op_attrs);
    return true;
}

std::string key_of(const Attributes &attributes) {
    std::string key;
    for (const auto &[name, value] : attributes) {
        key += name;
        key += '\0';
        append(key, value.is_list);
        append_all(key, value.integers);
        append_all(key, value.reals);
        append(key, value.texts.size());
        for (const std::string &text : value.texts) {
            append(key, text.size());
            key += text;
        }
        append(key, value.lists.size());
        for (const auto &list : value.lists) append_all(key, list);
    }
    return key;
}

}  // namespace softnpu::op
