#include "softnpu/op/wide.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>

namespace softnpu::op {
namespace {

// Tensors may begin anywhere.
template <class T>
using Loose __attribute__((aligned(1), may_alias)) = T;

template <class T>
const Loose<T> *as(const void *address) {
    return static_cast<const Loose<T> *>(address);
}
template <class T>
Loose<T> *as(void *address) {
    return static_cast<Loose<T> *>(address);
}

// ---- what is done with elements; overflow wraps, and nothing is undefined ----

template <class T>
struct Maths {
    using U = std::make_unsigned_t<T>;
    static T add(T a, T b) { return static_cast<T>(static_cast<U>(a) + static_cast<U>(b)); }
    static T sub(T a, T b) { return static_cast<T>(static_cast<U>(a) - static_cast<U>(b)); }
    static T mul(T a, T b) { return static_cast<T>(static_cast<U>(a) * static_cast<U>(b)); }
    static T div(T a, T b) {
        if (b == 0) return 0;
        if (std::is_signed_v<T> && b == static_cast<T>(-1)) return sub(0, a);
        return static_cast<T>(a / b);
    }
    static T mod(T a, T b) {
        if (b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1))) return 0;
        return static_cast<T>(a % b);
    }
    static T floor_mod(T a, T b) {
        const T rest = mod(a, b);
        return rest != 0 && (rest < 0) != (b < 0) ? add(rest, b) : rest;
    }
    static T floor_div(T a, T b) { return div(sub(a, floor_mod(a, b)), b); }
    static T max(T a, T b) { return a > b ? a : b; }
    static T min(T a, T b) { return a < b ? a : b; }
    static T squared_difference(T a, T b) { return mul(sub(a, b), sub(a, b)); }
    static T pow(T base, T exponent) {
        if (exponent < 0) {  // what an integer keeps of 1 / base^n
            const T odd = static_cast<T>(exponent & 1);
            return base == 1 ? 1 : base == static_cast<T>(-1) ? (odd ? base : T{1}) : T{0};
        }
        T result = 1;
        for (; exponent > 0; exponent = static_cast<T>(exponent >> 1), base = mul(base, base))
            if (exponent & 1) result = mul(result, base);
        return result;
    }
    static T abs(T a) { return a < 0 ? sub(0, a) : a; }
    static T neg(T a) { return sub(0, a); }
    static T sign(T a) { return static_cast<T>((a > 0) - (a < 0)); }
    static T square(T a) { return mul(a, a); }
    static T relu(T a) { return a > 0 ? a : T{0}; }
};

// ---- walking over tensors ----

constexpr size_t kMostInputs = 3;

// Row by row over a result: where each input's row begins, and its step (0 where it is repeated).
struct Rows {
    Dims dims;                  // of the result
    std::vector<Dims> strides;  // of each input, in elements
    size_t count = 1, length = 1;

    Rows(const Dims &out, const std::vector<Dims> &inputs) : dims(out) {
        if (dims.empty()) dims.push_back(1);
        for (const Dims &shape : inputs) {
            Dims steps(dims.size(), 0);
            int64_t step = 1;
            for (size_t i = 0; i < shape.size(); ++i) {
                const int64_t dim = shape[shape.size() - 1 - i];
                if (dim != 1) steps[steps.size() - 1 - i] = step;
                step *= dim;
            }
            strides.push_back(std::move(steps));
        }
        length = static_cast<size_t>(dims.back());
        for (size_t i = 0; i + 1 < dims.size(); ++i) count *= static_cast<size_t>(dims[i]);
    }

    /// `visit(row, first)`, with the first element of each input's row.
    template <class Visit>
    void each(Visit &&visit) const {
        Dims at(dims.size(), 0);
        std::vector<int64_t> first(strides.size(), 0);
        for (size_t row = 0; row < count && length > 0; ++row) {
            visit(row, first);
            for (size_t axis = dims.size() - 1; axis-- > 0;) {
                for (size_t k = 0; k < strides.size(); ++k) first[k] += strides[k][axis];
                if (++at[axis] < dims[axis]) break;
                for (size_t k = 0; k < strides.size(); ++k)
                    first[k] -= strides[k][axis] * dims[axis];
                at[axis] = 0;
            }
        }
    }
};

