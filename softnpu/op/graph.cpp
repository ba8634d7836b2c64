#include "softnpu/op/graph.hpp"

#include "softnpu/core/status.hpp"

namespace softnpu::op {
namespace {

const char *name_of(ov::Element element) {
    switch (element) {
        case ov::Element::boolean:
            return "boolean";
        case ov::Element::bf16:
            return "bf16";
        case ov::Element::f16:
            return "f16";
        case ov::Element::f32:
            return "f32";
        case ov::Element::f64:
            return "f64";
        case ov::Element::i8:
            return "i8";
        case ov::Element::i16:
            return "i16";
        case ov::Element::i32:
            return "i32";
        case ov::Element::i64:
            return "i64";
        case ov::Element::u8:
            return "u8";
        case ov::Element::u16:
            return "u16";
        case ov::Element::u32:
            return "u32";
        case ov::Element::u64:
            return "u64";
        default:
            return "dynamic";
    }
}

std::string join(const Dims &dims) {
    std::string text;
    for (const int64_t dim : dims) text += (text.empty() ? "" : ",") + std::to_string(dim);
    return text;
}

}  // namespace

int Graph::begin(const char *type, const char *opset, const Fields &fields, size_t inputs,
                 int outputs) {
    const int layer = layers_++;
    const std::string name = "n" + std::to_string(layer);
    text_ += "<layer id=\"" + std::to_string(layer) + "\" name=\"" + name + "\" type=\"" + type +
             "\" version=\"" + opset + "\"><data";
    for (const auto &[field, value] : fields)
        text_ += std::string(" ") + field + "=\"" + value + "\"";
    text_ += "/><input>";
    for (size_t i = 0; i < inputs; ++i) text_ += "<port id=\"" + std::to_string(i) + "\"/>";
    text_ += "</input><output>";
    // The engine works precision and shape out itself, but wants the attribute to be there. It
    // tells ports apart by the names of their tensors.
    for (int i = 0; i < outputs; ++i) {
        const std::string port = std::to_string(i);
        text_ +=
            "<port id=\"" + port + "\" precision=\"FP32\" names=\"" + name + "_" + port + "\"/>";
    }
    text_ += "</output></layer>";
    return layer;
}

void Graph::connect(Value from, int layer, size_t port) {
    edges_ += "<edge from-layer=\"" + std::to_string(from.layer) + "\" from-port=\"" +
              std::to_string(from.port) + "\" to-layer=\"" + std::to_string(layer) +
              "\" to-port=\"" + std::to_string(port) + "\"/>";
}

Value Graph::parameter(ov::Element element, const Dims &dims) {
    const Fields fields{{"shape", join(dims)}, {"element_type", name_of(element)}};
    return {begin("Parameter", "opset1", fields, 0, 1)};
}

Value Graph::constant(ov::Element element, const Dims &dims, const void *bytes, size_t size) {
    weights_.resize((weights_.size() + 63) / 64 * 64);
    const size_t offset = weights_.size();
    const auto *first = static_cast<const unsigned char *>(bytes);
    weights_.insert(weights_.end(), first, first + size);
    if (weights_.empty()) weights_.resize(64);  // the engine wants weights even for empty constants
    const Fields fields{{"element_type", name_of(element)},
                        {"shape", join(dims)},
                        {"offset", std::to_string(offset)},
                        {"size", std::to_string(size)}};
    return {begin("Const", "opset1", fields, 0, 1)};
}

Value Graph::add(const char *type, const std::vector<Value> &inputs, const Fields &fields,
                 const char *opset, int outputs) {
    const int layer = begin(type, opset, fields, inputs.size(), outputs);
    for (size_t i = 0; i < inputs.size(); ++i) connect(inputs[i], layer, i);
    return {layer};
}

void Graph::result(Value value) {
    connect(value, begin("Result", "opset1", {}, 1, 0), 0);
}

ov::Owner<ov::Network> Graph::parse() const {
    const std::string xml = "<net name=\"op\" version=\"11\"><layers>" + text_ +
                            "</layers><edges>" + edges_ + "</edges></net>";
    ov::Owner<ov::Tensor> weights;
    const auto size = static_cast<int64_t>(weights_.size());
    // The engine keeps no reference to the weights of a network read from memory but the tensor's,
    // so they are copied into a tensor of its own.
    if (size > 0) {
        ov::Tensor *tensor = nullptr;
        int64_t dims[] = {size};
        ov::check(ov::api().tensor_create(ov::Element::u8, ov::Shape{1, dims}, &tensor),
                  "keeping the constants");
        weights.reset(tensor);
        auto *to = static_cast<unsigned char *>(ov::data_of(tensor));
        std::copy(weights_.begin(), weights_.end(), to);
    }
    ov::Network *network = nullptr;
    ov::check(ov::api().core_read_model_from_memory_buffer(ov::core(), xml.data(), xml.size(),
                                                           weights.get(), &network),
              "reading the operator");
    return ov::Owner<ov::Network>(network);
}

}  // namespace softnpu::op
