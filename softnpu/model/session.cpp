#include "softnpu/model/session.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "acl/acl_base.h"
#include "acl/error_codes/ge_error_codes.h"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/data_buffer.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/model/network.hpp"
#include "softnpu/model/place.hpp"

namespace softnpu {
namespace {

// Stands for the memory of a tensor without elements: the engine wants an address even then.
alignas(64) unsigned char g_nothing[64];

// A shape that the port accepts and whose size is as close to `room` bytes as possible. The engine
// takes the size of the tensor bound to a varying output as the limit of what it may write there.
// Empty when no accepted shape fits.
Dims widest_dims(const TensorInfo &info, size_t room) {
    const size_t elements = room / element_bytes(info.element);
    Dims dims = info.dims;
    size_t least = 1;
    for (size_t i = 0; i < dims.size(); ++i) {
        if (dims[i] < 0) dims[i] = info.range.empty() ? 1 : std::max<int64_t>(info.range[i][0], 1);
        least *= static_cast<size_t>(dims[i]);
    }
    if (least == 0) return dims;
    size_t factor = elements / least;
    if (factor == 0) return {};
    for (size_t i = 0; i < dims.size() && factor > 1; ++i) {
        if (info.dims[i] >= 0) continue;
        const int64_t most = info.range.empty() ? -1 : info.range[i][1];
        const auto base = static_cast<size_t>(dims[i]);
        size_t times = factor;
        if (most >= 0) times = std::min(times, static_cast<size_t>(most) / base);
        if (times < 1) continue;
        dims[i] = static_cast<int64_t>(base * times);
        factor /= times;
    }
    return dims;
}

bool varies(const Description &description, const TensorInfo &info) {
    return !description.gears && !info.is_static();
}

}  // namespace

Session::Session(Network &network, size_t gear)
    : description_(network.description()),
      gear_(gear),
      request_(network.create_request(gear)),
      sources_(network.sources(gear)) {
    inputs_.resize(description_->inputs.size());
    outputs_.resize(description_->outputs.size());
    copies_ = description_->is_dynamic;
    for (size_t i = 0; i < outputs_.size(); ++i) copies_ |= !is_computed(i);
}

bool Session::is_computed(size_t index) const {
    return sources_[index].kind == ov::Source::Kind::computed;
}

const Dims &Session::dims_of(const TensorInfo &info) const {
    return description_->gears ? info.gear_dims[gear_] : info.dims;
}

void Session::bind(Slot &slot, size_t index, bool is_input, const TensorInfo &info, void *memory) {
    slot.memory = nullptr;  // until the engine has taken it
    slot.own = false;
    auto tensor = ov::wrap(info.element, slot.dims.data(), slot.dims.size(), memory);
    if (is_input) {
        ov::check(
            ov::api().infer_request_set_input_tensor_by_index(request_.get(), index, tensor.get()),
            "binding an input");
    } else {
        ov::check(
            ov::api().infer_request_set_output_tensor_by_index(request_.get(), index, tensor.get()),
            "binding an output");
    }
    slot.tensor = std::move(tensor);
    slot.memory = memory;
}

int Session::bind_input(const Place &place, size_t index, Argument &argument) {
    const TensorInfo &info = description_->inputs[index];
    if (info.aipp != nullptr) return bind_picture(place, index, argument);
    Slot &slot = inputs_[index];
    const Dims &dims = varies(*description_, info) ? argument.dims : dims_of(info);
    const size_t bytes = tensor_bytes(info.type, dims);
    void *memory = bytes == 0 ? g_nothing : device_view(argument.address);
    const bool is_bound = slot.memory == memory;
    const TensorPlace where{place, "input", index, info};
    if (const int code = check_place(where, argument.address, bytes, !is_bound)) return code;
    if (is_bound && slot.dims == dims) return 0;
    slot.dims = dims;
    bind(slot, index, true, info, memory);
    return 0;
}

/// The engine reads a tensor of ours, which AIPP fills from the picture where it lies.
int Session::bind_picture(const Place &place, size_t index, Argument &argument) {
    const TensorInfo &info = description_->inputs[index], &network = info.behind_aipp();
    Slot &slot = inputs_[index];
    const Dims dims =
        varies(*description_, network) ? info.aipp->dims_made(argument.pictures) : dims_of(network);
    const auto batch = static_cast<size_t>(dims[0]);
    const TensorPlace where{place, "input", index, info};
    size_t bytes = tensor_bytes(info.type, dims_of(info));
    if (info.aipp->is_dynamic) {
        const aipp::Settings &first = argument.pictures[0];
        bytes = batch * aipp::picture_bytes(first.format, first.src_w, first.src_h);
        if (bytes > argument.size)
            return fail(ACL_ERROR_GE_FAILURE,
                        "input %zu ('%s') of model %u: %zu pictures of %dx%d are %zu bytes, its "
                        "buffer has %zu",
                        index, info.name.c_str(), place.model, batch, first.src_w, first.src_h,
                        bytes, argument.size);
    }
    if (const int code = check_place(where, argument.address, bytes, true)) return code;
    const size_t made = tensor_bytes(network.type, dims);
    if (slot.memory == nullptr || slot.dims != dims) {
        slot.memory = nullptr;
        slot.made.resize(std::max(slot.made.size(), made + 64));
        slot.dims = dims;
        const auto first = reinterpret_cast<uintptr_t>(slot.made.data());
        bind(slot, index, true, network, reinterpret_cast<void *>((first + 63) / 64 * 64));
    }
    const bool planar = network.format != ACL_FORMAT_NHWC;
    aipp::Tensor tensor;
    tensor.element = network.element == ov::Element::f32   ? aipp::Element::f32
                     : network.element == ov::Element::f16 ? aipp::Element::f16
                                                           : aipp::Element::u8;
    tensor.planar = planar;
    tensor.channels = static_cast<int32_t>(dims[planar ? 1 : 3]);
    tensor.height = static_cast<int32_t>(dims[planar ? 2 : 1]);
    tensor.width = static_cast<int32_t>(dims[planar ? 3 : 2]);
    const auto *picture = static_cast<const uint8_t *>(device_view(argument.address));
    const aipp::Settings fixed = info.aipp->settings_for(dims);
    for (size_t i = 0; i < batch; ++i) {
        tensor.data = static_cast<unsigned char *>(slot.memory) + i * (made / batch);
        const aipp::Settings &settings = info.aipp->is_dynamic ? argument.pictures[i] : fixed;
        aipp::apply(settings, picture + i * (bytes / batch), tensor);
    }
    count(counters().images_processed, batch);
    return 0;
}

int Session::bind_output(const Place &place, size_t index, Argument &argument) {
    const TensorInfo &info = description_->outputs[index];
    if (varies(*description_, info)) return bind_varying_output(place, index, argument);
    Slot &slot = outputs_[index];
    const Dims &dims = dims_of(info);
    const size_t bytes = tensor_bytes(info.type, dims);
    argument.dims = dims;
    void *memory = bytes == 0 ? g_nothing : device_view(argument.address);
    const bool is_bound = slot.memory == memory;
    const TensorPlace where{place, "output", index, info};
    if (const int code = check_place(where, argument.address, bytes, !is_bound)) return code;
    if (is_bound) return 0;
    if (!is_computed(index)) {
        slot.memory = memory;
        return 0;
    }
    slot.dims = dims;
    bind(slot, index, false, info, memory);
    return 0;
}

int Session::bind_varying_output(const Place &place, size_t index, Argument &argument) {
    const TensorInfo &info = description_->outputs[index];
    Slot &slot = outputs_[index];
    if (argument.address == nullptr) {
        if (is_computed(index)) bind_own_memory(index);
        return 0;
    }
    void *memory = device_view(argument.address);
    const bool is_bound = slot.memory == memory;
    const TensorPlace where{place, "output", index, info};
    if (const int code = check_place(where, argument.address, argument.size, !is_bound))
        return code;
    if (!is_computed(index)) slot.memory = memory;
    if (!is_computed(index) || (is_bound && slot.room == argument.size)) return 0;
    slot.dims = widest_dims(info, argument.size);
    slot.room = argument.size;
    if (slot.dims.empty() && !info.dims.empty()) {
        bind_own_memory(index);
    } else {
        bind(slot, index, false, info, memory);
    }
    return 0;
}

// The engine grows a tensor of its own to whatever shape comes out.
void Session::bind_own_memory(size_t index) {
    const TensorInfo &info = description_->outputs[index];
    Slot &slot = outputs_[index];
    if (slot.own) return;
    slot.memory = nullptr;
    slot.room = 0;
    Dims dims = info.dims;
    for (size_t i = 0; i < dims.size(); ++i) dims[i] = std::max<int64_t>(dims[i], 0);
    ov::Tensor *tensor = nullptr;
    ov::check(ov::api().tensor_create(info.element,
                                      {static_cast<int64_t>(dims.size()), dims.data()}, &tensor),
              "making an output");
    slot.tensor.reset(tensor);
    ov::check(ov::api().infer_request_set_output_tensor_by_index(request_.get(), index, tensor),
              "binding an output");
    slot.own = true;
}

int Session::infer(std::vector<Argument> &outputs) {
    ov::Status status = ov::api().infer_request_infer(request_.get());
    if (status != ov::kOk && description_->is_dynamic) {
        // A result may have more bytes than the widest shape we could express for its buffer.
        bool rebound = false;
        for (size_t i = 0; i < outputs.size(); ++i) {
            if (!varies(*description_, description_->outputs[i])) continue;
            if (outputs_[i].own || !is_computed(i)) continue;
            bind_own_memory(i);
            rebound = true;
        }
        if (rebound) status = ov::api().infer_request_infer(request_.get());
    }
    if (status != ov::kOk)
        return fail(ACL_ERROR_GE_FAILURE, "the engine failed: %s", ov::last_error(status).c_str());
    count(counters().model_executions);
    return 0;
}

int Session::finish_varying_output(const Place &place, size_t index, Argument &argument) {
    const TensorInfo &info = description_->outputs[index];
    const Slot &slot = outputs_[index];
    argument.dims = ov::shape_of(slot.tensor.get());
    const size_t bytes = tensor_bytes(info.type, argument.dims);
    if (!slot.own || bytes == 0) return 0;
    return deliver(place, index, ov::data_of(slot.tensor.get()), argument);
}

int Session::copy_source(const Place &place, size_t index, const std::vector<Argument> &inputs,
                         std::vector<Argument> &outputs) {
    const ov::Source &source = sources_[index];
    const bool is_input = source.kind == ov::Source::Kind::input;
    const Argument &from = is_input ? inputs[source.index] : outputs[source.index];
    const TensorInfo &info =
        is_input ? description_->inputs[source.index] : description_->outputs[source.index];
    if (is_input && info.aipp != nullptr) {  // what AIPP made, not the picture
        const Slot &slot = inputs_[source.index];
        outputs[index].dims = slot.dims;
        return deliver(place, index, slot.memory, outputs[index]);
    }
    outputs[index].dims = varies(*description_, info) ? from.dims : dims_of(info);
    return deliver(place, index, device_view(from.address), outputs[index]);
}

/// Copies `data`, of the argument's dims, to the program's memory, which may be still to be made.
int Session::deliver(const Place &place, size_t index, const void *data, Argument &argument) {
    const TensorInfo &info = description_->outputs[index];
    const size_t bytes = tensor_bytes(info.type, argument.dims);
    if (bytes == 0) return 0;
    if (argument.address != nullptr && varies(*description_, info) && bytes > argument.size)
        return fail(ACL_ERROR_GE_FAILURE,
                    "output %zu ('%s') of model %u came out as %s, %zu bytes; its buffer has %zu",
                    index, info.name.c_str(), place.model, to_text(argument.dims).c_str(), bytes,
                    argument.size);
    if (argument.address == nullptr) {
        void *address = nullptr;
        if (const int code =
                allocate(MemoryKind::device, place.device, bytes, padded_size(bytes), &address))
            return code;
        if (!write_data_buffer(argument.buffer, {address, bytes})) {
            release(MemoryKind::device, address);
            return fail(ACL_ERROR_INVALID_PARAM, "the data buffer of output %zu was destroyed",
                        index);
        }
        argument.address = address;
        argument.size = bytes;
        argument.is_ours = true;
    }
    std::memmove(device_view(argument.address), data, bytes);
    count(counters().copies_d2d);
    count(counters().bytes_d2d, bytes);
    return 0;
}

int Session::finish(const Place &place, const std::vector<Argument> &inputs,
                    std::vector<Argument> &outputs) {
    int code = 0;
    for (size_t i = 0; i < outputs.size() && code == 0; ++i) {
        outputs[i].is_ours = false;
        if (!is_computed(i)) {
            code = copy_source(place, i, inputs, outputs);
        } else if (varies(*description_, description_->outputs[i])) {
            code = finish_varying_output(place, i, outputs[i]);
        }
    }
    // A failed execution leaves no memory behind that the program does not know of.
    for (size_t i = 0; i < outputs.size() && code != 0; ++i) {
        if (!std::exchange(outputs[i].is_ours, false)) continue;
        write_data_buffer(outputs[i].buffer, {});
        release(MemoryKind::device, outputs[i].address);
    }
    return code;
}

int Session::run(const Place &place, std::vector<Argument> &inputs,
                 std::vector<Argument> &outputs) {
    try {
        for (size_t i = 0; i < inputs_.size(); ++i)
            if (const int code = bind_input(place, i, inputs[i])) return code;
        for (size_t i = 0; i < outputs_.size(); ++i)
            if (const int code = bind_output(place, i, outputs[i])) return code;
        if (const int code = infer(outputs)) return code;
        return copies_ ? finish(place, inputs, outputs) : 0;
    } catch (const ov::Error &error) {
        return fail(ACL_ERROR_GE_FAILURE, "%s", error.what());
    }
}

void *Session::engine_output(size_t index) const {
    ov::Tensor *tensor = nullptr;
    ov::check(ov::api().infer_request_get_output_tensor_by_index(request_.get(), index, &tensor),
              "reading an output");
    return ov::data_of(ov::Owner<ov::Tensor>(tensor).get());
}

}  // namespace softnpu
