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

/// Lines along one axis: element i of line n lies at first(n) + i * inner.
struct Lines {
    size_t length = 0, inner = 1, count = 1;

    Lines(const Dims &dims, size_t axis) : length(static_cast<size_t>(dims[axis])) {
        for (size_t i = 0; i < dims.size(); ++i) {
            if (i > axis) inner *= static_cast<size_t>(dims[i]);
            if (i != axis) count *= static_cast<size_t>(dims[i]);
        }
    }
    size_t first(size_t line, size_t of_length) const {
        return line / inner * of_length * inner + line % inner;
    }
};

/// Computes into memory of its own when the result would overwrite what is still to be read.
Native apart(Native compute);

}  // namespace softnpu::op
