// Products of matrices.
#include "softnpu/op/build.hpp"

namespace softnpu::op {
namespace {

// Products of float16 are summed in float32, as the cube unit does. Integers stay integers.
Value product(Build &b, Value x, Value y, bool transpose_x, bool transpose_y) {
    return b.add("MatMul", {x, y},
                 {{"transpose_a", transpose_x ? "true" : "false"},
                  {"transpose_b", transpose_y ? "true" : "false"}});
}

Value wide(Build &b, size_t input) {
    return b.convert(b.in(input), ov::Element::f32);
}

void multiply(Build &b, bool transpose_x, bool transpose_y) {
    if (b.element(0) != b.element(1)) b.refuse_input("both matrices must have one data type");
    if (b.rank(0) < 2 || b.rank(1) < 2) b.refuse_input("the matrices need at least 2 dims");
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

// out = alpha * a x b + beta * c
void gemm(Build &b) {
    const Value x = product(b, wide(b, 0), wide(b, 1), b.flag("transpose_a", false),
                            b.flag("transpose_b", false));
    const auto scaled = [&](Value value, size_t factor) {
        Dims one;
        const Value scalar =
            b.add("Reshape", {wide(b, factor), b.list(one)}, {{"special_zero", "false"}});
        return b.binary("Multiply", value, scalar);
    };
    b.output_as_declared(b.binary("Add", scaled(x, 3), scaled(wide(b, 2), 4)));
}

}  // namespace

const Definitions &matrix_definitions() {
    static const auto *all = new Definitions{
        {"MatMul", 2, 4, 1, mat_mul},
        {"MatMulV2", 2, 4, 1, mat_mul},
        {"BatchMatMul", 2, 2, 1, batch_mat_mul},
        {"BatchMatMulV2", 2, 4, 1, batch_mat_mul},
        {"GEMM", 5, 5, 1, gemm},
    };
    return *all;
}

}  // namespace softnpu::op
