// aclblas: products of matrices and vectors, as the operator GEMM.
#include "acl/ops/acl_cblas.h"

#include "softnpu/api/op_access.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;
using op::Call;
using op::Prepared;

namespace {

// out = alpha * a x b + beta * out; a is m x k, b is k x n before transposition.
struct Product {
    aclTransType transA = ACL_TRANS_N, transB = ACL_TRANS_N, transC = ACL_TRANS_N;
    int m = 0, n = 0, k = 0;
    aclDataType a = ACL_FLOAT16, b = ACL_FLOAT16, c = ACL_FLOAT16;
    aclComputeType type = ACL_COMPUTE_HIGH_PRECISION;
};

struct Matrix {
    const void *address;
    int leading;
};

int check_transposition(const char *name, aclTransType value, bool only_plain) {
    if (value == ACL_TRANS_N || (value == ACL_TRANS_T && !only_plain)) return 0;
    if (value == ACL_TRANS_NZ || value == ACL_TRANS_NZ_T)
        return fail(ACL_ERROR_FEATURE_UNSUPPORTED,
                    "%s: the chip's own layout of matrices is not here; pass rows (ACL_TRANS_N)",
                    name);
    return fail(ACL_ERROR_INVALID_PARAM, "%s is %d, want ACL_TRANS_N%s", name,
                static_cast<int>(value), only_plain ? "" : " or ACL_TRANS_T");
}

int check_product(const Product &p) {
    SOFTNPU_CHECK(check_transposition("transA", p.transA, false));
    SOFTNPU_CHECK(check_transposition("transB", p.transB, false));
    SOFTNPU_CHECK(check_transposition("transC", p.transC, true));
    if (p.m <= 0 || p.n <= 0 || p.k <= 0)
        return fail(ACL_ERROR_INVALID_PARAM, "m %d, n %d, k %d: sizes must be positive", p.m, p.n,
                    p.k);
    if (p.type != ACL_COMPUTE_HIGH_PRECISION && p.type != ACL_COMPUTE_LOW_PRECISION)
        return fail(ACL_ERROR_INVALID_PARAM, "the compute type is %d, want 0 or 1",
                    static_cast<int>(p.type));
    const bool halves = p.a == ACL_FLOAT16 && (p.c == ACL_FLOAT16 || p.c == ACL_FLOAT);
    const bool bytes = p.a == ACL_INT8 && (p.c == ACL_INT32 || p.c == ACL_FLOAT);
    const bool singles = p.a == ACL_FLOAT && p.c == ACL_FLOAT;
    if (p.a != p.b || !(halves || bytes || singles))
        return fail(ACL_ERROR_UNSUPPORTED_DATA_TYPE,
                    "data types %d x %d -> %d; there are float16 -> float16 or float32, int8 -> "
                    "int32 or float32, float32 -> float32",
                    static_cast<int>(p.a), static_cast<int>(p.b), static_cast<int>(p.c));
    return 0;
}

op::Operand operand(aclDataType type, int rows, int columns) {
    op::Operand made;
    made.type = type;
    if (rows > 0) made.dims = {rows, columns};
    return made;
}

int prepare(const Product &p, Prepared &prepared) {
    SOFTNPU_CHECK(check_product(p));
    const bool ta = p.transA == ACL_TRANS_T, tb = p.transB == ACL_TRANS_T;
    Call call;
    call.type = "GEMM";
    call.inputs = {operand(p.a, ta ? p.k : p.m, ta ? p.m : p.k),
                   operand(p.b, tb ? p.n : p.k, tb ? p.k : p.n), operand(p.c, p.m, p.n),
                   operand(p.c, 0, 0), operand(p.c, 0, 0)};
    call.outputs = {operand(p.c, p.m, p.n)};
    call.attributes["transpose_a"].integers = {ta};
    call.attributes["transpose_b"].integers = {tb};
    return op::prepare(std::move(call), prepared);
}

// Reserved: the documentation allows -1 only, and so does the chip.
int check_leading(const char *name, int given, int64_t columns) {
    if (given == -1 || given == columns) return 0;
    return fail(ACL_ERROR_INVALID_PARAM,
                "%s is %d; it is reserved and must be -1: rows follow each other, copy them so",
                name, given);
}

int run(const char *entry, const Product &p, Matrix a, Matrix b, Matrix c, const void *alpha,
        const void *beta, aclrtStream stream) {
    const struct {
        const void *pointer;
        const char *name;
    } required[] = {{alpha, "alpha"},
                    {a.address, "the first factor"},
                    {b.address, "the second factor"},
                    {beta, "beta"},
                    {c.address, "the result"}};
    for (const auto &row : required) SOFTNPU_CHECK(require_pointer(row.pointer, row.name));
    Prepared prepared;
    SOFTNPU_CHECK(prepare(p, prepared));
    const auto &inputs = prepared.call.inputs;
    SOFTNPU_CHECK(check_leading("lda", a.leading, inputs[0].dims[1]));
    SOFTNPU_CHECK(check_leading("ldb or incx", b.leading, inputs[1].dims[1]));
    SOFTNPU_CHECK(check_leading("ldc or incy", c.leading, inputs[2].dims[1]));
    const auto whole = [](const void *address, const op::Operand &tensor) {
        return DataBuffer{const_cast<void *>(address), tensor.bytes()};
    };
    // Scalars are accepted from both sides.
    prepared.on_host[3] = !is_device_range(alpha);
    prepared.on_host[4] = !is_device_range(beta);
    return op::submit(
        entry, prepared,
        {whole(a.address, inputs[0]), whole(b.address, inputs[1]), whole(c.address, inputs[2]),
         whole(alpha, inputs[3]), whole(beta, inputs[4])},
        {whole(c.address, inputs[2])}, stream);
}

int make_handle(const Product &p, aclopHandle **handle) {
    SOFTNPU_CHECK(require_pointer(handle, "handle"));
    Prepared prepared;
    SOFTNPU_CHECK(prepare(p, prepared));
    *handle = static_cast<aclopHandle *>(op::create_op_handle(std::move(prepared)));
    return 0;
}

// A vector is a matrix of one column.
Product vector_product(aclTransType transA, int m, int n, aclDataType a, aclDataType x,
                       aclDataType y, aclComputeType type) {
    const bool turned = transA == ACL_TRANS_T;
    return {transA, ACL_TRANS_N, ACL_TRANS_N, turned ? n : m, 1, turned ? m : n, a, x, y, type};
}

}  // namespace

