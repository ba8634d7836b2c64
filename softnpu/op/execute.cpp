#include "softnpu/op/execute.hpp"

#include <algorithm>
#include <cstring>

#include "softnpu/core/config.hpp"
#include "softnpu/core/context.hpp"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/core/tensor_desc.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/model/place.hpp"
#include "softnpu/op/kernel.hpp"
#include "softnpu/prof/prof.hpp"
#include "softnpu/stream/pool.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu::op {
namespace {

std::string place(const char *which, size_t index) {
    return std::string(which) + " " + std::to_string(index);
}

int read_operand(const char *which, size_t index, const void *handle, bool is_input,
                 Operand &operand, bool &on_host) {
    const TensorDescRef desc = tensor_desc_table().find(handle);
    if (!desc)
        return fail(ACL_ERROR_INVALID_PARAM, "the desc of %s is %s", place(which, index).c_str(),
                    handle == nullptr ? "NULL" : "not a live tensor desc");
    operand.type = desc->type;
    operand.format = desc->format;
    operand.dims = desc->dims;
    operand.absent = is_input && desc->type == ACL_DT_UNDEFINED;
    on_host = desc->placement == ACL_MEMTYPE_HOST;
    if (operand.absent) return 0;
    if (operand.element() == ov::Element::dynamic)
        return fail(ACL_ERROR_UNSUPPORTED_DATA_TYPE, "%s has data type %d, which the engine lacks",
                    place(which, index).c_str(), static_cast<int>(desc->type));
    const bool is_open =
        std::any_of(desc->dims.begin(), desc->dims.end(), [](int64_t dim) { return dim < 0; });
    if (is_input && is_open)
        return fail(ACL_ERROR_OP_INPUT_NOT_MATCH, "%s has shape %s; an input needs its real shape",
                    place(which, index).c_str(), to_text(desc->dims).c_str());
    if (is_input && !desc->constant.empty()) {
        operand.value = desc->constant;
        operand.has_value = true;
        if (operand.value.size() != operand.bytes())
            return fail(ACL_ERROR_OP_INPUT_NOT_MATCH,
                        "%s: the constant has %zu bytes, its shape and type want %zu",
                        place(which, index).c_str(), operand.value.size(), operand.bytes());
    }
    return 0;
}

int check_handles(const char *which, const Handles &handles) {
    if (handles.count < 0)
        return fail(ACL_ERROR_INVALID_PARAM, "the number of %ss is %d", which, handles.count);
    if (handles.count > 0 && handles.items == nullptr)
        return fail(ACL_ERROR_INVALID_PARAM, "the array of %ss is NULL", which);
    return 0;
}

// `operand` holds values the definition must know. Those in host memory are read now.
int read_value(Prepared &prepared, size_t index, const Handles &inputs) {
    Operand &operand = prepared.call.inputs[index];
    if (operand.absent || operand.has_value) return 0;
    if (!prepared.on_host[index] || inputs.items == nullptr) {
        prepared.late.push_back(index);
        return 0;
    }
    DataBuffer buffer;
    if (!read_data_buffer(inputs.items[index], buffer) || buffer.data == nullptr ||
        buffer.size < operand.bytes() ||
        (!is_device_range(buffer.data) && operand.bytes() > 0 &&
         !is_readable(buffer.data, operand.bytes())))
        return fail(ACL_ERROR_INVALID_PARAM,
                    "input %zu lies in host memory; its data buffer must hold %zu bytes", index,
                    operand.bytes());
    if (is_device_range(buffer.data))
        return fail(ACL_ERROR_INVALID_PARAM,
                    "input %zu is declared as host memory, its address is a device's", index);
    const auto *first = static_cast<const unsigned char *>(buffer.data);
    operand.value.assign(first, first + operand.bytes());
    operand.has_value = true;
    return 0;
}

// Compiling uses the engine on the program's thread: see quiesce_at_exit().
template <class Body>
int with_engine(Body &&body) {
    if (!pool().enter_work()) return fail(ACL_ERROR_FAILURE, "the process is exiting");
    struct Leave {
        ~Leave() { pool().leave_work(); }
    } leave;
    try {
        return body();
    } catch (const OpError &error) {
        return fail(error.code, "%s", error.what());
    } catch (const ModelError &error) {
        return fail(ACL_ERROR_OP_INPUT_NOT_MATCH, "%s", error.what());
    } catch (const ov::Missing &error) {
        return fail(ACL_ERROR_OP_LOAD_FAILED, "%s", error.what());
    } catch (const ov::Error &error) {
        return fail(ACL_ERROR_FAILURE, "%s", error.what());
    }
}

int check_type(const char *type, const Handles &inputs, const Handles &outputs,
               const Definition *&definition) {
    if (type == nullptr) return fail(ACL_ERROR_INVALID_PARAM, "opType is NULL");
    definition = find_definition(type);
    if (definition == nullptr)
        return fail(ACL_ERROR_OP_NOT_FOUND, "there is no operator '%.100s' here; softnpu has %s",
                    type, supported_types().c_str());
    const int most = definition->most_inputs;
    if (inputs.count < definition->least_inputs || (most >= 0 && inputs.count > most))
        return fail(ACL_ERROR_OP_INPUT_NOT_MATCH, "%s takes %d%s inputs, %d were given", type,
                    definition->least_inputs,
                    most < 0                           ? " or more"
                    : most != definition->least_inputs ? (" to " + std::to_string(most)).c_str()
                                                       : "",
                    inputs.count);
    if (definition->outputs >= 0 ? outputs.count != definition->outputs : outputs.count < 1)
        return fail(ACL_ERROR_OP_OUTPUT_NOT_MATCH, "%s has %d outputs, %d were given", type,
                    definition->outputs, outputs.count);
    return 0;
}

int read_descs(const Handles &inputs, const Handles &outputs, Prepared &prepared) {
    Call &call = prepared.call;
    for (int i = 0; i < inputs.count; ++i) {
        bool on_host = false;
        const auto index = static_cast<size_t>(i);
        if (const int code = read_operand("input", index, inputs.items[i], true,
                                          call.inputs.emplace_back(), on_host))
            return code;
        prepared.on_host.push_back(on_host);
    }
    for (int i = 0; i < outputs.count; ++i) {
        bool on_host = false;
        if (const int code = read_operand("output", static_cast<size_t>(i), outputs.items[i], false,
                                          call.outputs.emplace_back(), on_host))
            return code;
    }
    return 0;
}

// What a task needs; the program's objects may be gone by then.
struct Work {
    Prepared prepared;
    std::vector<DataBuffer> inputs, outputs;
    std::vector<std::vector<unsigned char>> copies;  // of inputs in host memory
    std::vector<Memory> from, to;                    // filled when it runs
    int device = 0;

