#include "softnpu/model/execute.hpp"

#include "acl/acl_base.h"
#include "acl/error_codes/ge_error_codes.h"
#include "softnpu/core/context.hpp"
#include "softnpu/core/data_buffer.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/model/dataset.hpp"
#include "softnpu/model/model.hpp"
#include "softnpu/stream/pool.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {
namespace {

// What a real device allows a buffer to be short of.
constexpr size_t kSizeSlack = 64;

// Reads the data buffers of a dataset into `tensors`, and those behind them into the hidden
// inputs of `hidden` if given.
int take_buffers(const Dataset &dataset, const char *which, std::vector<Argument> &tensors,
                 Job *hidden, std::vector<Dataset::Item> &items, const Model &owner) {
    const uint32_t model = owner.id();
    dataset.snapshot(items);
    const size_t with_aipp = tensors.size() + (hidden != nullptr ? hidden->aipp.size() : 0);
    const bool has_gear = hidden != nullptr && owner.description().gears;
    const size_t wanted = with_aipp + (has_gear ? 1 : 0);
    if (items.size() != wanted)
        return fail(owner.description().is_dynamic ? ACL_ERROR_INVALID_PARAM
                                                   : static_cast<int>(ACL_ERROR_GE_PARAM_INVALID),
                    "model %u has %zu %ss%s, the dataset has %zu buffers", model, wanted, which,
                    has_gear                      ? " (the last one carries the gear)"
                    : with_aipp != tensors.size() ? " (the last one carries the AIPP parameters)"
                                                  : "",
                    items.size());
    for (size_t i = 0; i < wanted; ++i) {
        Argument &argument = i < tensors.size() ? tensors[i]
                             : i < with_aipp    ? hidden->aipp[i - tensors.size()]
                                                : hidden->gear;
        DataBuffer value;
        if (!read_data_buffer(items[i].buffer, value))
            return fail(ACL_ERROR_INVALID_PARAM,
                        "%s %zu of model %u: the dataset's data buffer was destroyed", which, i,
                        model);
        argument.address = value.data;
        argument.size = value.size;
        argument.buffer = items[i].buffer;
        argument.has_shape = items[i].has_shape;
        if (items[i].has_shape) argument.dims = items[i].dims;
    }
    return 0;
}

// What a dim may be, in words.
std::string bounds(int64_t dim, int64_t low, int64_t high) {
    if (dim >= 0) return std::to_string(dim);
    if (high < 0) return "at least " + std::to_string(low);
    return std::to_string(low) + " to " + std::to_string(high);
}

// The shape that the program set for a varying input must be one the model was made for.
int check_shape(const TensorInfo &info, size_t index, const Argument &argument, uint32_t model) {
    const auto refuse = [&](const char *reason) {
        return fail(ACL_ERROR_INVALID_PARAM, "input %zu ('%s', %s) of model %u: %s", index,
                    info.name.c_str(), to_text(info.dims).c_str(), model, reason);
    };
    if (!argument.has_shape)
        return refuse("its shape varies; say the real one with aclmdlSetDatasetTensorDesc");
    const Dims &dims = argument.dims;
    for (const int64_t dim : dims)
        if (dim < 0) return refuse(("the dataset says " + to_text(dims)).c_str());
    if (dims.size() != info.dims.size())
        return refuse(("the dataset says " + to_text(dims) + ", another number of dims").c_str());
    for (size_t i = 0; i < dims.size(); ++i) {
        const int64_t low = !info.range.empty() ? info.range[i][0] : 0;
        const int64_t high = !info.range.empty() ? info.range[i][1] : -1;
        const bool fits = info.dims[i] >= 0 ? dims[i] == info.dims[i]
                                            : dims[i] >= low && (high < 0 || dims[i] <= high);
        if (!fits)
            return refuse(("the dataset says " + to_text(dims) + ", and the model takes " +
                           bounds(info.dims[i], low, high) + " for dim " + std::to_string(i))
                              .c_str());
    }
    return 0;
}

int check_size(const char *which, size_t index, const TensorInfo &info, const Argument &argument,
               size_t needed, uint32_t model) {
    if (argument.size + kSizeSlack >= needed) return 0;
    return fail(ACL_ERROR_GE_FAILURE,
                "%s %zu ('%s') of model %u needs %zu bytes, its buffer has %zu", which, index,
                info.name.c_str(), model, needed, argument.size);
}

int check_inputs(const Model &model, std::vector<Argument> &inputs) {
    const Description &description = model.description();
    for (size_t i = 0; i < inputs.size(); ++i) {
        const TensorInfo &info = description.inputs[i];
        size_t needed = info.bytes;
        if (!info.is_static()) {
            if (const int code = check_shape(info, i, inputs[i], model.id())) return code;
            needed = tensor_bytes(info.type, inputs[i].dims);
        }
        if (info.is_dynamic_aipp()) continue;  // the parameters say how large the picture is
        if (const int code = check_size("input", i, info, inputs[i], needed, model.id()))
            return code;
    }
    return 0;
}

int check_outputs(const Model &model, std::vector<Argument> &outputs, RunMode mode) {
    const Description &description = model.description();
    for (size_t i = 0; i < outputs.size(); ++i) {
        const TensorInfo &info = description.outputs[i];
        if (info.is_static()) {
            if (const int code = check_size("output", i, info, outputs[i], info.bytes, model.id()))
                return code;
        } else if (outputs[i].address == nullptr && mode == RunMode::async) {
            return fail(ACL_ERROR_INVALID_PARAM,
                        "output %zu ('%s') of model %u has no memory; only aclmdlExecute "
                        "allocates it",
                        i, info.name.c_str(), model.id());
        }
    }
    return 0;
}

// Everything that can be said before the device runs. The sizes of a gear depend on which one is
// chosen, which is read when the execution begins.
int fill_ticket(const std::shared_ptr<Model> &model, const void *input, const void *output,
                RunMode mode, JobTicket &ticket) {
    const DatasetRef inputs = dataset_table().find(input);
    const DatasetRef outputs = dataset_table().find(output);
    if (!inputs || !outputs)
        return fail(ACL_ERROR_INVALID_PARAM, "the %s dataset is not a live dataset",
                    inputs ? "output" : "input");
    Job &job = ticket.job();
    if (const int code = take_buffers(*inputs, "input", job.inputs, &job, job.items, *model))
        return code;
    if (const int code = take_buffers(*outputs, "output", job.outputs, nullptr, job.items, *model))
        return code;
    for (size_t k = 0; k < job.aipp.size(); ++k) {
        const TensorInfo &info = model->description().aipp_data[k];
        const size_t index = job.inputs.size() + k;
        if (const int code = check_size("input", index, info, job.aipp[k], info.bytes, model->id()))
            return code;
    }
    if (!model->description().gears) {
        if (const int code = check_inputs(*model, job.inputs)) return code;
        if (const int code = check_outputs(*model, job.outputs, mode)) return code;
    }
    if (model->description().is_dynamic) job.results = outputs;
    return model->enter_mode(mode);
}

int make_ticket(const std::shared_ptr<Model> &model, const void *input, const void *output,
                RunMode mode, JobTicket &ticket) {
    try {
        return fill_ticket(model, input, output, mode, ticket);
    } catch (const ModelError &error) {  // a shape beyond all memory
        return fail(error.code, "%s", error.what());
    }
}

// Keeps the engine loaded while this thread is in it, see quiesce_at_exit().
int run_here(JobTicket &ticket) {
    if (!pool().enter_work()) return fail(ACL_ERROR_GE_FAILURE, "the process is exiting");
    struct Leave {
        ~Leave() { pool().leave_work(); }
    } leave;
    return ticket.run();
}

int begin(uint32_t id, const void *input, const void *output, std::shared_ptr<Model> &model) {
    if (input == nullptr || output == nullptr)
        return fail(ACL_ERROR_INVALID_PARAM, "the %s dataset is NULL",
                    input == nullptr ? "input" : "output");
    if (const int code = require_context()) return code;
    model = find_model(id);
    if (model == nullptr) return static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ID_INVALID);
    if (model->device() != current_device())
        return fail(static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ID_INVALID),
                    "model %u was loaded on device %d, the current context is of device %d", id,
                    model->device(), current_device());
    return 0;
}