bool broadcast(const Dims &a, Dims &out) {
    while (out.size() < a.size()) out.insert(out.begin(), 1);
    for (size_t i = 0; i < a.size(); ++i) {
        int64_t &dim = out[out.size() - 1 - i];
        const int64_t other = a[a.size() - 1 - i];
        if (dim != other && dim != 1 && other != 1) return false;
        if (dim == 1) dim = other;
    }
    return true;
}

template <class T, class R, class F>
Native binary(Rows rows, F f) {
    return [rows = std::move(rows), f](const Memories &in, const Memories &out) {
        const int64_t a_step = rows.strides[0].back(), b_step = rows.strides[1].back();
        rows.each([&](size_t row, const std::vector<int64_t> &first) {
            const Loose<T> *a = as<T>(in[0].data) + first[0], *b = as<T>(in[1].data) + first[1];
            Loose<R> *to = as<R>(out[0].data) + row * rows.length;
            for (int64_t i = 0; i < static_cast<int64_t>(rows.length); ++i)
                to[i] = static_cast<R>(f(a[i * a_step], b[i * b_step]));
        });
    };
}

// The first input's elements are of another type where they choose between the others'.
template <class First, class T, class F>
Native ternary(Rows rows, F f) {
    return [rows = std::move(rows), f](const Memories &in, const Memories &out) {
        const Dims steps{rows.strides[0].back(), rows.strides[1].back(), rows.strides[2].back()};
        rows.each([&](size_t row, const std::vector<int64_t> &first) {
            const Loose<First> *a = as<First>(in[0].data) + first[0];
            const Loose<T> *b = as<T>(in[1].data) + first[1], *c = as<T>(in[2].data) + first[2];
            Loose<T> *to = as<T>(out[0].data) + row * rows.length;
            for (int64_t i = 0; i < static_cast<int64_t>(rows.length); ++i)
                to[i] = f(a[i * steps[0]], b[i * steps[1]], c[i * steps[2]]);
        });
    };
}

template <class T>
Native select(const Rows &rows) {
    return ternary<uint8_t, T>(rows, [](uint8_t which, T a, T b) { return which != 0 ? a : b; });
}

template <class T>
Native clip(const Rows &rows) {
    return ternary<T, T>(
        rows, [](T x, T low, T high) { return Maths<T>::min(Maths<T>::max(x, low), high); });
}

template <class T>
Native unary(T (*f)(T)) {
    return [f](const Memories &in, const Memories &out) {
        const size_t count = out[0].bytes / sizeof(T);
        for (size_t i = 0; i < count; ++i) as<T>(out[0].data)[i] = f(as<T>(in[0].data)[i]);
    };
}

template <class T>
void add_n(const Memories &in, const Memories &out) {
    const size_t count = out[0].bytes / sizeof(T);
    for (size_t i = 0; i < count; ++i) {
        T sum = 0;
        for (const Memory &input : in) sum = Maths<T>::add(sum, as<T>(input.data)[i]);
        as<T>(out[0].data)[i] = sum;
    }
}

// ---- reductions ----

// The result keeps its reduced dims as ones, which its `strides` see as repeated.
template <class T, class F>
Native reduce(const Dims &from, const Dims &kept, T begin, F f) {
    return [rows = Rows(from, {kept}), begin, f](const Memories &in, const Memories &out) {
        auto *to = as<T>(out[0].data);
        std::fill_n(to, out[0].bytes / sizeof(T), begin);
        const int64_t step = rows.strides[0].back();
        rows.each([&](size_t row, const std::vector<int64_t> &first) {
            const Loose<T> *x = as<T>(in[0].data) + row * rows.length;
            for (int64_t i = 0; i < static_cast<int64_t>(rows.length); ++i) {
                Loose<T> &sum = to[first[0] + i * step];
                sum = f(sum, x[i]);
            }
        });
    };
}