    int run();
};

int check_tensor(const std::string &name, const DataBuffer &buffer, size_t bytes) {
    if (bytes == 0) return 0;
    if (buffer.data == nullptr)
        return fail(ACL_ERROR_INVALID_PARAM, "%s: its data buffer holds a NULL address",
                    name.c_str());
    if (buffer.size < bytes)
        return fail(ACL_ERROR_INVALID_PARAM, "%s needs %zu bytes, its data buffer has %zu",
                    name.c_str(), bytes, buffer.size);
    if (!is_device_range(buffer.data) && config().mode == Mode::discrete)
        return fail(ACL_ERROR_INVALID_PARAM,
                    "%s: %s is host memory, which this device cannot reach; copy it to memory of "
                    "aclrtMalloc",
                    name.c_str(), describe_address(buffer.data).c_str());
    if (!is_device_range(buffer.data) && !is_readable(buffer.data, bytes))
        return fail(ACL_ERROR_INVALID_PARAM, "%s: there is no memory at %p", name.c_str(),
                    buffer.data);
    return check_memory(name.c_str(), buffer.data, bytes);
}

int Work::run() {
    Call &call = prepared.call;
    from.resize(inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
        Operand &operand = call.inputs[i];
        if (operand.absent || operand.has_value) continue;
        const size_t bytes = operand.bytes();
        if (!copies[i].empty()) {
            from[i] = {copies[i].data(), bytes};
            continue;
        }
        if (const int code = check_tensor(place("input", i), inputs[i], bytes)) return code;
        from[i] = {device_view(inputs[i].data), bytes};
    }
    for (const size_t i : prepared.late) {
        const auto *first = static_cast<const unsigned char *>(from[i].data);
        call.inputs[i].value.assign(first, first + from[i].bytes);
        call.inputs[i].has_value = true;
    }
    if (prepared.kernel == nullptr) prepared.kernel = kernel_for(call);
    to.resize(outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
        const size_t bytes = tensor_bytes(call.outputs[i].type, prepared.kernel->output_dims()[i]);
        if (const int code = check_tensor(place("output", i), outputs[i], bytes)) return code;
        to[i] = {device_view(outputs[i].data), bytes};
    }
    const uint64_t start = prof::start();
    prepared.kernel->run(from, to);
    if (start != 0) prof::end_op(call.type, device, start);
    count(counters().op_executions);
    return 0;
}

int take_buffers(const char *which, const Handles &handles, size_t wanted,
                 const std::vector<Operand> &operands, std::vector<DataBuffer> &buffers) {
    if (const int code = check_handles(which, handles)) return code;
    if (static_cast<size_t>(handles.count) != wanted)
        return fail(ACL_ERROR_INVALID_PARAM, "%d data buffers for %zu %ss", handles.count, wanted,
                    which);
    for (size_t i = 0; i < wanted; ++i) {
        DataBuffer &buffer = buffers.emplace_back();
        if (operands[i].absent || read_data_buffer(handles.items[i], buffer)) continue;
        return fail(ACL_ERROR_INVALID_PARAM, "the data buffer of %s is %s", place(which, i).c_str(),
                    handles.items[i] == nullptr ? "NULL" : "not a live data buffer");
    }
    return 0;
}

// Inputs declared as host memory are taken now: the program may change them after the call.
int take_host_inputs(Work &work) {
    work.copies.resize(work.inputs.size());
    for (size_t i = 0; i < work.inputs.size(); ++i) {
        const Operand &operand = work.prepared.call.inputs[i];
        if (operand.absent || operand.has_value || !work.prepared.on_host[i]) continue;
        const DataBuffer &buffer = work.inputs[i];
        if (buffer.data == nullptr || is_device_range(buffer.data) ||
            buffer.size < operand.bytes() || !is_readable(buffer.data, operand.bytes()))
            return fail(ACL_ERROR_INVALID_PARAM,
                        "input %zu is declared as host memory; its data buffer must hold %zu bytes "
                        "of it",
                        i, operand.bytes());
        const auto *first = static_cast<const unsigned char *>(buffer.data);
        work.copies[i].assign(first, first + operand.bytes());
    }
    return 0;
}

// What can be said at once is: bad addresses are not left for the next synchronise.
int check_buffers(const Work &work) {
    const Call &call = work.prepared.call;
    for (size_t i = 0; i < work.inputs.size(); ++i) {
        const Operand &operand = call.inputs[i];
        if (operand.absent || operand.has_value || !work.copies[i].empty()) continue;
        if (const int code = check_tensor(place("input", i), work.inputs[i], operand.bytes()))
            return code;
    }
    for (size_t i = 0; work.prepared.kernel != nullptr && i < work.outputs.size(); ++i) {
        const size_t bytes =
            tensor_bytes(call.outputs[i].type, work.prepared.kernel->output_dims()[i]);
        if (const int code = check_tensor(place("output", i), work.outputs[i], bytes)) return code;
    }
    return 0;
}

}  // namespace

