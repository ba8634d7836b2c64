#include "softnpu/model/network.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <tuple>

#include "acl/error_codes/ge_error_codes.h"
#include "softnpu/memory/memory.hpp"
#include "softnpu/model/om_file.hpp"

namespace softnpu {
namespace {

// Two networks with equal keys have the same content.
struct Key {
    ContentHash hash;
    size_t size;
    bool operator<(const Key &o) const { return std::tie(size, hash) < std::tie(o.size, o.hash); }
};

struct Cache {
    std::mutex mutex;
    std::map<Key, std::weak_ptr<Network>> networks;
};

Cache &cache() {
    static Cache *const instance = new Cache;  // models may be unloaded by static destructors
    return *instance;
}

size_t align(size_t size) {
    return (size + 63) / 64 * 64;
}

// Compares what the manifest promises with what the engine reads.
void check_port(const ov::PortInfo &port, const TensorInfo &info, const std::string &origin,
                const std::string &which) {
    const auto refuse = [&](const std::string &detail) {
        throw ModelError(ACL_ERROR_GE_PARAM_INVALID, origin + ": " + which + " '" + info.name +
                                                         "' " + detail + "; convert it again");
    };
    if (port.element != info.element)
        refuse(std::string("is ") + element_name(info.element) + " in the manifest and " +
               element_name(port.element) + " in the network");
    if (!port.has_rank) return;
    if (port.dims.size() != info.dims.size())
        refuse("has " + std::to_string(info.dims.size()) + " dims in the manifest and " +
               std::to_string(port.dims.size()) + " in the network");
    for (size_t i = 0; i < info.dims.size(); ++i) {
        const ov::Dimension &dim = port.dims[i];
        const bool fits = info.dims[i] < 0 ||
                          (info.dims[i] >= dim.min && (dim.max < 0 || info.dims[i] <= dim.max));
        if (!fits) refuse("has another shape in the network than in the manifest");
    }
}

TensorInfo describe_port(const ov::PortInfo &port, bool is_input, size_t index,
                         const std::string &origin) {
    TensorInfo info;
    info.name =
        !port.name.empty() ? port.name : (is_input ? "input_" : "output_") + std::to_string(index);
    info.element = port.element;
    info.type = acl_type(port.element);
    if (info.type == ACL_DT_UNDEFINED)
        throw ModelError(ACL_ERROR_GE_DATATYPE_INVALID,
                         origin + ": " + (is_input ? "input '" : "output '") + info.name +
                             "' holds " + element_name(port.element) +
                             " elements, which this device has no memory format for; change the "
                             "model so that it takes and gives numbers");
    if (!port.has_rank)
        throw ModelError(ACL_ERROR_GE_SHAPE_INVALID,
                         origin + ": " + (is_input ? "input '" : "output '") + info.name +
                             "' has no fixed number of dims; give the model shapes, with names or "
                             "-1 where a dim varies");
    for (const ov::Dimension &dim : port.dims) {
        info.dims.push_back(dim.min == dim.max ? dim.min : -1);
        info.range.push_back({dim.min, dim.max});
    }
    const bool is_image = is_input && info.dims.size() == 4;
    info.format = is_image ? ACL_FORMAT_NCHW : ACL_FORMAT_ND;
    info.bytes = tensor_bytes(info.type, info.dims);
    return info;
}

}  // namespace

ModelSource ModelSource::from_file(const char *path) {
    ModelSource source;
    source.path = path;
    source.origin = "model file '" + source.path + "'";
    source.bytes = Blob::read(path);
    return source;
}

ModelSource ModelSource::from_memory(const void *data, size_t size) {
    ModelSource source;
    source.origin = "the model in memory";
    // Programs that run beside the device read the file straight into device memory.
    source.bytes = Blob::copy(device_view(data), size);
    return source;
}

Network::Network(ModelSource source) : origin_(source.origin) {
    const ModelKind kind = model_kind(source.bytes.data(), source.bytes.size(), origin_);
    try {
        kind == ModelKind::om ? read_om(source) : read_onnx(source);
    } catch (const ov::Missing &missing) {
        throw ModelError(ACL_ERROR_GE_LOAD_MODEL, missing.what());
    } catch (const ov::Error &error) {
        throw ModelError(ACL_ERROR_GE_PARAM_INVALID, origin_ + ": " + error.what());
    }
    compiled_.resize(description_->gears ? description_->gears->values.size() : 1);
}

void Network::read_om(ModelSource &source) {
    OmFile file = parse_om(source.bytes.data(), source.bytes.size(), origin_);
    xml_.assign(reinterpret_cast<const char *>(source.bytes.data() + file.xml_offset),
                file.xml_size);
    weights_ = source.bytes.data() + file.bin_offset;
    weight_bytes_ = file.bin_size;
    if (source.weights != nullptr) {
        std::memcpy(source.weights, weights_, weight_bytes_);
        weights_ = source.weights;
    } else {
        bytes_ = std::move(source.bytes);
    }
    parsed_ = parse();
    const auto inputs = ov::inputs(parsed_.get());
    const auto outputs = ov::outputs(parsed_.get());
    const Description &description = file.description;
    if (inputs.size() != description.inputs.size() || outputs.size() != description.outputs.size())
        throw ModelError(ACL_ERROR_GE_PARAM_INVALID,
                         origin_ +
                             ": manifest and network differ in their number of inputs or "
                             "outputs; convert it again");
    for (size_t i = 0; i < inputs.size(); ++i)
        check_port(inputs[i], description.inputs[i].behind_aipp(), origin_, "input");
    for (size_t i = 0; i < outputs.size(); ++i)
        check_port(outputs[i], description.outputs[i], origin_, "output");
    description_ = std::make_shared<const Description>(std::move(file.description));
}

void Network::read_onnx(ModelSource &source) {
    const uint8_t *data = source.bytes.data();
    const size_t size = source.bytes.size();
    ov::Network *network = nullptr;
    // Weights in files beside the model are found relative to its path.
    if (!source.path.empty() && may_have_external_data(data, size)) {
        ov::check(ov::api().core_read_model(ov::core(), source.path.c_str(), nullptr, &network),
                  "reading the ONNX model");
    } else {
        if (source.weights != nullptr)
            data = static_cast<uint8_t *>(std::memcpy(source.weights, data, size));
        ov::check(ov::api().core_read_model_from_memory_buffer(
                      ov::core(), reinterpret_cast<const char *>(data), size, nullptr, &network),
                  "reading the ONNX model");
    }
    parsed_.reset(network);
    Description description;
    description.weight_bytes = size;
    const auto inputs = ov::inputs(network);
    const auto outputs = ov::outputs(network);
    for (size_t i = 0; i < inputs.size(); ++i)
        description.inputs.push_back(describe_port(inputs[i], true, i, origin_));
    for (size_t i = 0; i < outputs.size(); ++i)
        description.outputs.push_back(describe_port(outputs[i], false, i, origin_));
    const auto varies = [](const TensorInfo &info) { return !info.is_static(); };
    description.is_dynamic =
        std::any_of(description.inputs.begin(), description.inputs.end(), varies) ||
        std::any_of(description.outputs.begin(), description.outputs.end(), varies);
    description_ = std::make_shared<const Description>(std::move(description));
}

ov::Owner<ov::Network> Network::parse() const {
    ov::Owner<ov::Tensor> weights;
    const auto size = static_cast<int64_t>(weight_bytes_);
    if (size > 0) weights = ov::wrap(ov::Element::u8, &size, 1, weights_);
    ov::Network *network = nullptr;
    ov::check(ov::api().core_read_model_from_memory_buffer(ov::core(), xml_.data(), xml_.size(),
                                                           weights.get(), &network),
              "reading the network");
    return ov::Owner<ov::Network>(network);
}

void Network::compile(size_t gear) {
    ov::Owner<ov::Network> network = parsed_ != nullptr ? std::move(parsed_) : parse();
    if (description_->gears) {
        const auto &inputs = description_->inputs;
        std::vector<size_t> ports;
        std::vector<std::vector<ov::Dimension>> dims;
        std::vector<ov::PartialShape> shapes;
        for (size_t i = 0; i < inputs.size(); ++i) {
            ports.push_back(i);
            auto &row = dims.emplace_back();
            for (const int64_t dim : inputs[i].behind_aipp().gear_dims[gear])
                row.push_back({dim, dim});
            const auto rank = static_cast<int64_t>(row.size());
            shapes.push_back({{rank, rank}, row.data()});
        }
        ov::check(ov::api().model_reshape_by_port_indexes(network.get(), ports.data(),
                                                          shapes.data(), ports.size()),
                  "fixing the shapes of a gear");
    }
    compiled_[gear] = ov::compile(network.get(), "compiling the network");
}

void Network::compile_once(size_t gear) {
    try {
        if (compiled_[gear] == nullptr) compile(gear);
    } catch (const ov::Error &error) {
        throw ModelError(ACL_ERROR_GE_LOAD_MODEL, origin_ + ": " + error.what());
    }
}

void Network::prepare() {
    const std::lock_guard lock(mutex_);
    compile_once(description_->gears ? description_->largest_gear() : 0);
}

ov::Owner<ov::Request> Network::create_request(size_t gear) {
    const std::lock_guard lock(mutex_);
    compile_once(gear);
    try {
        ov::Request *request = nullptr;
        ov::check(ov::api().compiled_model_create_infer_request(compiled_[gear].get(), &request),
                  "preparing an execution");
        return ov::Owner<ov::Request>(request);
    } catch (const ov::Error &error) {
        throw ModelError(ACL_ERROR_GE_LOAD_MODEL, origin_ + ": " + error.what());
    }
}

std::vector<ov::Source> Network::sources(size_t gear) {
    const std::lock_guard lock(mutex_);
    try {
        return ov::sources(compiled_[gear].get());
    } catch (const ov::Error &error) {
        throw ModelError(ACL_ERROR_GE_LOAD_MODEL, origin_ + ": " + error.what());
    }
}

std::shared_ptr<Network> open_network(ModelSource source) {
    const bool is_private =
        source.weights != nullptr ||
        (!source.path.empty() && may_have_external_data(source.bytes.data(), source.bytes.size()));
    if (is_private) return std::make_shared<Network>(std::move(source));
    const Key key{content_hash(source.bytes.data(), source.bytes.size()), source.bytes.size()};
    Cache &known = cache();
    const auto find = [&]() -> std::shared_ptr<Network> {
        const auto found = known.networks.find(key);
        return found != known.networks.end() ? found->second.lock() : nullptr;
    };
    {
        const std::lock_guard lock(known.mutex);
        if (auto network = find()) return network;
    }
    auto fresh = std::make_shared<Network>(std::move(source));
    std::shared_ptr<Network> other;  // destroyed after the lock is gone
    const std::lock_guard lock(known.mutex);
    if ((other = find()) != nullptr) return other;
    for (auto it = known.networks.begin(); it != known.networks.end();)
        it = it->second.expired() ? known.networks.erase(it) : std::next(it);
    known.networks[key] = fresh;
    return fresh;
}

std::shared_ptr<const Description> describe_source(const ModelSource &source) {
    const Blob &bytes = source.bytes;
    if (model_kind(bytes.data(), bytes.size(), source.origin) == ModelKind::om)
        return std::make_shared<const Description>(
            parse_om(bytes.data(), bytes.size(), source.origin).description);
    ModelSource copy;
    copy.bytes = Blob::copy(bytes.data(), bytes.size());
    copy.path = source.path;
    copy.origin = source.origin;
    return Network(std::move(copy)).description();
}

MemoryNeeds memory_needs(const Description &description) {
    MemoryNeeds needs;
    for (const auto *tensors : {&description.inputs, &description.outputs})
        for (const TensorInfo &tensor : *tensors) needs.work += align(tensor.bytes);
    // Programs allocate what they are told, and no allocation may have size 0. Where shapes come
    // with each execution nothing can be told: 0 is what programs take for that, and give what they
    // have.
    needs.work = description.is_dynamic ? 0 : std::max<size_t>(needs.work, 64);
    needs.weight = std::max<size_t>(align(description.weight_bytes), 64);
    return needs;
}

}  // namespace softnpu