// Means are of the exact sum, cut towards zero as integer division is.
template <class T>
Native mean(const Dims &from, const Dims &kept, int64_t count) {
    using Sum = __int128;
    return [rows = Rows(from, {kept}), count](const Memories &in, const Memories &out) {
        std::vector<Sum> sums(out[0].bytes / sizeof(T));
        const int64_t step = rows.strides[0].back();
        rows.each([&](size_t row, const std::vector<int64_t> &first) {
            const Loose<T> *x = as<T>(in[0].data) + row * rows.length;
            for (int64_t i = 0; i < static_cast<int64_t>(rows.length); ++i)
                sums[static_cast<size_t>(first[0] + i * step)] += x[i];
        });
        for (size_t i = 0; i < sums.size(); ++i)
            as<T>(out[0].data)[i] = static_cast<T>(count > 0 ? sums[i] / count : 0);
    };
}

template <class T>
Native cum_sum(const Dims &dims, size_t axis, bool exclusive, bool reverse) {
    return
        [lines = Lines(dims, axis), exclusive, reverse](const Memories &in, const Memories &out) {
            for (size_t line = 0; line < lines.count; ++line) {
                const size_t first = lines.first(line, lines.length);
                T sum = 0;
                for (size_t i = 0; i < lines.length; ++i) {
                    const size_t at = first + (reverse ? lines.length - 1 - i : i) * lines.inner;
                    const T x = as<T>(in[0].data)[at];
                    as<T>(out[0].data)[at] = exclusive ? sum : Maths<T>::add(sum, x);
                    sum = Maths<T>::add(sum, x);
                }
            }
        };
}

// ---- casts ----

// Numbers that do not fit become the nearest that does; what is no number becomes 0.
template <class To, class From>
To from_real(From value) {
    if (std::isnan(value)) return 0;
    if (value >= std::ldexp(From{1}, std::numeric_limits<To>::digits))
        return std::numeric_limits<To>::max();
    if (value <= static_cast<From>(std::numeric_limits<To>::min()))
        return std::numeric_limits<To>::min();
    return static_cast<To>(value);
}

template <class To, class From>
void cast(const Memories &in, const Memories &out) {
    const size_t count = out[0].bytes / sizeof(To);
    for (size_t i = 0; i < count; ++i) {
        const From x = as<From>(in[0].data)[i];
        if constexpr (std::is_floating_point_v<From>)
            as<To>(out[0].data)[i] = from_real<To>(x);
        else
            as<To>(out[0].data)[i] = static_cast<To>(x);
    }
}

template <class From>
void is_true(const Memories &in, const Memories &out) {
    for (size_t i = 0; i < out[0].bytes; ++i)
        as<uint8_t>(out[0].data)[i] = as<From>(in[0].data)[i] != 0;
}

// Another type than T, to T or from it.
template <class T, bool kFromT>
Native cast_by_type(aclDataType other) {
    const auto between = [](auto sample) -> Native {
        using Other = decltype(sample);
        if constexpr (kFromT) return cast<Other, T>;
        return cast<T, Other>;
    };
    switch (other) {
        case ACL_FLOAT:
            return between(float{});
        case ACL_DOUBLE:
            return between(double{});
        case ACL_INT8:
            return between(int8_t{});
        case ACL_INT16:
            return between(int16_t{});
        case ACL_INT32:
            return between(int32_t{});
        case ACL_INT64:
            return between(int64_t{});
        case ACL_UINT8:
            return between(uint8_t{});
        case ACL_UINT16:
            return between(uint16_t{});
        case ACL_UINT32:
            return between(uint32_t{});
        case ACL_UINT64:
            return between(uint64_t{});
        case ACL_BOOL:
            return kFromT ? Native(is_true<T>) : between(uint8_t{});
        default:
            return {};
    }
}

Wide wide_cast(const Operand &from, const Operand &to) {
    if (from.type == to.type) return {};
    if (from.type == ACL_INT64) return {cast_by_type<int64_t, true>(to.type), {from.dims}};
    if (from.type == ACL_UINT64) return {cast_by_type<uint64_t, true>(to.type), {from.dims}};
    if (to.type == ACL_INT64) return {cast_by_type<int64_t, false>(from.type), {from.dims}};
    if (to.type == ACL_UINT64) return {cast_by_type<uint64_t, false>(from.type), {from.dims}};
    return {};
}

