// Shared by the entries of single operators.
#pragma once

#include "softnpu/api/entry.hpp"
#include "softnpu/core/context.hpp"
#include "softnpu/op/execute.hpp"

namespace softnpu::op {

/// The array as the engine takes it: handles are never dereferenced, whatever their type.
template <class T>
Handles handles(int count, T *const *items) {
    return {count, reinterpret_cast<const void *const *>(items)};
}

inline int execute(const char *entry, const char *type, Handles input_descs, Handles inputs,
                   Handles output_descs, Handles outputs, const void *attributes,
                   const void *stream, Prepared &prepared) {
    if (inputs.count > 0) SOFTNPU_CHECK(require_pointer(inputs.items, "inputs"));
    SOFTNPU_CHECK(prepare(type, input_descs, inputs, output_descs, attributes, prepared));
    return submit(entry, prepared, inputs, outputs, stream);
}

inline int make_handle(const char *type, Handles input_descs, Handles output_descs,
                       const void *attributes, aclopHandle **handle) {
    Prepared prepared;
    SOFTNPU_CHECK(prepare(type, input_descs, {}, output_descs, attributes, prepared));
    *handle = static_cast<aclopHandle *>(create_op_handle(std::move(prepared)));
    return 0;
}

}  // namespace softnpu::op
