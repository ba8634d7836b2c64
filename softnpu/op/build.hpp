// What an operator's definition works with: the call, and the network it writes for it.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "acl/acl_base.h"
#include "softnpu/core/export.hpp"
#include "softnpu/model/description.hpp"
#include "softnpu/op/attr.hpp"
#include "softnpu/op/graph.hpp"

namespace softnpu::op {

/// Why a call was refused; `code` is what the entry returns.
struct OpError : std::runtime_error {
    OpError(int error, const std::string &text) : std::runtime_error(text), code(error) {}
    int code;
};

/// One input or output as its tensor desc says.
struct Operand {
    aclDataType type = ACL_DT_UNDEFINED;
    aclFormat format = ACL_FORMAT_ND;
    Dims dims;
    bool absent = false;     // an optional input that was left out
    bool has_value = false;  // `value` is known when the network is built
    std::vector<unsigned char> value;

    ov::Element element() const { return engine_type(type); }
    size_t bytes() const { return tensor_bytes(type, dims); }
};

/// An operator with everything that decides which network computes it.
struct Call {
    std::string type;
    std::vector<Operand> inputs, outputs;
    Attributes attributes;
};

/// Memory of one tensor during one run, as the engine sees it.
struct Memory {
    void *data = nullptr;
    size_t bytes = 0;
};
using Memories = std::vector<Memory>;

/// An operator that is computed without the engine.
using Native = std::function<void(const Memories &inputs, const Memories &outputs)>;

class Build {
  public:
    explicit Build(const Call &call);

    const Call &call() const { return call_; }
    size_t inputs() const { return call_.inputs.size(); }
    bool has(size_t input) const { return input < inputs() && !call_.inputs[input].absent; }
    const Operand &operand(size_t input) const;
    Value in(size_t input);
    ov::Element element(size_t input) const { return operand(input).element(); }
    const Dims &dims(size_t input) const { return operand(input).dims; }
    int64_t rank(size_t input) const { return static_cast<int64_t>(dims(input).size()); }
    bool is_real(size_t input) const;
    /// Declared type of an output.
    ov::Element wanted(size_t output) const;

    // ---- values known now ----
    Dims integers_of(size_t input) const;
    double number_of(size_t input) const;
    bool flag(const char *name, bool otherwise) const;
    int64_t integer(const char *name, int64_t otherwise) const;
    float real(const char *name, float otherwise) const;
    /// An integer list; a single integer is a list of one. Throws when it is missing.
    Dims integers(const char *name) const;
    Dims integers(const char *name, const Dims &otherwise) const;
    bool has_attribute(const char *name) const { return find(name) != nullptr; }
    const Attribute *find(const char *name) const;

    // ---- layers ----
    Value add(const char *type, const std::vector<Value> &inputs, const Fields &fields = {},
              const char *opset = "opset1", int outputs = 1) {
        return graph_.add(type, inputs, fields, opset, outputs);
    }
    Value binary(const char *type, Value a, Value b) {
        return graph_.add(type, {a, b}, {{"auto_broadcast", "numpy"}});
    }
    Value list(const Dims &values);
    Value index(int64_t value);
    Value number(ov::Element element, double value);
    Value convert(Value value, ov::Element element);

    /// The next output.
    void output(Value value) { results_.push_back(value); }
    /// The next output, converted to the type that the program declared for it.
    void output_as_declared(Value value);
    /// The only output holds the bytes of input 0 in another shape; nothing is computed.
    void output_same_bytes(const Dims &dims);
    /// The only output has this shape and the type of its desc; `compute` makes it.
    void output_native(const Dims &dims, Native compute);

    [[noreturn]] void refuse(int code, const std::string &text) const;
    [[noreturn]] void refuse_input(const std::string &text) const {
        refuse(ACL_ERROR_OP_INPUT_NOT_MATCH, text);
    }
    [[noreturn]] void refuse_attribute(const std::string &text) const {
        refuse(ACL_ERROR_OP_ATTR_NOT_MATCH, text);
    }
    /// Throws when Cast's attribute names another type than its output.
    void check_cast() const;
    /// `axis` counted from the front. Throws when it is outside [-rank, rank).
    int64_t axis(int64_t axis, int64_t rank) const;

    // ---- for the kernel ----
    /// Inputs that are parameters of the network, in order.
    const std::vector<size_t> &parameters() const { return parameters_; }
    const Native &native() const { return native_; }
    ov::Element native_element() const { return native_element_; }
    const Dims &native_dims() const { return native_dims_; }
    ov::Owner<ov::Network> finish();

  private:
    const Call &call_;
    Graph graph_;
    std::vector<Value> values_;
    std::vector<size_t> parameters_;
    std::vector<Value> results_;
    Native native_;
    ov::Element native_element_ = ov::Element::dynamic;
    Dims native_dims_;
};

/// The definition of an operator.
struct Definition {
    const char *type;
    int least_inputs;
    int most_inputs;  // -1 any number
    int outputs;      // -1 any number
    void (*build)(Build &);
    /// Input whose values decide the shape of the result; counted from the end when negative.
    int value_input = kNone;
    int value_input2 = kNone;
    int value_input3 = kNone;

    /// Positions of those inputs in a call with `count` of them.
    std::vector<int> value_inputs(int count) const {
        std::vector<int> positions;
        for (const int index : {value_input, value_input2, value_input3})
            if (index != kNone) positions.push_back(index < 0 ? index + count : index);
        return positions;
    }

    static constexpr int kNone = 1000;
};

/// nullptr when there is no such operator.
const Definition *find_definition(const std::string &type);
/// "Abs, Add, ...", for messages.
SOFTNPU_API const std::string &supported_types();

using Definitions = std::vector<Definition>;
const Definitions &elementwise_definitions();
const Definitions &fused_definitions();
const Definitions &matrix_definitions();
const Definitions &reduce_definitions();
const Definitions &shape_definitions();

}  // namespace softnpu::op