int submit(Stream &stream, JobTicket ticket) {
    return stream.submit("aclmdlExecuteAsync",
                         [work = std::move(ticket)]() mutable { return work.run(); });
}

}  // namespace

int execute(uint32_t id, const void *input, const void *output) {
    std::shared_ptr<Model> model;
    if (const int code = begin(id, input, output, model)) return code;
    JobTicket ticket = model->new_job();
    if (const int code = make_ticket(model, input, output, RunMode::sync, ticket)) return code;
    return run_here(ticket);
}

int execute_async(uint32_t id, const void *input, const void *output, const void *stream) {
    std::shared_ptr<Model> model;
    if (const int code = begin(id, input, output, model)) return code;
    StreamRef queue;
    if (const int code = find_stream(stream, queue)) return code;
    JobTicket ticket = model->new_job();
    if (const int code = make_ticket(model, input, output, RunMode::async, ticket)) return code;
    return submit(*queue, std::move(ticket));
}

int execute_v2(uint32_t id, const void *input, const void *output, const void *stream,
               const ExecuteOptions &options) {
    if (stream == nullptr && options.stream_timeout < 0) return execute(id, input, output);
    std::shared_ptr<Model> model;
    if (const int code = begin(id, input, output, model)) return code;
    StreamRef queue;
    ContextRef context;
    if (stream != nullptr) {
        if (const int code = find_stream(stream, queue)) return code;
    } else {
        // A stream of its own, so that work in the default stream does not use up the time.
        if (const int code = current_context(context)) return code;
        if (const int code = create_stream(context->device(), context.handle(), {}, queue))
            return code;
    }
    int code = 0;
    {
        JobTicket ticket = model->new_job();
        code = make_ticket(model, input, output, RunMode::sync, ticket);
        if (code == 0) code = submit(*queue, std::move(ticket));
    }
    if (code == 0) code = queue->synchronize(options.stream_timeout);
    // Destroying waits for an execution that has begun: it still uses the program's memory.
    if (stream == nullptr) destroy_stream(queue.handle(), true);
    return code;
}

}  // namespace softnpu