extern "C" {

aclError aclblasGemmEx(aclTransType transA, aclTransType transB, aclTransType transC, int m, int n,
                       int k, const void *alpha, const void *matrixA, int lda,
                       aclDataType dataTypeA, const void *matrixB, int ldb, aclDataType dataTypeB,
                       const void *beta, void *matrixC, int ldc, aclDataType dataTypeC,
                       aclComputeType type, aclrtStream stream) {
    return guarded("aclblasGemmEx", [&] {
        return run("aclblasGemmEx",
                   {transA, transB, transC, m, n, k, dataTypeA, dataTypeB, dataTypeC, type},
                   {matrixA, lda}, {matrixB, ldb}, {matrixC, ldc}, alpha, beta, stream);
    });
}

aclError aclblasHgemm(aclTransType transA, aclTransType transB, aclTransType transC, int m, int n,
                      int k, const aclFloat16 *alpha, const aclFloat16 *matrixA, int lda,
                      const aclFloat16 *matrixB, int ldb, const aclFloat16 *beta,
                      aclFloat16 *matrixC, int ldc, aclComputeType type, aclrtStream stream) {
    return guarded("aclblasHgemm", [&] {
        return run("aclblasHgemm",
                   {transA, transB, transC, m, n, k, ACL_FLOAT16, ACL_FLOAT16, ACL_FLOAT16, type},
                   {matrixA, lda}, {matrixB, ldb}, {matrixC, ldc}, alpha, beta, stream);
    });
}

aclError aclblasS8gemm(aclTransType transA, aclTransType transB, aclTransType transC, int m, int n,
                       int k, const int32_t *alpha, const int8_t *matrixA, int lda,
                       const int8_t *matrixB, int ldb, const int32_t *beta, int32_t *matrixC,
                       int ldc, aclComputeType type, aclrtStream stream) {
    return guarded("aclblasS8gemm", [&] {
        return run("aclblasS8gemm",
                   {transA, transB, transC, m, n, k, ACL_INT8, ACL_INT8, ACL_INT32, type},
                   {matrixA, lda}, {matrixB, ldb}, {matrixC, ldc}, alpha, beta, stream);
    });
}

aclError aclblasGemvEx(aclTransType transA, int m, int n, const void *alpha, const void *a, int lda,
                       aclDataType dataTypeA, const void *x, int incx, aclDataType dataTypeX,
                       const void *beta, void *y, int incy, aclDataType dataTypeY,
                       aclComputeType type, aclrtStream stream) {
    return guarded("aclblasGemvEx", [&] {
        return run("aclblasGemvEx",
                   vector_product(transA, m, n, dataTypeA, dataTypeX, dataTypeY, type), {a, lda},
                   {x, incx}, {y, incy}, alpha, beta, stream);
    });
}

aclError aclblasHgemv(aclTransType transA, int m, int n, const aclFloat16 *alpha,
                      const aclFloat16 *a, int lda, const aclFloat16 *x, int incx,
                      const aclFloat16 *beta, aclFloat16 *y, int incy, aclComputeType type,
                      aclrtStream stream) {
    return guarded("aclblasHgemv", [&] {
        return run("aclblasHgemv",
                   vector_product(transA, m, n, ACL_FLOAT16, ACL_FLOAT16, ACL_FLOAT16, type),
                   {a, lda}, {x, incx}, {y, incy}, alpha, beta, stream);
    });
}

aclError aclblasS8gemv(aclTransType transA, int m, int n, const int32_t *alpha, const int8_t *a,
                       int lda, const int8_t *x, int incx, const int32_t *beta, int32_t *y,
                       int incy, aclComputeType type, aclrtStream stream) {
    return guarded("aclblasS8gemv", [&] {
        return run("aclblasS8gemv",
                   vector_product(transA, m, n, ACL_INT8, ACL_INT8, ACL_INT32, type), {a, lda},
                   {x, incx}, {y, incy}, alpha, beta, stream);
    });
}

aclError aclblasCreateHandleForGemmEx(aclTransType transA, aclTransType transB, aclTransType transC,
                                      int m, int n, int k, aclDataType dataTypeA,
                                      aclDataType dataTypeB, aclDataType dataTypeC,
                                      aclComputeType type, aclopHandle **handle) {
    return guarded("aclblasCreateHandleForGemmEx", [&] {
        return make_handle({transA, transB, transC, m, n, k, dataTypeA, dataTypeB, dataTypeC, type},
                           handle);
    });
}

aclError aclblasCreateHandleForHgemm(aclTransType transA, aclTransType transB, aclTransType transC,
                                     int m, int n, int k, aclComputeType type,
                                     aclopHandle **handle) {
    return guarded("aclblasCreateHandleForHgemm", [&] {
        return make_handle(
            {transA, transB, transC, m, n, k, ACL_FLOAT16, ACL_FLOAT16, ACL_FLOAT16, type}, handle);
    });
}

aclError aclblasCreateHandleForS8gemm(aclTransType transA, aclTransType transB, aclTransType transC,
                                      int m, int n, int k, aclComputeType type,
                                      aclopHandle **handle) {
    return guarded("aclblasCreateHandleForS8gemm", [&] {
        return make_handle({transA, transB, transC, m, n, k, ACL_INT8, ACL_INT8, ACL_INT32, type},
                           handle);
    });
}

aclError aclblasCreateHandleForGemvEx(aclTransType transA, int m, int n, aclDataType dataTypeA,
                                      aclDataType dataTypeX, aclDataType dataTypeY,
                                      aclComputeType type, aclopHandle **handle) {
    return guarded("aclblasCreateHandleForGemvEx", [&] {
        return make_handle(vector_product(transA, m, n, dataTypeA, dataTypeX, dataTypeY, type),
                           handle);
    });
}

aclError aclblasCreateHandleForHgemv(aclTransType transA, int m, int n, aclComputeType type,
                                     aclopHandle **handle) {
    return guarded("aclblasCreateHandleForHgemv", [&] {
        return make_handle(
            vector_product(transA, m, n, ACL_FLOAT16, ACL_FLOAT16, ACL_FLOAT16, type), handle);
    });
}

aclError aclblasCreateHandleForS8gemv(aclTransType transA, int m, int n, aclComputeType type,
                                      aclopHandle **handle) {
    return guarded("aclblasCreateHandleForS8gemv", [&] {
        return make_handle(vector_product(transA, m, n, ACL_INT8, ACL_INT8, ACL_INT32, type),
                           handle);
    });
}

}  // extern "C"