// ---- which call is which ----

template <class T>
Native binary_by_name(const std::string &type, const Rows &rows) {
    using M = Maths<T>;
    static const std::map<std::string, T (*)(T, T)> kSame{
        {"Add", M::add},     {"AddV2", M::add},
        {"Sub", M::sub},     {"Mul", M::mul},
        {"Div", M::div},     {"RealDiv", M::div},
        {"Mod", M::mod},     {"FloorMod", M::floor_mod},
        {"Maximum", M::max}, {"FloorDiv", M::floor_div},
        {"Minimum", M::min}, {"SquaredDifference", M::squared_difference},
        {"Pow", M::pow},
    };
    // The commonest as loops of their own, the rest through a pointer.
    if (type == "Add" || type == "AddV2")
        return binary<T, T>(rows, [](T a, T b) { return M::add(a, b); });
    if (type == "Sub") return binary<T, T>(rows, [](T a, T b) { return M::sub(a, b); });
    if (type == "Mul") return binary<T, T>(rows, [](T a, T b) { return M::mul(a, b); });
    const auto found = kSame.find(type);
    return found != kSame.end() ? binary<T, T>(rows, found->second) : Native{};
}

template <class T>
Native compare_by_name(const std::string &type, const Rows &rows) {
    const auto with = [&](bool (*f)(T, T)) { return binary<T, uint8_t>(rows, f); };
    if (type == "Equal") return with([](T a, T b) { return a == b; });
    if (type == "NotEqual") return with([](T a, T b) { return a != b; });
    if (type == "Greater") return with([](T a, T b) { return a > b; });
    if (type == "GreaterEqual") return with([](T a, T b) { return a >= b; });
    if (type == "Less") return with([](T a, T b) { return a < b; });
    if (type == "LessEqual") return with([](T a, T b) { return a <= b; });
    if (type == "LogicalAnd") return with([](T a, T b) { return a != 0 && b != 0; });
    if (type == "LogicalOr") return with([](T a, T b) { return a != 0 || b != 0; });
    return {};
}

template <class T>
Native unary_by_name(const std::string &type) {
    static const std::map<std::string, T (*)(T)> kAll{
        {"Abs", Maths<T>::abs},       {"Neg", Maths<T>::neg},   {"Sign", Maths<T>::sign},
        {"Square", Maths<T>::square}, {"Relu", Maths<T>::relu},
    };
    const auto found = kAll.find(type);
    return found != kAll.end() ? unary<T>(found->second) : Native{};
}

// The axes that a reduction names; none at all means every axis.
Dims axes_of(const Build &b, bool in_attribute) {
    Dims axes = in_attribute ? b.integers("axes", {}) : b.integers_of(1);
    if (axes.empty())
        for (int64_t i = 0; i < b.rank(0); ++i) axes.push_back(i);
    for (int64_t &axis : axes) axis = b.axis(axis, b.rank(0));
    return axes;
}

template <class T>
Wide reduction(Build &b, std::string type) {
    const bool in_attribute = type.back() == 'D';
    if (in_attribute) type.pop_back();
    Dims kept = b.dims(0), result;
    const Dims axes = axes_of(b, in_attribute);
    int64_t count = 1;
    for (size_t i = 0; i < kept.size(); ++i) {
        const bool goes = std::count(axes.begin(), axes.end(), static_cast<int64_t>(i)) > 0;
        if (goes) {
            count *= kept[i];
            kept[i] = 1;
        }
        if (!goes || b.flag("keep_dims", false)) result.push_back(kept[i]);
    }
    using Limits = std::numeric_limits<T>;
    const Dims &from = b.dims(0);
    if (type == "ReduceSum") return {reduce<T>(from, kept, 0, Maths<T>::add), {result}};
    if (type == "ReduceProd") return {reduce<T>(from, kept, 1, Maths<T>::mul), {result}};
    if (type == "ReduceMax") return {reduce<T>(from, kept, Limits::min(), Maths<T>::max), {result}};
    if (type == "ReduceMin") return {reduce<T>(from, kept, Limits::max(), Maths<T>::min), {result}};
    if (type == "ReduceMean") return {mean<T>(from, kept, count), {result}};
    return {};
}

