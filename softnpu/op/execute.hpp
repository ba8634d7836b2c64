// From the handles of a program to an operator that runs on a stream.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "softnpu/core/data_buffer.hpp"
#include "softnpu/core/export.hpp"
#include "softnpu/op/build.hpp"

namespace softnpu::op {

class Kernel;

/// Arrays of handles as the entries get them.
struct Handles {
    int count = 0;
    const void *const *items = nullptr;
};

/// A call whose descs have been read, and the kernel if it could be built already. It cannot while
/// values that decide a shape lie in device memory: they are read when the stream gets there.
struct Prepared {
    Call call;
    std::vector<bool> on_host;  // inputs whose memory is the host's
    std::vector<size_t> late;   // inputs whose values are read on the stream
    std::shared_ptr<Kernel> kernel;
};

/// Reads the descs and builds the kernel. `inputs` may be empty: then only descs count. 0 or a
/// failure that is recorded.
SOFTNPU_API int prepare(const char *type, Handles input_descs, Handles inputs, Handles output_descs,
                        const void *attributes, Prepared &prepared);

/// Queues the operator. Data buffers are read now, their memory when the stream gets there.
SOFTNPU_API int submit(const char *entry, const Prepared &prepared, Handles inputs, Handles outputs,
                       const void *stream);

/// Builds the kernel of a call that came without descs.
SOFTNPU_API int prepare(Call call, Prepared &prepared);
/// Queues it on memory that came without data buffers. Inputs in `on_host` are read now.
SOFTNPU_API int submit(const char *entry, const Prepared &prepared, std::vector<DataBuffer> inputs,
                       std::vector<DataBuffer> outputs, const void *stream);

/// Shapes of the results into those output descs whose shape is open, or into all.
SOFTNPU_API void describe_outputs(const Prepared &prepared, Handles output_descs, bool all);

/// Reads the values that prepare() had to leave, now, and builds the kernel.
SOFTNPU_API int read_late_values(Prepared &prepared, Handles inputs);

/// What an aclopHandle stands for.
struct OpHandle {
    Prepared prepared;
};
using OpHandleTable = HandleTable<OpHandle, HandleType::operator_handle>;
SOFTNPU_API OpHandleTable &op_handle_table() noexcept;
SOFTNPU_API void *create_op_handle(Prepared prepared);
SOFTNPU_API bool destroy_op_handle(const void *handle) noexcept;

}  // namespace softnpu::op
