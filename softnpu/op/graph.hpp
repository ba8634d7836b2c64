// A small network written as OpenVINO IR: what a single operator becomes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "softnpu/model/openvino.hpp"

namespace softnpu::op {

using Dims = std::vector<int64_t>;

/// What a layer gives out at one of its ports.
struct Value {
    int layer = -1;
    int port = 0;
    explicit operator bool() const { return layer >= 0; }
};

/// Attributes of a layer: name and text of the value.
using Fields = std::vector<std::pair<const char *, std::string>>;

class Graph {
  public:
    Value parameter(ov::Element element, const Dims &dims);
    /// A constant of these bytes, row major.
    Value constant(ov::Element element, const Dims &dims, const void *bytes, size_t size);
    /// A layer; its other outputs, if it has any, are {layer, 1}, {layer, 2}, ...
    Value add(const char *type, const std::vector<Value> &inputs, const Fields &fields = {},
              const char *opset = "opset1", int outputs = 1);
    void result(Value value);

    /// The engine's reading of it. Throws ov::Error with the engine's reason.
    ov::Owner<ov::Network> parse() const;

  private:
    int begin(const char *type, const char *opset, const Fields &fields, size_t inputs,
              int outputs);
    void connect(Value from, int layer, size_t port);

    int layers_ = 0;
    std::string text_, edges_;
    std::vector<unsigned char> weights_;
};

}  // namespace softnpu::op
