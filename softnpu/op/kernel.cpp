#include "softnpu/op/kernel.hpp"

#include <algorithm>
#include <cstring>
#include <list>
#include <unordered_map>

#include "softnpu/core/counters.hpp"
#include "softnpu/op/wide.hpp"

namespace softnpu::op {
namespace {

// Kernels that are kept at most. One takes a few hundred kilobytes; programs use dozens.
constexpr size_t kMost = 128;
constexpr uintptr_t kAlignment = 64;

// The memory of a tensor without elements: the engine wants an address even then.
alignas(64) unsigned char g_nothing[64];

bool overlap(const Memory &a, const Memory &b) {
    const auto first = reinterpret_cast<uintptr_t>(a.data);
    const auto second = reinterpret_cast<uintptr_t>(b.data);
    return a.bytes > 0 && b.bytes > 0 && first < second + b.bytes && second < first + a.bytes;
}

bool is_aligned(const void *address) {
    return reinterpret_cast<uintptr_t>(address) % kAlignment == 0;
}

// Room on a multiple of 64 for tensors that cannot be bound where they lie.
class Stage {
  public:
    unsigned char *take(size_t bytes) {
        auto &room = rooms_.emplace_back(bytes + kAlignment);
        const auto first = reinterpret_cast<uintptr_t>(room.data());
        count(counters().bytes_staged, bytes);
        return reinterpret_cast<unsigned char *>((first + kAlignment - 1) / kAlignment *
                                                 kAlignment);
    }

