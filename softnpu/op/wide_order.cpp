#include <algorithm>
#include <cstring>
#include <numeric>

#include "softnpu/op/wide.hpp"

namespace softnpu::op {
namespace {

// What is looked for, and how its places are written.
struct Search {
    Lines lines;
    size_t most;  // elements of the result's lines
    bool largest;
    size_t values, at;  // outputs; kNone when there is no such output
    bool narrow;        // places are int32

    static constexpr size_t kNone = SIZE_MAX;
};

template <class T>
void store(const Memory &to, size_t index, T value) {
    std::memcpy(static_cast<unsigned char *>(to.data) + index * sizeof value, &value, sizeof value);
}

// The first `most` of each line in order; of equal ones the earlier.
template <class T>
void search(const Search &s, const Memories &in, const Memories &out) {
    std::vector<T> line(s.lines.length);
    std::vector<size_t> order(s.lines.length);
    const auto before = [&](size_t a, size_t b) {
        if (line[a] != line[b]) return (line[a] > line[b]) == s.largest;
        return a < b;
    };
    for (size_t n = 0; n < s.lines.count; ++n) {
        const size_t from = s.lines.first(n, s.lines.length);
        for (size_t i = 0; i < line.size(); ++i)
            std::memcpy(&line[i],
                        static_cast<const unsigned char *>(in[0].data) +
                            (from + i * s.lines.inner) * sizeof(T),
                        sizeof(T));
        std::iota(order.begin(), order.end(), size_t{0});
        const auto end = order.begin() + static_cast<std::ptrdiff_t>(s.most);
        std::partial_sort(order.begin(), end, order.end(), before);
        for (size_t i = 0; i < s.most; ++i) {
            const size_t to = s.lines.first(n, s.most) + i * s.lines.inner;
            if (s.values != Search::kNone) store(out[s.values], to, line[order[i]]);
            if (s.narrow)
                store(out[s.at], to, static_cast<int32_t>(order[i]));
            else
                store(out[s.at], to, static_cast<int64_t>(order[i]));
        }
    }
}

bool is_place(aclDataType type) {
    return type == ACL_INT32 || type == ACL_INT64;
}

}  // namespace

Wide wide_order(const Call &call) {
    if (call.inputs.empty() || !is_wide(call.inputs[0])) return {};
    const bool top = call.type.compare(0, 4, "TopK") == 0;
    const bool arg =
        call.type.compare(0, 6, "ArgMax") == 0 || call.type.compare(0, 6, "ArgMin") == 0;
    if (!top && !arg) return {};
    const Build b(call);
    const bool with_value = arg && call.outputs.size() == 2;
    const bool has_input = call.inputs.size() == 2 && call.inputs[1].has_value;
    // Outputs of TopK are values and places, those of ArgMaxWithValue places and values.
    const size_t values = top ? 0 : with_value ? 1 : Search::kNone, at = top ? 1 : 0;
    if (!is_place(call.outputs[at].type)) return {};
    if (values != Search::kNone && call.outputs[values].type != call.inputs[0].type) return {};
    int64_t along = top ? b.integer("dim", -1) : b.integer("dimension", 0), most = 1;
    if (top)
        most = has_input ? static_cast<int64_t>(b.number_of(1)) : b.integer("k", 1);
    else if (has_input)
        along = static_cast<int64_t>(b.number_of(1));
    const auto axis = static_cast<size_t>(b.axis(along, b.rank(0)));
    Dims dims = b.dims(0);
    if (most < 0 || most > dims[axis] || (arg && dims[axis] == 0)) return {};  // refused there
    const bool largest = top ? b.flag("largest", true) : call.type.compare(0, 6, "ArgMax") == 0;
    const Search found{Lines(dims, axis),
                       static_cast<size_t>(most),
                       largest,
                       values,
                       at,
                       call.outputs[at].type == ACL_INT32};
    dims[axis] = most;
    if (arg && !(with_value && b.flag("keep_dims", false)))
        dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
    const bool is_signed = call.inputs[0].type == ACL_INT64;
    const auto compute = [found, is_signed](const Memories &in, const Memories &out) {
        is_signed ? search<int64_t>(found, in, out) : search<uint64_t>(found, in, out);
    };
    return {compute, std::vector<Dims>(call.outputs.size(), dims)};
}

}  // namespace softnpu::op
