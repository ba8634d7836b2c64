// Products of matrices.
#include <cstring>

#include "softnpu/op/build.hpp"

namespace softnpu::op {
namespace {

// Products of float16 are summed in float32, as the cube unit does.
Value product(Build &b, Value x, Value y, bool transpose_x, bool transpose_y) {
    return b.add("MatMul", {x, y},
                 {{"transpose_a", transpose_x ? "true" : "false"},
                  {"transpose_b", transpose_y ? "true" : "false"}});
}

Value wide(Build &b, size_t input) {
    return b.convert(b.in(input), ov::Element::f32);
}

// Sums of products of int8, exact however long they are: float32 counts to 2^24 only.
struct Integers {
    size_t m = 0, n = 0, k = 0;
    bool transpose_a = false, transpose_b = false;

    __attribute__((optimize("O3"))) void row(const int8_t *a, const int8_t *b, size_t i,
                                             int32_t *sums) const {
        std::memset(sums, 0, n * sizeof *sums);
        for (size_t p = 0; p < k; ++p) {
            const int32_t factor = transpose_a ? a[p * m + i] : a[i * k + p];
            if (transpose_b) {
                for (size_t j = 0; j < n; ++j) sums[j] += factor * b[j * k + p];
            } else {
                const int8_t *line = b + p * n;
                for (size_t j = 0; j < n; ++j) sums[j] += factor * line[j];
            }
        }
    }
};

Integers integers_of(Build &b, bool transpose_a, bool transpose_b) {
    const Dims &x = b.dims(0), &y = b.dims(1);
    if (x.size() != 2 || y.size() != 2) b.refuse_input("int8 matrices need 2 dims");
    const auto dim = [](const Dims &dims, bool second) {
        return static_cast<size_t>(dims[second ? 1 : 0]);
    };
    if (dim(x, !transpose_a) != dim(y, transpose_b))
        b.refuse_input("matrices of shape " + to_text(x) + " and " + to_text(y) +
                       " have no product");
    return {dim(x, transpose_a), dim(y, !transpose_b), dim(x, !transpose_a), transpose_a,
            transpose_b};
}

template <class Scalar>
Scalar scalar_of(const Memory &memory) {
    Scalar value;
    std::memcpy(&value, memory.data, sizeof value);
    return value;
}

// out = alpha * a x b + beta * c, with c and the scalars of the type of out.
template <class Scalar>
void integer_gemm(const Integers &shape, const Memories &in, const Memories &out) {
    const auto alpha = scalar_of<Scalar>(in[3]), beta = scalar_of<Scalar>(in[4]);
    const auto *a = static_cast<const int8_t *>(in[0].data);
    const auto *b = static_cast<const int8_t *>(in[1].data);
    const auto *c = static_cast<const Scalar *>(in[2].data);
    auto *to = static_cast<Scalar *>(out[0].data);
    std::vector<int32_t> sums(shape.n);
    for (size_t i = 0; i < shape.m; ++i) {
        shape.row(a, b, i, sums.data());
        for (size_t j = 0; j < shape.n; ++j) {
            // What beta 0 takes away may be anything, NaN included.
            const Scalar rest = beta == 0 ? Scalar{} : beta * c[i * shape.n + j];
            to[i * shape.n + j] = alpha * static_cast<Scalar>(sums[j]) + rest;
        }
    }
}

void integer_product(Build &b, bool transpose_a, bool transpose_b) {
    if (b.wanted(0) != ov::Element::i32 || b.has(2))
        b.refuse(ACL_ERROR_OP_OUTPUT_NOT_MATCH, "the product of int8 matrices is int32, no bias");
    const Integers shape = integers_of(b, transpose_a, transpose_b);
    b.output_native({static_cast<int64_t>(shape.m), static_cast<int64_t>(shape.n)},
                    [shape](const Memories &in, const Memories &out) {
                        auto *to = static_cast<int32_t *>(out[0].data);
                        for (size_t i = 0; i < shape.m; ++i)
                            shape.row(static_cast<const int8_t *>(in[0].data),
                                      static_cast<const int8_t *>(in[1].data), i, to + i * shape.n);
                    });
}

void multiply(Build &b, bool transpose_x, bool transpose_y) {
    if (b.element(0) != b.element(1)) b.refuse_input("both matrices must have one data type");
    if (b.rank(0) < 2 || b.rank(1) < 2) b.refuse_input("the matrices need at least 2 dims");
    if (b.element(0) == ov::Element::i8) return integer_product(b, transpose_x, transpose_y);
    if (!b.is_real(0)) b.refuse_input("matrices of this data type are not multiplied here");
    Value result = product(b, wide(b, 0), wide(b, 1), transpose_x, transpose_y);
    if (b.has(2)) result = b.binary("Add", result, wide(b, 2));
    b.output_as_declared(result);
}

void mat_mul(Build &b) {
    multiply(b, b.flag("transpose_x1", false), b.flag("transpose_x2", false));
}

void batch_mat_mul(Build &b) {
    multiply(b, b.flag("adj_x1", false), b.flag("adj_x2", false));
}

void real_gemm(Build &b, bool transpose_a, bool transpose_b) {
    const Value x = product(b, wide(b, 0), wide(b, 1), transpose_a, transpose_b);
    const auto scalar = [&](size_t input) {
        return b.add("Reshape", {wide(b, input), b.list({})}, {{"special_zero", "false"}});
    };
    const Value alpha = scalar(3), beta = scalar(4);
    const Value zero = b.number(ov::Element::f32, 0);
    const Value none = b.binary("Equal", beta, zero);
    const Value rest = b.add("Select", {none, zero, b.binary("Multiply", wide(b, 2), beta)},
                             {{"auto_broadcast", "numpy"}});
    b.output_as_declared(b.binary("Add", b.binary("Multiply", x, alpha), rest));
}

// out = alpha * a x b + beta * c
void gemm(Build &b) {
    const bool transpose_a = b.flag("transpose_a", false),
               transpose_b = b.flag("transpose_b", false);
    if (b.element(0) != b.element(1)) b.refuse_input("both matrices must have one data type");
    if (b.element(0) != ov::Element::i8) return real_gemm(b, transpose_a, transpose_b);
    const Integers shape = integers_of(b, transpose_a, transpose_b);
    for (size_t i = 2; i < 5; ++i)
        if (b.element(i) != b.wanted(0)) b.refuse_input("c, alpha and beta have the output's type");
    const Dims dims{static_cast<int64_t>(shape.m), static_cast<int64_t>(shape.n)};
    if (b.dims(2) != dims) b.refuse_input("c must have the shape of the result");
    if (b.wanted(0) == ov::Element::i32)
        return b.output_native(dims, [shape](const Memories &in, const Memories &out) {
            integer_gemm<int32_t>(shape, in, out);
        });
    if (b.wanted(0) != ov::Element::f32)
        b.refuse(ACL_ERROR_OP_OUTPUT_NOT_MATCH, "products of int8 are int32 or float32");
    b.output_native(dims, [shape](const Memories &in, const Memories &out) {
        integer_gemm<float>(shape, in, out);
    });
}

std::string join(const Dims &values) {
    std::string text;
    for (const int64_t value : values) text += (text.empty() ? "" : ",") + std::to_string(value);
    return text;
}

// The attributes hold four numbers in the order of NCHW; pads are top, bottom, left, right.
void conv2d(Build &b) {
    if (b.operand(0).format == ACL_FORMAT_NHWC || b.rank(0) != 4 || b.rank(1) != 4)
        b.refuse_input("want NCHW pictures and filters of 4 dims");
    const Dims strides = b.integers("strides", {1, 1, 1, 1}),
               pads = b.integers("pads", {0, 0, 0, 0});
    const Dims dilations = b.integers("dilations", {1, 1, 1, 1});
    if (strides.size() != 4 || pads.size() != 4 || dilations.size() != 4)
        b.refuse_attribute("strides, pads and dilations hold four numbers each");
    const int64_t groups = b.integer("groups", 1);
    const Fields fields{{"strides", join({strides[2], strides[3]})},
                        {"dilations", join({dilations[2], dilations[3]})},
                        {"pads_begin", join({pads[0], pads[2]})},
                        {"pads_end", join({pads[1], pads[3]})},
                        {"auto_pad", "explicit"}};
    Value filter = wide(b, 1);
    const Dims &shape = b.dims(1);
    if (groups < 1 || shape[0] % groups != 0)
        b.refuse_attribute("groups does not divide the filters");
    const Dims grouped{groups, shape[0] / groups, shape[1], shape[2], shape[3]};
    filter = b.add("Reshape", {filter, b.list(grouped)}, {{"special_zero", "false"}});
    Value result = b.add("GroupConvolution", {wide(b, 0), filter}, fields);
    if (b.has(2)) {
        const Value bias = b.add("Reshape", {wide(b, 2), b.list({1, shape[0], 1, 1})},
                                 {{"special_zero", "false"}});
        result = b.binary("Add", result, bias);
    }
    b.output_as_declared(result);
}

}  // namespace

const Definitions &matrix_definitions() {
    static const auto *all = new Definitions{
        {"MatMul", 2, 4, 1, mat_mul},
        {"MatMulV2", 2, 4, 1, mat_mul},
        {"BatchMatMul", 2, 2, 1, batch_mat_mul},
        {"BatchMatMulV2", 2, 4, 1, batch_mat_mul},
        {"Conv2D", 2, 4, 1, conv2d},
        {"GEMM", 5, 5, 1, gemm},
    };
    return *all;
}

}  // namespace softnpu::op