  private:
    std::list<std::vector<unsigned char>> rooms_;
};

// Dims that differ only in ones and in nothing else hold the same elements in the same order.
Dims without_ones(const Dims &dims) {
    Dims rest;
    std::copy_if(dims.begin(), dims.end(), std::back_inserter(rest),
                 [](int64_t dim) { return dim != 1; });
    return rest;
}

void check_output(const Call &call, size_t index, ov::Element element, const Dims &dims) {
    const Operand &declared = call.outputs[index];
    const std::string which = call.type + ": output " + std::to_string(index);
    if (declared.element() != element)
        throw OpError(ACL_ERROR_OP_OUTPUT_NOT_MATCH, which + " is " + element_name(element) +
                                                         ", its desc says " +
                                                         element_name(declared.element()));
    const bool is_open = std::any_of(declared.dims.begin(), declared.dims.end(),
                                     [](int64_t dim) { return dim < 0; });
    if (!is_open && without_ones(declared.dims) != without_ones(dims))
        throw OpError(
            ACL_ERROR_OP_OUTPUT_NOT_MATCH,
            which + " has shape " + to_text(dims) + ", its desc says " + to_text(declared.dims));
}

std::vector<std::vector<unsigned char>> known_values(const Call &call) {
    std::vector<std::vector<unsigned char>> values;
    for (const Operand &input : call.inputs) values.push_back(input.value);
    return values;
}

// The engine computes 64-bit integers with 32 bits. Where wide.hpp does not do it, larger ones are
// refused, not cut.
void check_range(const void *data, size_t bytes, bool is_signed, size_t input) {
    const auto *values = static_cast<const int64_t *>(data);
    for (size_t i = 0; i < bytes / sizeof *values; ++i) {
        int64_t value;
        std::memcpy(&value, values + i, sizeof value);
        const bool fits = value <= INT32_MAX && (value >= (is_signed ? INT32_MIN : 0));
        if (!fits)
            throw OpError(ACL_ERROR_UNSUPPORTED_DATA_TYPE,
                          "input " + std::to_string(input) + " holds " +
                              (is_signed ? std::to_string(value)
                                         : std::to_string(static_cast<uint64_t>(value))) +
                              "; 64-bit integers are computed within the range of int32 here");
    }
}

}  // namespace

bool Kernel::compute_wide(const Call &call) {
    Wide wide = wide_arithmetic(call);
    if (wide.compute == nullptr) wide = wide_moves(call);
    if (wide.compute == nullptr) wide = wide_order(call);
    if (wide.compute == nullptr) return false;
    for (size_t i = 0; i < wide.dims.size(); ++i)
        check_output(call, i, call.outputs[i].element(), wide.dims[i]);
    // Inputs that are known are not among those that a run is given.
    native_ = [compute = apart(std::move(wide.compute)), known = known_values(call)](
                  const Memories &inputs, const Memories &outputs) {
        Memories all = inputs;
        for (size_t i = 0; i < known.size(); ++i)
            if (!known[i].empty())
                all[i] = {const_cast<unsigned char *>(known[i].data()), known[i].size()};
        compute(all, outputs);
    };
    output_dims_ = std::move(wide.dims);
    return true;
}

Kernel::Kernel(const Call &call) {
    if (compute_wide(call)) return;
    Build build(call);
    find_definition(call.type)->build(build);
    parameters_ = build.parameters();
    native_ = build.native();
    if (native_ != nullptr) {
        check_output(call, 0, build.native_element(), build.native_dims());
        output_dims_.push_back(build.native_dims());
        return;
    }
    ov::Owner<ov::Network> network;
    std::vector<ov::PortInfo> outputs;
    try {
        network = build.finish();
        outputs = ov::outputs(network.get());
    } catch (const ov::Error &error) {
        throw OpError(ACL_ERROR_OP_INPUT_NOT_MATCH, call.type + ": " + error.what());
    }
    if (outputs.size() != call.outputs.size())
        throw OpError(ACL_ERROR_OP_OUTPUT_NOT_MATCH,
                      call.type + " has " + std::to_string(outputs.size()) + " outputs");
    for (size_t i = 0; i < outputs.size(); ++i) {
        Port port{outputs[i].element, {}, 0, false};
        for (const ov::Dimension &dim : outputs[i].dims)
            port.dims.push_back(dim.min == dim.max ? dim.min : -1);
        check_output(call, i, port.element, port.dims);
        port.bytes = tensor_bytes(call.outputs[i].type, port.dims);
        output_dims_.push_back(port.dims);
        outputs_.push_back(std::move(port));
    }
    for (const size_t i : parameters_) {
        const Operand &input = call.inputs[i];
        const bool is_wide =
            input.element() == ov::Element::i64 || input.element() == ov::Element::u64;
        // Cast converts from all 64 bits.
        inputs_.push_back(
            {input.element(), input.dims, input.bytes(), is_wide && call.type != "Cast"});
    }
    compiled_ = ov::compile(network.get(), "compiling the operator");
}

ov::Owner<ov::Request> Kernel::take() {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            ov::Owner<ov::Request> request = std::move(idle_.back());
            idle_.pop_back();
            return request;
        }
    }
    ov::Request *request = nullptr;
    ov::check(ov::api().compiled_model_create_infer_request(compiled_.get(), &request),
              "preparing an execution");
    return ov::Owner<ov::Request>(request);
}

void Kernel::give(ov::Owner<ov::Request> request) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(request));
}

