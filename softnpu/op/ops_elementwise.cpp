// Operators that work element by element.
#include <cstring>
#include <iterator>

#include "softnpu/op/build.hpp"

namespace softnpu::op {
namespace {

template <const char *const &kType>
void unary(Build &b) {
    b.output(b.add(kType, {b.in(0)}));
}

template <const char *const &kType>
void binary(Build &b) {
    if (b.element(0) != b.element(1)) b.refuse_input("both inputs must have one data type");
    b.output(b.binary(kType, b.in(0), b.in(1)));
}

template <const char *const &kType>
void logical(Build &b) {
    const Value x = b.convert(b.in(0), ov::Element::boolean);
    const Value y = b.convert(b.in(1), ov::Element::boolean);
    b.output(b.binary(kType, x, y));
}

#define NAMED(name) constexpr const char *k##name = #name
NAMED(Abs);
NAMED(Negative);
NAMED(Relu);
NAMED(Sigmoid);
NAMED(Tanh);
NAMED(Exp);
NAMED(Sqrt);
NAMED(Floor);
NAMED(Ceiling);
NAMED(Sign);
NAMED(Sin);
NAMED(Cos);
NAMED(Tan);
NAMED(Erf);
NAMED(Acos);
NAMED(Asin);
NAMED(Atan);
NAMED(Sinh);
NAMED(Cosh);
NAMED(Add);
NAMED(Subtract);
NAMED(Multiply);
NAMED(Maximum);
NAMED(Minimum);
NAMED(Power);
NAMED(SquaredDifference);
NAMED(FloorMod);
NAMED(Mod);
NAMED(Equal);
NAMED(NotEqual);
NAMED(Greater);
NAMED(GreaterEqual);
NAMED(Less);
NAMED(LessEqual);
NAMED(LogicalAnd);
NAMED(LogicalOr);
#undef NAMED

void round(Build &b) {
    if (!b.is_real(0)) return b.output_same_bytes(b.dims(0));
    b.output(b.add("Round", {b.in(0)}, {{"mode", "half_to_even"}}, "opset5"));
}

void divide(Build &b) {
    if (b.element(0) != b.element(1)) b.refuse_input("both inputs must have one data type");
    // Division of integers cuts towards zero, as C does.
    b.output(b.add("Divide", {b.in(0), b.in(1)},
                   {{"auto_broadcast", "numpy"}, {"m_pythondiv", "false"}}));
}

void floor_divide(Build &b) {
    if (b.element(0) != b.element(1)) b.refuse_input("both inputs must have one data type");
    if (b.is_real(0)) return b.output(b.add("Floor", {b.binary("Divide", b.in(0), b.in(1))}));
    // The engine's own rounding down of integer quotients is not done on every CPU.
    const Value rest = b.binary("FloorMod", b.in(0), b.in(1));
    b.output(b.binary("Divide", b.binary("Subtract", b.in(0), rest), b.in(1)));
}

void reciprocal(Build &b) {
    b.output(b.binary("Divide", b.number(b.element(0), 1), b.in(0)));
}

void rsqrt(Build &b) {
    b.output(b.binary("Divide", b.number(b.element(0), 1), b.add("Sqrt", {b.in(0)})));
}

void square(Build &b) {
    b.output(b.binary("Multiply", b.in(0), b.in(0)));
}

void log(Build &b) {
    if (b.real("base", -1) > 0 || b.real("scale", 1) != 1 || b.real("shift", 0) != 0)
        b.refuse_attribute("only the natural logarithm without scale and shift is here");
    b.output(b.add("Log", {b.in(0)}));
}

void relu6(Build &b) {
    b.output(b.add("Clamp", {b.in(0)}, {{"min", "0"}, {"max", "6"}}));
}

void leaky_relu(Build &b) {
    b.output(b.add("PRelu", {b.in(0), b.number(b.element(0), b.real("negative_slope", 0))}));
}

void prelu(Build &b) {
    b.output(b.add("PRelu", {b.in(0), b.in(1)}));
}

void zeros_like(Build &b) {
    b.output_native(b.dims(0), [](const Memories &, const Memories &out) {
        if (out[0].bytes > 0) std::memset(out[0].data, 0, out[0].bytes);
    });
}

void elu(Build &b) {
    b.output(b.add("Elu", {b.in(0)}, {{"alpha", std::to_string(b.real("alpha", 1))}}));
}

void gelu(Build &b) {
    b.output(b.add("Gelu", {b.in(0)}, {{"approximation_mode", "TANH"}}, "opset7"));
}

void softplus(Build &b) {
    b.output(b.add("SoftPlus", {b.in(0)}, {}, "opset4"));
}

void hard_swish(Build &b) {
    b.output(b.add("HSwish", {b.in(0)}, {}, "opset4"));
}

void logical_not(Build &b) {
    b.output(b.add("LogicalNot", {b.convert(b.in(0), ov::Element::boolean)}));
}

void cast(Build &b) {
    b.check_cast();
    if (b.element(0) == b.wanted(0)) return b.output_same_bytes(b.dims(0));
    b.output_as_declared(b.in(0));
}

void bias_add(Build &b) {
    const bool channels_last =
        b.operand(0).format == ACL_FORMAT_NHWC || b.rank(0) < 3 || b.rank(1) != 1;
    if (channels_last) return b.output(b.binary("Add", b.in(0), b.in(1)));
    Dims shape(static_cast<size_t>(b.rank(0)), 1);
    shape[1] = b.dims(1)[0];
    const Value bias = b.add("Reshape", {b.in(1), b.list(shape)}, {{"special_zero", "false"}});
    b.output(b.binary("Add", b.in(0), bias));
}

void select(Build &b) {
    const Value condition = b.convert(b.in(0), ov::Element::boolean);
    b.output(b.add("Select", {condition, b.in(1), b.in(2)}, {{"auto_broadcast", "numpy"}}));
}

void clip(Build &b) {
    const Value low = b.binary("Maximum", b.in(0), b.in(1));
    b.output(b.binary("Minimum", low, b.in(2)));
}

void softmax_axis(Build &b, const char *type, const char *name) {
    const Dims axes = b.integers(name, {-1});
    if (axes.size() != 1) b.refuse_attribute(std::string(name) + " must hold one axis");
    const int64_t axis = b.axis(axes[0], b.rank(0));
    b.output(b.add(type, {b.in(0)}, {{"axis", std::to_string(axis)}},
                   type == std::string("Softmax") ? "opset1" : "opset5"));
}
void softmax(Build &b) {
    softmax_axis(b, "Softmax", b.has_attribute("axis") ? "axis" : "axes");
}
void log_softmax(Build &b) {
    softmax_axis(b, "LogSoftmax", "axes");
}

void add_n(Build &b) {
    Value sum = b.in(0);
    for (size_t i = 1; i < b.inputs(); ++i) sum = b.binary("Add", sum, b.in(i));
    if (b.inputs() == 1) return b.output_same_bytes(b.dims(0));
    b.output(sum);
}

constexpr Definition kAll[] = {
    {"Abs", 1, 1, 1, unary<kAbs>},
    {"Neg", 1, 1, 1, unary<kNegative>},
    {"Relu", 1, 1, 1, unary<kRelu>},
    {"Relu6", 1, 1, 1, relu6},
    {"LeakyRelu", 1, 1, 1, leaky_relu},
    {"PRelu", 2, 2, 1, prelu},
    {"ZerosLike", 1, 1, 1, zeros_like},
    {"Elu", 1, 1, 1, elu},
    {"Gelu", 1, 1, 1, gelu},
    {"HardSwish", 1, 1, 1, hard_swish},
    {"Softplus", 1, 1, 1, softplus},
    {"Sigmoid", 1, 1, 1, unary<kSigmoid>},
    {"Tanh", 1, 1, 1, unary<kTanh>},
    {"Exp", 1, 1, 1, unary<kExp>},
    {"Log", 1, 1, 1, log},
    {"Sqrt", 1, 1, 1, unary<kSqrt>},
    {"Rsqrt", 1, 1, 1, rsqrt},
    {"Square", 1, 1, 1, square},
    {"Reciprocal", 1, 1, 1, reciprocal},
    {"Inv", 1, 1, 1, reciprocal},
    {"Floor", 1, 1, 1, unary<kFloor>},
    {"Ceil", 1, 1, 1, unary<kCeiling>},
    {"Round", 1, 1, 1, round},
    {"Sign", 1, 1, 1, unary<kSign>},
    {"Sin", 1, 1, 1, unary<kSin>},
    {"Cos", 1, 1, 1, unary<kCos>},
    {"Tan", 1, 1, 1, unary<kTan>},
    {"Asin", 1, 1, 1, unary<kAsin>},
    {"Acos", 1, 1, 1, unary<kAcos>},
    {"Atan", 1, 1, 1, unary<kAtan>},
    {"Sinh", 1, 1, 1, unary<kSinh>},
    {"Cosh", 1, 1, 1, unary<kCosh>},
    {"Erf", 1, 1, 1, unary<kErf>},
    {"Add", 2, 2, 1, binary<kAdd>},
    {"AddV2", 2, 2, 1, binary<kAdd>},
    {"AddN", 1, -1, 1, add_n},
    {"Sub", 2, 2, 1, binary<kSubtract>},
    {"Mul", 2, 2, 1, binary<kMultiply>},
    {"Div", 2, 2, 1, divide},
    {"RealDiv", 2, 2, 1, divide},
    {"FloorDiv", 2, 2, 1, floor_divide},
    {"FloorMod", 2, 2, 1, binary<kFloorMod>},
    {"Mod", 2, 2, 1, binary<kMod>},
    {"Maximum", 2, 2, 1, binary<kMaximum>},
    {"Minimum", 2, 2, 1, binary<kMinimum>},
    {"Pow", 2, 2, 1, binary<kPower>},
    {"SquaredDifference", 2, 2, 1, binary<kSquaredDifference>},
    {"Equal", 2, 2, 1, binary<kEqual>},
    {"NotEqual", 2, 2, 1, binary<kNotEqual>},
    {"Greater", 2, 2, 1, binary<kGreater>},
    {"GreaterEqual", 2, 2, 1, binary<kGreaterEqual>},
    {"Less", 2, 2, 1, binary<kLess>},
    {"LessEqual", 2, 2, 1, binary<kLessEqual>},
    {"LogicalAnd", 2, 2, 1, logical<kLogicalAnd>},
    {"LogicalOr", 2, 2, 1, logical<kLogicalOr>},
    {"LogicalNot", 1, 1, 1, logical_not},
    {"BiasAdd", 2, 2, 1, bias_add},
    {"ClipByValue", 3, 3, 1, clip},
    {"Select", 3, 3, 1, select},
    {"SelectV2", 3, 3, 1, select},
    {"Cast", 1, 1, 1, cast},
    {"Softmax", 1, 1, 1, softmax},
    {"SoftmaxV2", 1, 1, 1, softmax},
    {"LogSoftmaxV2", 1, 1, 1, log_softmax},
};

}  // namespace

const Definitions &elementwise_definitions() {
    static const auto *all = new Definitions(std::begin(kAll), std::end(kAll));
    return *all;
}

}  // namespace softnpu::op
