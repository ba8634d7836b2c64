#include "softnpu/op/build.hpp"

#include <algorithm>
#include <cstring>
#include <map>

namespace softnpu::op {
namespace {

template <class T>
double element_at(const std::vector<unsigned char> &bytes, size_t index) {
    T value;
    std::memcpy(&value, bytes.data() + index * sizeof value, sizeof value);
    return static_cast<double>(value);
}

double half_to_double(uint16_t bits) {
    const double sign = (bits & 0x8000u) != 0 ? -1 : 1;
    const int exponent = (bits >> 10) & 31;
    const double fraction = bits & 1023u;
    if (exponent == 31) return fraction != 0 ? __builtin_nan("") : sign * __builtin_inf();
    if (exponent == 0) return sign * __builtin_ldexp(fraction, -24);
    return sign * __builtin_ldexp(1024 + fraction, exponent - 25);
}

double value_at(const Operand &operand, size_t index) {
    const auto &bytes = operand.value;
    switch (operand.type) {
        case ACL_FLOAT:
            return element_at<float>(bytes, index);
        case ACL_DOUBLE:
            return element_at<double>(bytes, index);
        case ACL_INT8:
            return element_at<int8_t>(bytes, index);
        case ACL_INT16:
            return element_at<int16_t>(bytes, index);
        case ACL_INT32:
            return element_at<int32_t>(bytes, index);
        case ACL_INT64:
            return element_at<int64_t>(bytes, index);
        case ACL_UINT8:
        case ACL_BOOL:
            return element_at<uint8_t>(bytes, index);
        case ACL_UINT16:
            return element_at<uint16_t>(bytes, index);
        case ACL_UINT32:
            return element_at<uint32_t>(bytes, index);
        case ACL_UINT64:
            return element_at<uint64_t>(bytes, index);
        case ACL_FLOAT16: {
            uint16_t bits;
            std::memcpy(&bits, bytes.data() + index * 2, 2);
            return half_to_double(bits);
        }
        default:
            return 0;
    }
}

}  // namespace

Build::Build(const Call &call) : call_(call), values_(call.inputs.size()) {
    for (size_t i = 0; i < call.inputs.size(); ++i) {
        const Operand &input = call.inputs[i];
        if (input.absent) continue;
        if (input.has_value) {
            values_[i] = graph_.constant(input.element(), input.dims, input.value.data(),
                                         input.value.size());
        } else {
            values_[i] = graph_.parameter(input.element(), input.dims);
            parameters_.push_back(i);
        }
    }
}

const Operand &Build::operand(size_t input) const {
    if (!has(input)) refuse_input("input " + std::to_string(input) + " is missing");
    return call_.inputs[input];
}

Value Build::in(size_t input) {
    operand(input);
    return values_[input];
}

bool Build::is_real(size_t input) const {
    const ov::Element e = element(input);
    return e == ov::Element::f32 || e == ov::Element::f16 || e == ov::Element::bf16 ||
           e == ov::Element::f64;
}

ov::Element Build::wanted(size_t output) const {
    return call_.outputs.at(output).element();
}

Dims Build::integers_of(size_t input) const {
    const Operand &found = operand(input);
    if (!found.has_value)
        refuse_input("the values of input " + std::to_string(input) + " are unknown");
    const size_t size = element_bytes(found.element());
    Dims values(size != 0 ? found.value.size() / size : 0);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(value_at(found, i));
    return values;
}

double Build::number_of(size_t input) const {
    const Operand &found = operand(input);
    if (!found.has_value || found.value.empty())
        refuse_input("the value of input " + std::to_string(input) + " is unknown");
    return value_at(found, 0);
}

const Attribute *Build::find(const char *name) const {
    const auto found = call_.attributes.find(name);
    return found != call_.attributes.end() ? &found->second : nullptr;
}

int64_t Build::integer(const char *name, int64_t otherwise) const {
    const Attribute *found = find(name);
    if (found == nullptr) return otherwise;
    if (found->integers.size() != 1)
        refuse_attribute(std::string("attribute '") + name + "' must be one integer or bool");
    return found->integers[0];
}

bool Build::flag(const char *name, bool otherwise) const {
    return integer(name, otherwise ? 1 : 0) != 0;
}

float Build::real(const char *name, float otherwise) const {
    const Attribute *found = find(name);
    if (found == nullptr) return otherwise;
    if (found->reals.size() == 1) return found->reals[0];
    if (found->integers.size() == 1) return static_cast<float>(found->integers[0]);
    refuse_attribute(std::string("attribute '") + name + "' must be one number");
}

Dims Build::integers(const char *name) const {
    const Attribute *found = find(name);
    if (found == nullptr)
        refuse_attribute(std::string("attribute '") + name +
                         "' is missing; set it with aclopSetAttr...");
    if (!found->reals.empty() || !found->texts.empty())
        refuse_attribute(std::string("attribute '") + name + "' must be integers");
    if (found->lists.empty()) return found->integers;
    Dims flat;
    for (const auto &row : found->lists) flat.insert(flat.end(), row.begin(), row.end());
    return flat;
}

Dims Build::integers(const char *name, const Dims &otherwise) const {
    return find(name) != nullptr ? integers(name) : otherwise;
}

Value Build::list(const Dims &values) {
    return graph_.constant(ov::Element::i64, {static_cast<int64_t>(values.size())}, values.data(),
                           values.size() * sizeof(int64_t));
}

Value Build::index(int64_t value) {
    return graph_.constant(ov::Element::i64, {}, &value, sizeof value);
}

Value Build::number(ov::Element element, double value) {
    const auto single = static_cast<float>(value);
    const Value made = graph_.constant(ov::Element::f32, {}, &single, sizeof single);
    return element == ov::Element::f32 ? made : convert(made, element);
}

Value Build::convert(Value value, ov::Element element) {
    static const std::map<ov::Element, const char *> kNames{
        {ov::Element::boolean, "boolean"}, {ov::Element::bf16, "bf16"}, {ov::Element::f16, "f16"},
        {ov::Element::f32, "f32"},         {ov::Element::f64, "f64"},   {ov::Element::i8, "i8"},
        {ov::Element::i16, "i16"},         {ov::Element::i32, "i32"},   {ov::Element::i64, "i64"},
        {ov::Element::u8, "u8"},           {ov::Element::u16, "u16"},   {ov::Element::u32, "u32"},
        {ov::Element::u64, "u64"}};
    return graph_.add("Convert", {value}, {{"destination_type", kNames.at(element)}});
}

void Build::output_as_declared(Value value) {
    output(convert(value, wanted(results_.size())));
}

void Build::output_same_bytes(const Dims &dims) {
    native_element_ = element(0);
    native_dims_ = dims;
    native_ = [](const Memories &inputs, const Memories &outputs) {
        const size_t bytes = std::min(inputs[0].bytes, outputs[0].bytes);
        if (bytes > 0) std::memmove(outputs[0].data, inputs[0].data, bytes);
    };
}

void Build::output_native(const Dims &dims, Native compute) {
    native_element_ = wanted(0);
    native_dims_ = dims;
    native_ = std::move(compute);
}

void Build::refuse(int code, const std::string &text) const {
    throw OpError(code, call_.type + ": " + text);
}

void Build::check_cast() const {
    const auto declared = static_cast<int64_t>(call_.outputs[0].type);
    const int64_t type = integer("dst_type", declared);
    if (type != declared)
        refuse_attribute("dst_type " + std::to_string(type) +
                         " is not the type of the output desc, " + std::to_string(declared));
}

int64_t Build::axis(int64_t axis, int64_t rank) const {
    if (axis < -rank || axis >= rank)
        refuse_attribute("axis " + std::to_string(axis) + " of a tensor with " +
                         std::to_string(rank) + " dims");
    return axis < 0 ? axis + rank : axis;
}

ov::Owner<ov::Network> Build::finish() {
    for (const Value value : results_) graph_.result(value);
    return graph_.parse();
}

// ---- which operators there are ----

namespace {

const std::map<std::string, const Definition *> &catalog() {
    static const auto *all = [] {
        auto *made = new std::map<std::string, const Definition *>;
        for (const auto *part :
             {&elementwise_definitions(), &fused_definitions(), &matrix_definitions(),
              &reduce_definitions(), &shape_definitions()})
            for (const Definition &definition : *part) (*made)[definition.type] = &definition;
        return made;
    }();
    return *all;
}

}  // namespace

const Definition *find_definition(const std::string &type) {
    const auto found = catalog().find(type);
    return found != catalog().end() ? found->second : nullptr;
}

const std::string &supported_types() {
    static const auto *text = [] {
        auto *made = new std::string;
        for (const auto &entry : catalog()) *made += (made->empty() ? "" : ", ") + entry.first;
        return made;
    }();
    return *text;
}

}  // namespace softnpu::op
