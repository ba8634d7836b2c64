// How the entries of the first media interface read and write the values behind their handles.
#pragma once

#include <cstring>
#include <type_traits>

#include "softnpu/api/entry.hpp"
#include "softnpu/core/context.hpp"
#include "softnpu/dvpp/desc.hpp"

namespace softnpu {

/// 100000 naming the argument, for NULL, stale, foreign and garbage handles.
inline int fail_handle(const void *handle, const char *name) noexcept {
    if (handle == nullptr) return require_pointer(handle, name);
    return fail(ACL_ERROR_INVALID_PARAM,
                "%s %p is no live object of this kind; it was destroyed or comes from elsewhere",
                name, handle);
}

/// The object behind a required handle.
template <class Table>
int find_in(Table &table, const void *handle, const char *name, typename Table::Ref &found) {
    found = table.find(handle);
    return found ? 0 : fail_handle(handle, name);
}

/// Body of a getter: the value, or `failed` for handles that are none.
template <class Table, class Object, class Value>
Value get_value(const char *function, Table &table, const void *handle,
                std::atomic<Value> Object::*member, Value failed = {}) noexcept {
    return guarded_value(function, failed, [&] {
        const auto found = table.find(handle);
        if (!found) return fail_handle(handle, "the descriptor"), failed;
        return ((*found).*member).load(std::memory_order_acquire);
    });
}

/// Body of a setter.
template <class Table, class Object, class Value>
int set_value(const char *function, Table &table, const void *handle,
              std::atomic<Value> Object::*member, Value value) noexcept {
    return guarded(function, [&] {
        const auto found = table.find(handle);
        if (!found) return fail_handle(handle, "the descriptor");
        ((*found).*member).store(value, std::memory_order_release);
        return 0;
    });
}

/// Body of a setter whose type in the interface is another than in the object.
template <class Table, class Object, class Value, class Given>
int set_field(const char *function, Table &table, const void *handle,
              std::atomic<Value> Object::*member, Given value) noexcept {
    if constexpr (std::is_same_v<Value, uint32_t>) {
        if (static_cast<Value>(value) == Object::kUnset) {
            return guarded(function, [] {
                return fail(ACL_ERROR_INVALID_PARAM, "0x%x is no value of it", Object::kUnset);
            });
        }
    }
    return set_value(function, table, handle, member, static_cast<Value>(value));
}

/// Body of such a getter; what the program never set (`Object::kUnset`) reads as 0.
template <class Result, class Table, class Object, class Value>
Result get_field(const char *function, Table &table, const void *handle,
                 std::atomic<Value> Object::*member) noexcept {
    const Value value = get_value(function, table, handle, member);
    if constexpr (std::is_same_v<Value, uint32_t>) {
        if (value == Object::kUnset) return Result{};
    }
    return (Result)value;
}

/// A parameter by number: what SetChannelDescParam stores.
template <class Value>
int set_parameter(std::atomic<Value> &field, size_t length, const void *from) {
    if (length != sizeof(Value)) {
        return fail(ACL_ERROR_INVALID_PARAM, "length %zu: this parameter has %zu bytes", length,
                    sizeof(Value));
    }
    Value value;
    std::memcpy(&value, from, sizeof value);
    field = value;
    return 0;
}

/// What GetChannelDescParam gives.
template <class Value>
int get_parameter(const std::atomic<Value> &field, size_t length, size_t *size, void *to) {
    if (length < sizeof(Value)) {
        return fail(ACL_ERROR_INVALID_PARAM, "length %zu: this parameter has %zu bytes", length,
                    sizeof(Value));
    }
    const Value value = field;
    std::memcpy(to, &value, sizeof value);
    *size = sizeof value;
    return 0;
}

/// Body of acldvppCreate...: a handle, or NULL without a current context.
template <class Result, class Table, class... Arguments>
Result *create_in(const char *function, Table &table, Arguments &&...arguments) noexcept {
    return guarded_value<Result *>(function, nullptr, [&]() -> Result * {
        if (require_context() != 0) return nullptr;
        return static_cast<Result *>(table.create(std::forward<Arguments>(arguments)...).handle());
    });
}

/// Body of acldvppDestroy...: NULL is fine here, unlike in acl's own Destroy functions.
template <class Table>
int destroy_in(const char *function, Table &table, const void *handle) noexcept {
    return guarded(function, [&] {
        if (handle == nullptr) return 0;
        return table.remove(handle) ? 0 : fail_handle(handle, "the descriptor");
    });
}

}  // namespace softnpu