void Kernel::run(const Memories &inputs, const Memories &outputs) {
    if (native_ != nullptr) return native_(inputs, outputs);
    ov::Owner<ov::Request> request = take();
    Stage stage;
    for (size_t k = 0; k < parameters_.size(); ++k) {
        Memory memory = inputs[parameters_[k]];
        const Port &port = inputs_[k];
        if (port.narrow)
            check_range(memory.data, port.bytes, port.element == ov::Element::i64, parameters_[k]);
        const bool shared = std::any_of(outputs.begin(), outputs.end(), [&](const Memory &output) {
            return overlap(memory, output);
        });
        if (port.bytes == 0) {
            memory.data = g_nothing;
        } else if (shared || !is_aligned(memory.data)) {
            unsigned char *copy = stage.take(port.bytes);
            std::memcpy(copy, memory.data, port.bytes);
            memory.data = copy;
        }
        const auto tensor = ov::wrap(port.element, port.dims.data(), port.dims.size(), memory.data);
        ov::check(ov::api().infer_request_set_input_tensor_by_index(request.get(), k, tensor.get()),
                  "binding an input");
    }
    std::vector<unsigned char *> staged(outputs_.size());
    for (size_t i = 0; i < outputs_.size(); ++i) {
        const Port &port = outputs_[i];
        void *to = port.bytes == 0 ? g_nothing : outputs[i].data;
        if (!is_aligned(to)) to = staged[i] = stage.take(port.bytes);
        const auto tensor = ov::wrap(port.element, port.dims.data(), port.dims.size(), to);
        ov::check(
            ov::api().infer_request_set_output_tensor_by_index(request.get(), i, tensor.get()),
            "binding an output");
    }
    ov::check(ov::api().infer_request_infer(request.get()), "computing");
    for (size_t i = 0; i < outputs_.size(); ++i)
        if (staged[i] != nullptr) std::memcpy(outputs[i].data, staged[i], outputs_[i].bytes);
    give(std::move(request));
}

// ---- the cache ----

namespace {

struct Cache {
    std::mutex mutex;  // guards the three below
    size_t most = kMost;
    std::list<std::pair<std::string, std::shared_ptr<Kernel>>> latest;
    std::unordered_map<std::string, decltype(latest)::iterator> index;
    std::mutex compiling;  // one compilation at a time; taken before `mutex`
};

Cache &cache() {
    static auto *const instance = new Cache;
    return *instance;
}

std::shared_ptr<Kernel> find_kernel(const std::string &key) {
    Cache &known = cache();
    const std::lock_guard lock(known.mutex);
    const auto found = known.index.find(key);
    if (found == known.index.end()) return nullptr;
    known.latest.splice(known.latest.begin(), known.latest, found->second);
    return found->second->second;
}

void remember(const std::string &key, const std::shared_ptr<Kernel> &kernel) {
    Cache &known = cache();
    std::vector<std::shared_ptr<Kernel>> dropped;  // destroyed after the lock is gone
    const std::lock_guard lock(known.mutex);
    known.latest.emplace_front(key, kernel);
    known.index[key] = known.latest.begin();
    while (known.latest.size() > known.most) {
        dropped.push_back(std::move(known.latest.back().second));
        known.index.erase(known.latest.back().first);
        known.latest.pop_back();
    }
}

void append(std::string &key, int64_t number) {
    key.append(reinterpret_cast<const char *>(&number), sizeof number);
}

std::string key_of(const Call &call) {
    std::string key = call.type;
    key += '\0';
    for (const auto *operands : {&call.inputs, &call.outputs}) {
        append(key, static_cast<int64_t>(operands->size()));
        for (const Operand &operand : *operands) {
            append(key, operand.type);
            append(key, operand.format);
            append(key, operand.absent ? -1 : static_cast<int64_t>(operand.dims.size()));
            for (const int64_t dim : operand.dims) append(key, dim);
            append(key, operand.has_value ? static_cast<int64_t>(operand.value.size()) : -1);
            if (operand.has_value) key.append(operand.value.begin(), operand.value.end());
        }
    }
    return key + op::key_of(call.attributes);
}

}  // namespace

std::shared_ptr<Kernel> kernel_for(const Call &call) {
    const std::string key = key_of(call);
    if (auto kernel = find_kernel(key)) return kernel;
    const std::lock_guard lock(cache().compiling);
    if (auto kernel = find_kernel(key)) return kernel;
    auto kernel = std::make_shared<Kernel>(call);
    remember(key, kernel);
    return kernel;
}

void keep_kernels(size_t most) noexcept {
    Cache &known = cache();
    const std::lock_guard lock(known.mutex);
    known.most = std::clamp<size_t>(most, 1, kMost);
}

}  // namespace softnpu::op
