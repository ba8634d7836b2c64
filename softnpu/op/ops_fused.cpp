// Operators that stand for several of the engine's layers: activations of newer networks, the
// normalisations and the fused arithmetic. They are computed in float32, whatever goes in.
#include <iterator>

#include "softnpu/op/build.hpp"

namespace softnpu::op {
namespace {

Value wide(Build &b, size_t input) {
    if (!b.is_real(input)) b.refuse_input("want floating point inputs");
    return b.convert(b.in(input), ov::Element::f32);
}

Value one(Build &b, double value) {
    return b.number(ov::Element::f32, value);
}

void same_types(Build &b) {
    for (size_t i = 1; i < b.inputs(); ++i)
        if (b.element(i) != b.element(0)) b.refuse_input("all inputs must have one data type");
}

// ---- one input ----

// x * sigmoid(scale * x)
Value swish_of(Build &b, Value x, double scale = 1) {
    const Value gate = b.add("Sigmoid", {b.binary("Multiply", x, one(b, scale))});
    return b.binary("Multiply", x, gate);
}
void swish(Build &b) {
    b.output_as_declared(swish_of(b, wide(b, 0), static_cast<double>(b.real("scale", 1))));
}
void fast_gelu(Build &b) {
    b.output_as_declared(swish_of(b, wide(b, 0), 1.702));
}

void softsign(Build &b) {
    b.output_as_declared(b.add("SoftSign", {wide(b, 0)}, {}, "opset9"));
}

void mish(Build &b) {
    b.output_as_declared(b.add("Mish", {wide(b, 0)}, {}, "opset4"));
}

void selu(Build &b) {
    b.output_as_declared(
        b.add("Selu", {wide(b, 0), one(b, 1.6732632423543772), one(b, 1.0507009873554805)}));
}

// In one place near zero the difference to 1 would lose every digit: sinh(x/2) keeps them.
void expm1(Build &b) {
    const Value half = b.binary("Multiply", wide(b, 0), one(b, 0.5));
    const Value product = b.binary("Multiply", b.add("Sinh", {half}), b.add("Exp", {half}));
    b.output_as_declared(b.binary("Multiply", product, one(b, 2)));
}

// 2 * atanh(x / (2 + x)) is log(1 + x) without the sum's rounding.
void log1p(Build &b) {
    const Value x = wide(b, 0);
    const Value part = b.binary("Divide", x, b.binary("Add", x, one(b, 2)));
    const Value exact = b.binary("Multiply", b.add("Atanh", {part}, {}, "opset4"), one(b, 2));
    const Value plain = b.add("Log", {b.binary("Add", x, one(b, 1))});
    const Value small = b.binary("Less", b.add("Abs", {x}), one(b, 0.5));
    b.output_as_declared(b.add("Select", {small, exact, plain}, {{"auto_broadcast", "numpy"}}));
}

void ones_like(Build &b) {
    const Value unit = b.number(b.element(0), 1);
    b.output(b.add("Broadcast", {unit, b.list(b.dims(0))}, {{"mode", "bidirectional"}}, "opset3"));
}

// ---- several inputs ----

void scalar_operation(Build &b, const char *type) {
    const float value = b.real("value", 0);
    b.output(b.binary(type, b.in(0), b.number(b.element(0), static_cast<double>(value))));
}
void adds(Build &b) {
    scalar_operation(b, "Add");
}
void muls(Build &b) {
    scalar_operation(b, "Multiply");
}

void axpy(Build &b) {
    same_types(b);
    const Value alpha = b.number(b.element(0), static_cast<double>(b.real("alpha", 1)));
    b.output(b.binary("Add", b.in(0), b.binary("Multiply", b.in(1), alpha)));
}

// input + x1 * x2 * value and input + x1 / x2 * value
void fused_step(Build &b, const char *type) {
    same_types(b);
    const Value step = b.binary(type, wide(b, 1), wide(b, 2));
    const Value scaled = b.binary("Multiply", step, wide(b, 3));
    b.output_as_declared(b.binary("Add", wide(b, 0), scaled));
}
void addcmul(Build &b) {
    fused_step(b, "Multiply");
}
void addcdiv(Build &b) {
    fused_step(b, "Divide");
}

void lerp(Build &b) {
    same_types(b);
    const Value way = b.binary("Subtract", wide(b, 1), wide(b, 0));
    b.output_as_declared(b.binary("Add", wide(b, 0), b.binary("Multiply", way, wide(b, 2))));
}

// x / y, and 0 where `absent` is 0
void guarded_division(Build &b, size_t absent) {
    same_types(b);
    const Value none = b.binary("Equal", wide(b, absent), one(b, 0));
    const Value y = b.add("Select", {none, one(b, 1), wide(b, 1)}, {{"auto_broadcast", "numpy"}});
    const Value made = b.binary("Divide", wide(b, 0), absent == 1 ? y : wide(b, 1));
    b.output_as_declared(b.add("Select", {none, one(b, 0), made}, {{"auto_broadcast", "numpy"}}));
}
void div_no_nan(Build &b) {
    guarded_division(b, 1);
}
void xdivy(Build &b) {
    guarded_division(b, 0);
}

void masked_fill(Build &b) {
    const Value mask = b.convert(b.in(1), ov::Element::boolean);
    if (b.element(2) != b.element(0)) b.refuse_input("the value must have the tensor's data type");
    b.output(b.add("Select", {mask, b.in(2), b.in(0)}, {{"auto_broadcast", "numpy"}}));
}

// Both halves of an axis.
struct Halves {
    Value first, second;
};
Halves halves(Build &b, Value value, int64_t axis, int64_t length) {
    if (length % 2 != 0) b.refuse_input("the axis cannot be cut into two equal parts");
    const Value made = b.add("Split", {value, b.index(axis)}, {{"num_splits", "2"}}, "opset1", 2);
    return {made, {made.layer, 1}};
}

// x * cos + (-second half, first half) * sin
void rotary_mul(Build &b) {
    same_types(b);
    const Value x = wide(b, 0);
    const int64_t axis = b.rank(0) - 1;
    if (axis < 0) b.refuse_input("want an axis to rotate");
    const Halves part = halves(b, x, axis, b.dims(0).back());
    const Value turned = b.add("Concat", {b.add("Negative", {part.second}), part.first},
                               {{"axis", std::to_string(axis)}});
    const Value straight = b.binary("Multiply", x, wide(b, 1));
    b.output_as_declared(b.binary("Add", straight, b.binary("Multiply", turned, wide(b, 2))));
}

// swish(first half) * second half
void swi_glu(Build &b) {
    const int64_t axis = b.axis(b.integer("dim", -1), b.rank(0));
    const Halves part = halves(b, wide(b, 0), axis, b.dims(0)[static_cast<size_t>(axis)]);
    b.output_as_declared(b.binary("Multiply", swish_of(b, part.first), part.second));
}

// ---- normalisations ----

Value mean(Build &b, Value value, const Dims &axes) {
    return b.add("ReduceMean", {value, b.list(axes)}, {{"keep_dims", "true"}});
}

Dims axes_from(Build &b, int64_t first) {
    Dims axes;
    for (int64_t i = b.axis(first, b.rank(0)); i < b.rank(0); ++i) axes.push_back(i);
    return axes;
}

// 1 / sqrt(value + epsilon)
Value inverse_root(Build &b, Value value, double epsilon) {
    return b.binary("Divide", one(b, 1), b.add("Sqrt", {b.binary("Add", value, one(b, epsilon))}));
}

// y, and the mean and variance along the axes from begin_norm_axis on
void layer_norm(Build &b) {
    const Dims axes = axes_from(b, b.integer("begin_norm_axis", 0));
    const Value x = wide(b, 0), middle = mean(b, x, axes);
    const Value apart = b.binary("Subtract", x, middle);
    const Value spread = mean(b, b.binary("Multiply", apart, apart), axes);
    const auto epsilon = static_cast<double>(b.real("epsilon", 1e-7F));
    const Value normal = b.binary("Multiply", apart, inverse_root(b, spread, epsilon));
    const Value scaled = b.binary("Multiply", normal, wide(b, 1));
    b.output_as_declared(b.binary("Add", scaled, wide(b, 2)));
    b.output_as_declared(middle);
    b.output_as_declared(spread);
}

// y, and the inverse root of the squares' mean; gamma says how many axes are one group
void rms_norm(Build &b) {
    if (b.rank(1) < 1 || b.rank(1) > b.rank(0)) b.refuse_input("gamma has the last dims of x");
    const Value x = wide(b, 0);
    const Dims axes = axes_from(b, b.rank(0) - b.rank(1));
    const auto epsilon = static_cast<double>(b.real("epsilon", 1e-6F));
    const Value inverse = inverse_root(b, mean(b, b.binary("Multiply", x, x), axes), epsilon);
    b.output_as_declared(b.binary("Multiply", b.binary("Multiply", x, inverse), wide(b, 1)));
    b.output_as_declared(inverse);
}

constexpr Definition kAll[] = {
    {"Swish", 1, 1, 1, swish},
    {"FastGelu", 1, 1, 1, fast_gelu},
    {"Softsign", 1, 1, 1, softsign},
    {"Mish", 1, 1, 1, mish},
    {"Selu", 1, 1, 1, selu},
    {"Expm1", 1, 1, 1, expm1},
    {"Log1p", 1, 1, 1, log1p},
    {"OnesLike", 1, 1, 1, ones_like},
    {"Adds", 1, 1, 1, adds},
    {"Muls", 1, 1, 1, muls},
    {"Axpy", 2, 2, 1, axpy},
    {"Addcmul", 4, 4, 1, addcmul},
    {"Addcdiv", 4, 4, 1, addcdiv},
    {"Lerp", 3, 3, 1, lerp},
    {"DivNoNan", 2, 2, 1, div_no_nan},
    {"Xdivy", 2, 2, 1, xdivy},
    {"MaskedFill", 3, 3, 1, masked_fill},
    {"RotaryMul", 3, 3, 1, rotary_mul},
    {"SwiGlu", 1, 1, 1, swi_glu},
    {"LayerNorm", 3, 3, 3, layer_norm},
    {"RmsNorm", 2, 2, 2, rms_norm},
};

}  // namespace

const Definitions &fused_definitions() {
    static const auto *all = new Definitions(std::begin(kAll), std::end(kAll));
    return *all;
}

}  // namespace softnpu::op