int prepare(const char *type, Handles input_descs, Handles inputs, Handles output_descs,
            const void *attributes, Prepared &prepared) {
    if (const int code = require_context()) return code;
    if (const int code = check_handles("input desc", input_descs)) return code;
    if (const int code = check_handles("output desc", output_descs)) return code;
    const Definition *definition = nullptr;
    if (const int code = check_type(type, input_descs, output_descs, definition)) return code;
    prepared.call.type = type;
    if (attributes != nullptr) {
        const AttributeRef found = attribute_table().find(attributes);
        if (!found) return fail(ACL_ERROR_INVALID_PARAM, "the attributes are not a live aclopAttr");
        prepared.call.attributes = found->copy();
    }
    return with_engine([&]() -> int {
        if (const int code = read_descs(input_descs, output_descs, prepared)) return code;
        for (const int index : definition->value_inputs(input_descs.count)) {
            if (const int code = read_value(prepared, static_cast<size_t>(index), inputs))
                return code;
        }
        if (prepared.late.empty()) prepared.kernel = kernel_for(prepared.call);
        return 0;
    });
}

int prepare(Call call, Prepared &prepared) {
    if (const int code = require_context()) return code;
    prepared.on_host.resize(call.inputs.size());
    prepared.call = std::move(call);
    return with_engine([&] {
        prepared.kernel = kernel_for(prepared.call);
        return 0;
    });
}

