// Operators that take many elements to few: sums, extremes and where they are.
#include "softnpu/op/build.hpp"

namespace softnpu::op {
namespace {

void reduce(Build &b, const char *type, const Dims &axes) {
    Dims all = axes;
    // No axis at all means every axis.
    if (all.empty())
        for (int64_t i = 0; i < b.rank(0); ++i) all.push_back(i);
    for (int64_t &axis : all) axis = b.axis(axis, b.rank(0));
    const bool keep = b.flag("keep_dims", false);
    const bool is_logical = type[6] == 'L';
    const Value x = is_logical ? b.convert(b.in(0), ov::Element::boolean) : b.in(0);
    b.output(b.add(type, {x, b.list(all)}, {{"keep_dims", keep ? "true" : "false"}}));
}

#define REDUCE(function, type)                   \
    void function(Build &b) {                    \
        reduce(b, type, b.integers_of(1));       \
    }                                            \
    void function##_d(Build &b) {                \
        reduce(b, type, b.integers("axes", {})); \
    }
REDUCE(reduce_sum, "ReduceSum")
REDUCE(reduce_mean, "ReduceMean")
REDUCE(reduce_max, "ReduceMax")
REDUCE(reduce_min, "ReduceMin")
REDUCE(reduce_prod, "ReduceProd")
REDUCE(reduce_all, "ReduceLogicalAnd")
REDUCE(reduce_any, "ReduceLogicalOr")
#undef REDUCE

struct Extreme {
    Value value, where;
};

// Value and index of the extreme along an axis; of equal ones the first.
Extreme extreme(Build &b, int64_t axis, bool largest, bool keep) {
    const Value found = b.add("TopK", {b.in(0), b.index(1)},
                              {{"axis", std::to_string(axis)},
                               {"mode", largest ? "max" : "min"},
                               {"sort", "value"},
                               {"stable", "true"},
                               {"index_element_type", "i32"}},
                              "opset11", 2);
    const Value where{found.layer, 1};
    if (keep) return {found, where};
    const Value axes = b.list({axis});
    return {b.add("Squeeze", {found, axes}), b.add("Squeeze", {where, axes})};
}

void arg(Build &b, bool largest, int64_t axis) {
    b.output_as_declared(extreme(b, b.axis(axis, b.rank(0)), largest, false).where);
}
void arg_max(Build &b) {
    arg(b, true, static_cast<int64_t>(b.number_of(1)));
}
void arg_min(Build &b) {
    arg(b, false, static_cast<int64_t>(b.number_of(1)));
}
void arg_max_d(Build &b) {
    arg(b, true, b.integer("dimension", 0));
}
void arg_min_d(Build &b) {
    arg(b, false, b.integer("dimension", 0));
}

void arg_with_value(Build &b, bool largest) {
    const int64_t axis = b.axis(b.integer("dimension", 0), b.rank(0));
    const Extreme found = extreme(b, axis, largest, b.flag("keep_dims", false));
    b.output_as_declared(found.where);
    b.output(found.value);
}
void arg_max_with_value(Build &b) {
    arg_with_value(b, true);
}
void arg_min_with_value(Build &b) {
    arg_with_value(b, false);
}

void top_k(Build &b, int64_t k) {
    const int64_t axis = b.axis(b.integer("dim", -1), b.rank(0));
    if (k < 0 || k > b.dims(0)[static_cast<size_t>(axis)])
        b.refuse_input("k " + std::to_string(k) + " of " +
                       std::to_string(b.dims(0)[static_cast<size_t>(axis)]) + " elements");
    const Value found = b.add("TopK", {b.in(0), b.index(k)},
                              {{"axis", std::to_string(axis)},
                               {"mode", b.flag("largest", true) ? "max" : "min"},
                               {"sort", "value"},
                               {"stable", "true"},
                               {"index_element_type", "i32"}},
                              "opset11", 2);
    b.output(found);
    b.output_as_declared({found.layer, 1});
}
void top_k_input(Build &b) {
    top_k(b, static_cast<int64_t>(b.number_of(1)));
}
void top_k_d(Build &b) {
    top_k(b, b.integer("k", 1));
}

void cum_sum(Build &b, int64_t axis) {
    b.output(b.add("CumSum", {b.in(0), b.index(b.axis(axis, b.rank(0)))},
                   {{"exclusive", b.flag("exclusive", false) ? "true" : "false"},
                    {"reverse", b.flag("reverse", false) ? "true" : "false"}},
                   "opset3"));
}
void cum_sum_input(Build &b) {
    cum_sum(b, static_cast<int64_t>(b.number_of(1)));
}
void cum_sum_d(Build &b) {
    cum_sum(b, b.integer("axis", 0));
}

}  // namespace

const Definitions &reduce_definitions() {
    static const auto *all = new Definitions{
        {"ReduceSum", 2, 2, 1, reduce_sum, 1},
        {"ReduceSumD", 1, 1, 1, reduce_sum_d},
        {"ReduceMean", 2, 2, 1, reduce_mean, 1},
        {"ReduceMeanD", 1, 1, 1, reduce_mean_d},
        {"ReduceMax", 2, 2, 1, reduce_max, 1},
        {"ReduceMaxD", 1, 1, 1, reduce_max_d},
        {"ReduceMin", 2, 2, 1, reduce_min, 1},
        {"ReduceMinD", 1, 1, 1, reduce_min_d},
        {"ReduceProd", 2, 2, 1, reduce_prod, 1},
        {"ReduceProdD", 1, 1, 1, reduce_prod_d},
        {"ReduceAll", 2, 2, 1, reduce_all, 1},
        {"ReduceAllD", 1, 1, 1, reduce_all_d},
        {"ReduceAny", 2, 2, 1, reduce_any, 1},
        {"ReduceAnyD", 1, 1, 1, reduce_any_d},
        {"ArgMax", 2, 2, 1, arg_max, 1},
        {"ArgMaxV2", 2, 2, 1, arg_max, 1},
        {"ArgMaxD", 1, 1, 1, arg_max_d},
        {"ArgMin", 2, 2, 1, arg_min, 1},
        {"ArgMinD", 1, 1, 1, arg_min_d},
        {"ArgMaxWithValue", 1, 1, 2, arg_max_with_value},
        {"ArgMinWithValue", 1, 1, 2, arg_min_with_value},
        {"TopK", 2, 2, 2, top_k_input, 1},
        {"TopKV2", 2, 2, 2, top_k_input, 1},
        {"TopKD", 1, 2, 2, top_k_d},
        {"Cumsum", 2, 2, 1, cum_sum_input, 1},
        {"CumsumD", 1, 1, 1, cum_sum_d},
    };
    return *all;
}

}  // namespace softnpu::op