template <class T>
Wide cumulative(Build &b, bool in_attribute) {
    const int64_t given =
        in_attribute ? b.integer("axis", 0) : static_cast<int64_t>(b.number_of(1));
    const auto axis = static_cast<size_t>(b.axis(given, b.rank(0)));
    return {cum_sum<T>(b.dims(0), axis, b.flag("exclusive", false), b.flag("reverse", false)),
            {b.dims(0)}};
}

template <class T>
Wide elementwise(const Call &call) {
    std::vector<Dims> shapes;
    Dims out;
    for (const Operand &input : call.inputs) {
        shapes.push_back(input.dims);
        if (input.absent || !broadcast(input.dims, out)) return {};
    }
    const aclDataType type = call.outputs[0].type;
    const bool same = type == call.inputs.back().type;
    if (call.inputs.size() == 1 && same) return {unary_by_name<T>(call.type), {out}};
    if (call.inputs.size() == 2 && call.inputs[0].type == call.inputs[1].type) {
        const Rows rows(out, shapes);
        if (same) return {binary_by_name<T>(call.type, rows), {out}};
        if (type == ACL_BOOL) return {compare_by_name<T>(call.type, rows), {out}};
    }
    if (call.inputs.size() == kMostInputs && same && call.inputs[1].type == type) {
        const Rows rows(out, shapes);
        if (call.type == "ClipByValue" && call.inputs[0].type == type)
            return {clip<T>(rows), {out}};
        const bool selects = call.type == "Select" || call.type == "SelectV2";
        if (selects && call.inputs[0].type == ACL_BOOL) return {select<T>(rows), {out}};
    }
    return {};
}

template <class T>
Wide find(const Call &call) {
    const std::string &type = call.type;
    const bool same = call.inputs[0].type == call.outputs[0].type;
    Build build(call);
    if (type.compare(0, 6, "Reduce") == 0) return same ? reduction<T>(build, type) : Wide{};
    if (type == "Cumsum" || type == "CumsumD")
        return same ? cumulative<T>(build, type.back() == 'D') : Wide{};
    if (type == "AddN") {
        for (const Operand &input : call.inputs)
            if (!same || input.type != call.inputs[0].type || input.dims != call.inputs[0].dims)
                return {};
        return {add_n<T>, {call.inputs[0].dims}};
    }
    return elementwise<T>(call);
}

}  // namespace

Wide wide_arithmetic(const Call &call) {
    if (call.inputs.empty() || call.outputs.size() != 1) return {};
    const Operand &last = call.inputs.back(), &first = call.inputs[0];
    if (call.type == "Cast") {
        Build(call).check_cast();
        return wide_cast(first, call.outputs[0]);
    }
    // Select begins with a condition, ReduceSum ends with its axes.
    const Operand &data = is_wide(first) ? first : last;
    if (!is_wide(data) || !(is_wide(first) || first.type == ACL_BOOL)) return {};
    return data.type == ACL_INT64 ? find<int64_t>(call) : find<uint64_t>(call);
}

Native apart(Native compute) {
    return [compute = std::move(compute)](const Memories &inputs, const Memories &outputs) {
        Memories to = outputs;
        std::vector<std::vector<unsigned char>> rooms(outputs.size());
        for (size_t i = 0; i < outputs.size(); ++i) {
            const auto begin = reinterpret_cast<uintptr_t>(outputs[i].data);
            for (const Memory &input : inputs) {
                const auto first = reinterpret_cast<uintptr_t>(input.data);
                if (begin >= first + input.bytes || first >= begin + outputs[i].bytes) continue;
                rooms[i].resize(outputs[i].bytes);
                to[i].data = rooms[i].data();
            }
        }
        compute(inputs, to);
        for (size_t i = 0; i < outputs.size(); ++i)
            if (!rooms[i].empty()) std::memcpy(outputs[i].data, rooms[i].data(), rooms[i].size());
    };
}

}  // namespace softnpu::op
