// 64-bit integers, computed exactly: the engine keeps only 32 bits of them.
#pragma once

#include "softnpu/op/build.hpp"

namespace softnpu::op {

/// How a call is computed without the engine's arithmetic.
struct Wide {
    Native compute;  // empty: the engine does it
    std::vector<Dims> dims;
};

/// Arithmetic, comparisons, reductions and casts in plain loops.
Wide wide_arithmetic(const Call &call);

/// Operators that only move elements: the engine moves the elements' numbers, of 32 bits.
Wide wide_moves(const Call &call);

/// The largest and smallest, and where they are.
Wide wide_order(const Call &call);

inline bool is_wide(const Operand &operand) {
    return !operand.absent && (operand.type == ACL_INT64 || operand.type == ACL_UINT64);
}

/// Computes into memory of its own when the result would overwrite what is still to be read.
Native apart(Native compute);

}  // namespace softnpu::op