int submit(const char *entry, const Prepared &prepared, std::vector<DataBuffer> inputs,
           std::vector<DataBuffer> outputs, const void *stream) {
    StreamRef queue;
    if (const int code = find_stream(stream, queue)) return code;
    auto work = std::make_unique<Work>();
    work->prepared = prepared;
    work->device = current_device();
    work->inputs = std::move(inputs);
    work->outputs = std::move(outputs);
    if (const int code = take_host_inputs(*work)) return code;
    if (const int code = check_buffers(*work)) return code;
    return queue->submit(
        entry, [task = std::move(work)] { return with_engine([&] { return task->run(); }); });
}

int submit(const char *entry, const Prepared &prepared, Handles inputs, Handles outputs,
           const void *stream) {
    const Call &call = prepared.call;
    std::vector<DataBuffer> from, to;
    if (const int code = take_buffers("input", inputs, call.inputs.size(), call.inputs, from))
        return code;
    if (const int code = take_buffers("output", outputs, call.outputs.size(), call.outputs, to))
        return code;
    return submit(entry, prepared, std::move(from), std::move(to), stream);
}

int read_late_values(Prepared &prepared, Handles inputs) {
    return with_engine([&]() -> int {
        for (const size_t i : prepared.late) {
            Operand &operand = prepared.call.inputs[i];
            DataBuffer buffer;
            if (inputs.items == nullptr || !read_data_buffer(inputs.items[i], buffer))
                return fail(ACL_ERROR_INVALID_PARAM, "the data buffer of input %zu is not alive",
                            i);
            if (const int code = check_tensor(place("input", i), buffer, operand.bytes()))
                return code;
            const auto *first = static_cast<const unsigned char *>(device_view(buffer.data));
            operand.value.assign(first, first + operand.bytes());
            operand.has_value = true;
        }
        prepared.late.clear();
        prepared.kernel = kernel_for(prepared.call);
        return 0;
    });
}

void describe_outputs(const Prepared &prepared, Handles output_descs, bool all) {
    if (prepared.kernel == nullptr) return;
    for (int i = 0; i < output_descs.count; ++i) {
        const TensorDescRef desc = tensor_desc_table().find(output_descs.items[i]);
        if (!desc) continue;
        const bool is_open =
            std::any_of(desc->dims.begin(), desc->dims.end(), [](int64_t dim) { return dim < 0; });
        if (all || is_open) desc->dims = prepared.kernel->output_dims()[static_cast<size_t>(i)];
    }
}

OpHandleTable &op_handle_table() noexcept {
    return only_table<OpHandleTable>();
}

void *create_op_handle(Prepared prepared) {
    void *handle = op_handle_table().create(OpHandle{std::move(prepared)}).handle();
    count(counters().live_op_handles);
    return handle;
}

bool destroy_op_handle(const void *handle) noexcept {
    if (!op_handle_table().remove(handle)) return false;
    uncount(counters().live_op_handles);
    return true;
}

}  // namespace softnpu::op
