// Operators that move elements: shapes, order, joining, cutting, scaling of pictures.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "softnpu/op/build.hpp"

namespace softnpu::op {
namespace {

int64_t product(const Dims &dims) {
    int64_t all = 1;
    for (const int64_t dim : dims) all *= dim;
    return all;
}

void transpose(Build &b, const Dims &order) {
    b.output(b.add("Transpose", {b.in(0), b.list(order)}));
}
void transpose_input(Build &b) {
    transpose(b, b.integers_of(1));
}
void transpose_d(Build &b) {
    transpose(b, b.integers("perm"));
}
void permute(Build &b) {
    transpose(b, b.integers("order"));
}

void reshape_to(Build &b, Dims shape) {
    const Dims &from = b.dims(0);
    const auto open = std::find(shape.begin(), shape.end(), -1);
    if (open != shape.end()) {
        *open = 1;
        const int64_t rest = product(shape);
        *open = rest > 0 ? product(from) / rest : 0;
    }
    if (product(shape) != product(from))
        b.refuse_input("shape " + to_text(shape) + " does not hold the elements of " +
                       to_text(from));
    b.output_same_bytes(shape);
}
void reshape(Build &b) {
    if (b.integer("axis", 0) != 0 || b.integer("num_axes", -1) != -1)
        b.refuse_attribute("only axis 0 and num_axes -1 are here");
    reshape_to(b, b.integers_of(1));
}

void identity(Build &b) {
    b.output_same_bytes(b.dims(0));
}

void flatten(Build &b) {
    const auto axis = static_cast<size_t>(b.integer("axis", 1));
    const Dims &from = b.dims(0);
    if (axis > from.size()) b.refuse_attribute("axis is larger than the number of dims");
    const auto cut = from.begin() + static_cast<std::ptrdiff_t>(axis);
    b.output_same_bytes({product(Dims(from.begin(), cut)), product(Dims(cut, from.end()))});
}

void squeeze(Build &b) {
    Dims axes = b.integers("axis", {});
    for (int64_t &axis : axes) axis = b.axis(axis, b.rank(0));
    Dims shape;
    for (int64_t i = 0; i < b.rank(0); ++i) {
        const int64_t dim = b.dims(0)[static_cast<size_t>(i)];
        const bool named = std::find(axes.begin(), axes.end(), i) != axes.end();
        if (named && dim != 1) b.refuse_attribute("axis " + std::to_string(i) + " is not 1 long");
        if (!(named || (axes.empty() && dim == 1))) shape.push_back(dim);
    }
    b.output_same_bytes(shape);
}

void expand(Build &b, Dims axes) {
    const auto rank = b.rank(0) + static_cast<int64_t>(axes.size());
    for (int64_t &axis : axes) axis = b.axis(axis, rank);
    std::sort(axes.begin(), axes.end());
    Dims shape = b.dims(0);
    for (const int64_t axis : axes) shape.insert(shape.begin() + axis, 1);
    b.output_same_bytes(shape);
}
void unsqueeze(Build &b) {
    expand(b, b.integers("axes", {0}));
}
void expand_dims(Build &b) {
    expand(b, b.integers_of(1));
}

void join(Build &b, size_t first, size_t count, int64_t axis) {
    std::vector<Value> parts;
    for (size_t i = first; i < first + count; ++i) parts.push_back(b.in(i));
    const std::string text = std::to_string(b.axis(axis, b.rank(first)));
    b.output(b.add("Concat", parts, {{"axis", text}}));
}
void concat(Build &b) {
    join(b, 1, b.inputs() - 1, static_cast<int64_t>(b.number_of(0)));
}
void concat_v2(Build &b) {
    join(b, 0, b.inputs() - 1, static_cast<int64_t>(b.number_of(b.inputs() - 1)));
}
void concat_d(Build &b) {
    join(b, 0, b.inputs(), b.integer("concat_dim", 0));
}

void pack(Build &b) {
    const int64_t axis = b.axis(b.integer("axis", 0), b.rank(0) + 1);
    std::vector<Value> parts;
    for (size_t i = 0; i < b.inputs(); ++i)
        parts.push_back(b.add("Unsqueeze", {b.in(i), b.list({axis})}));
    b.output(b.add("Concat", parts, {{"axis", std::to_string(axis)}}));
}

// As many equal parts as there are outputs.
void split(Build &b, size_t input, int64_t along, const char *count_name, bool squeeze) {
    const int64_t axis = b.axis(along, b.rank(input));
    const auto parts = static_cast<int64_t>(b.call().outputs.size());
    if (b.integer(count_name, parts) != parts)
        b.refuse_attribute(std::string(count_name) + " is not the number of outputs");
    if (b.dims(input)[static_cast<size_t>(axis)] % parts != 0)
        b.refuse_input("the axis cannot be cut into " + std::to_string(parts) + " equal parts");
    const Value made =
        b.add("Split", {b.in(input), b.index(axis)}, {{"num_splits", std::to_string(parts)}},
              "opset1", static_cast<int>(parts));
    for (int i = 0; i < static_cast<int>(parts); ++i) {
        const Value part{made.layer, i};
        b.output(squeeze ? b.add("Squeeze", {part, b.list({axis})}) : part);
    }
}
void split_input(Build &b) {
    split(b, 1, static_cast<int64_t>(b.number_of(0)), "num_split", false);
}
void split_d(Build &b) {
    split(b, 0, b.integer("split_dim", 0), "num_split", false);
}
void unpack(Build &b) {
    const int64_t axis = b.axis(b.integer("axis", 0), b.rank(0));
    if (b.dims(0)[static_cast<size_t>(axis)] != static_cast<int64_t>(b.call().outputs.size()))
        b.refuse(ACL_ERROR_OP_OUTPUT_NOT_MATCH, "one output for each part is wanted");
    split(b, 0, axis, "num", true);
}

void pad(Build &b, const Dims &pairs, Value fill) {
    if (pairs.size() != b.dims(0).size() * 2)
        b.refuse_input("paddings must hold a pair for each dim");
    Dims begin, end;
    for (size_t i = 0; i < pairs.size(); i += 2) {
        begin.push_back(pairs[i]);
        end.push_back(pairs[i + 1]);
    }
    b.output(b.add("Pad", {b.in(0), b.list(begin), b.list(end), fill}, {{"pad_mode", "constant"}}));
}
void pad_input(Build &b) {
    pad(b, b.integers_of(1), b.number(b.element(0), 0));
}
void pad_d(Build &b) {
    pad(b, b.integers("paddings"), b.number(b.element(0), 0));
}
void pad_v2(Build &b) {
    pad(b, b.integers_of(1), b.number(b.element(0), b.number_of(2)));
}

void tile_by(Build &b, const Dims &times) {
    b.output(b.add("Tile", {b.in(0), b.list(times)}));
}
void tile(Build &b) {
    tile_by(b, b.integers_of(1));
}
void tile_d(Build &b) {
    tile_by(b, b.integers("multiples"));
}

void broadcast_to(Build &b, const Dims &shape) {
    b.output(b.add("Broadcast", {b.in(0), b.list(shape)}, {{"mode", "bidirectional"}}, "opset3"));
}
void broadcast_input(Build &b) {
    broadcast_to(b, b.integers_of(1));
}
void broadcast_d(Build &b) {
    broadcast_to(b, b.integers("shape"));
}

void slice(Build &b, const Dims &offsets, const Dims &sizes) {
    if (offsets.size() != b.dims(0).size() || sizes.size() != offsets.size())
        b.refuse_input("offsets and size need a number for each dim");
    Dims stop, step(offsets.size(), 1);
    for (size_t i = 0; i < offsets.size(); ++i) {
        const int64_t dim = b.dims(0)[i];
        stop.push_back(sizes[i] < 0 ? dim : offsets[i] + sizes[i]);
        if (offsets[i] < 0 || stop[i] > dim) b.refuse_input("the slice leaves the tensor");
    }
    b.output(b.add("Slice", {b.in(0), b.list(offsets), b.list(stop), b.list(step)}, {}, "opset8"));
}
void slice_input(Build &b) {
    slice(b, b.integers_of(1), b.integers_of(2));
}
void slice_d(Build &b) {
    slice(b, b.integers("offsets"), b.integers("size"));
}

// TensorFlow's masks: bit i speaks of the i-th number of begin, end and strides.
void strided_slice(Build &b, const Dims &begin, const Dims &end, const Dims &strides) {
    if (end.size() != begin.size() || strides.size() != begin.size())
        b.refuse_input("begin, end and strides need as many numbers");
    for (const char *mask : {"ellipsis_mask", "new_axis_mask"})
        if (b.integer(mask, 0) != 0) b.refuse_attribute(std::string(mask) + " is not here");
    const auto bits = [&](const char *name, int64_t otherwise) {
        const int64_t mask = b.integer(name, otherwise);
        std::string text;
        for (size_t i = 0; i < begin.size(); ++i)
            text += std::string(i == 0 ? "" : ",") + ((mask >> i & 1) != 0 ? "1" : "0");
        return text;
    };
    b.output(b.add("StridedSlice", {b.in(0), b.list(begin), b.list(end), b.list(strides)},
                   {{"begin_mask", bits("begin_mask", 0)},
                    {"end_mask", bits("end_mask", 0)},
                    {"shrink_axis_mask", bits("shrink_axis_mask", 0)},
                    {"new_axis_mask", bits("new_axis_mask", 0)},
                    {"ellipsis_mask", bits("ellipsis_mask", 0)}}));
}
void strided_slice_input(Build &b) {
    strided_slice(b, b.integers_of(1), b.integers_of(2), b.integers_of(3));
}
void strided_slice_d(Build &b) {
    const Dims begin = b.integers("begin");
    strided_slice(b, begin, b.integers("end"), b.integers("strides", Dims(begin.size(), 1)));
}

// Every element of the result is the one of input `from`.
void fill_with(Build &b, const Dims &dims, size_t from) {
    const Operand &value = b.operand(from);
    if (product(value.dims) != 1) b.refuse_input("the value must be one element");
    if (value.element() != b.wanted(0))
        b.refuse(ACL_ERROR_OP_OUTPUT_NOT_MATCH, "the result has the value's type");
    b.output_native(dims, [value, from](const Memories &in, const Memories &out) {
        const void *one = value.has_value ? value.value.data() : in[from].data;
        const size_t size = value.bytes();
        auto *to = static_cast<unsigned char *>(out[0].data);
        for (size_t at = 0; at + size <= out[0].bytes; at += size) std::memcpy(to + at, one, size);
    });
}
void fill(Build &b) {
    fill_with(b, b.integers_of(0), 1);
}
void fill_d(Build &b) {
    fill_with(b, b.integers("dims"), 0);
}

// start, limit, delta; the limit is not part of it.
void range(Build &b) {
    const double start = b.number_of(0), limit = b.number_of(1), step = b.number_of(2);
    if (step == 0) b.refuse_input("a range's step is not 0");
    const double count = std::max(0.0, std::ceil((limit - start) / step));
    if (count > std::numeric_limits<int32_t>::max()) b.refuse_input("the range is too long");
    const Value counted =
        b.add("Range", {b.index(0), b.index(static_cast<int64_t>(count)), b.index(1)},
              {{"output_type", b.is_real(0) ? "f32" : "i64"}}, "opset4");
    const ov::Element element = b.is_real(0) ? ov::Element::f32 : ov::Element::i64;
    const Value steps = b.binary("Multiply", counted, b.number(element, step));
    b.output_as_declared(b.binary("Add", steps, b.number(element, start)));
}

void one_hot(Build &b) {
    const int64_t depth = b.integers_of(1).at(0), axis = b.integer("axis", -1);
    if (b.element(2) != b.wanted(0) || b.element(3) != b.wanted(0))
        b.refuse_input("on_value and off_value have the result's type");
    const auto scalar = [&](size_t input) {
        return b.add("Reshape", {b.in(input), b.list({})}, {{"special_zero", "false"}});
    };
    b.output(b.add("OneHot", {b.in(0), b.index(depth), scalar(2), scalar(3)},
                   {{"axis", std::to_string(b.axis(axis, b.rank(0) + 1))}}));
}

void gather(Build &b, int64_t axis) {
    b.output(b.add("Gather", {b.in(0), b.in(1), b.index(b.axis(axis, b.rank(0)))},
                   {{"batch_dims", "0"}}, "opset8"));
}
void gather_first(Build &b) {
    gather(b, 0);
}
void gather_v2(Build &b) {
    gather(b, static_cast<int64_t>(b.number_of(2)));
}
void gather_v2_d(Build &b) {
    gather(b, b.integer("axis", 0));
}

// Positions and rounding as TensorFlow has them, of which the operators take their attributes.
void resize(Build &b, const Dims &size, bool bilinear) {
    if (b.rank(0) != 4 || size.size() != 2)
        b.refuse_input("want 4 dims and a size of height, width");
    const bool align = b.flag("align_corners", false), half = b.flag("half_pixel_centers", false);
    const char *mode = align  ? "align_corners"
                       : half ? (bilinear ? "half_pixel" : "tf_half_pixel_for_nn")
                              : "asymmetric";
    const char *nearest = align ? "round_prefer_ceil" : "floor";
    const bool last = b.operand(0).format == ACL_FORMAT_NHWC;
    const Value axes = b.list(last ? Dims{1, 2} : Dims{2, 3});
    const Value x = bilinear ? b.convert(b.in(0), ov::Element::f32) : b.in(0);
    const Value scales = b.convert(b.list({1, 1}), ov::Element::f32);  // not read with sizes
    const Value made = b.add("Interpolate", {x, b.list(size), scales, axes},
                             {{"mode", bilinear ? "linear_onnx" : "nearest"},
                              {"shape_calculation_mode", "sizes"},
                              {"coordinate_transformation_mode", mode},
                              {"nearest_mode", nearest},
                              {"antialias", "false"},
                              {"pads_begin", "0"},
                              {"pads_end", "0"},
                              {"cube_coeff", "-0.75"}},
                             "opset4");
    bilinear ? b.output_as_declared(made) : b.output(made);
}
void bilinear(Build &b) {
    resize(b, b.integers_of(1), true);
}
void bilinear_d(Build &b) {
    resize(b, b.integers("size"), true);
}
void nearest(Build &b) {
    resize(b, b.integers_of(1), false);
}
void nearest_d(Build &b) {
    resize(b, b.integers("size"), false);
}

}  // namespace

const Definitions &shape_definitions() {
    static const auto *all = new Definitions{
        {"Transpose", 2, 2, 1, transpose_input, 1},
        {"TransposeD", 1, 1, 1, transpose_d},
        {"Permute", 1, 1, 1, permute},
        {"Reshape", 2, 2, 1, reshape, 1},
        {"Identity", 1, 1, 1, identity},
        {"Flatten", 1, 1, 1, flatten},
        {"Squeeze", 1, 1, 1, squeeze},
        {"Unsqueeze", 1, 1, 1, unsqueeze},
        {"ExpandDims", 2, 2, 1, expand_dims, 1},
        {"Concat", 2, -1, 1, concat, 0},
        {"ConcatV2", 2, -1, 1, concat_v2, -1},
        {"ConcatD", 1, -1, 1, concat_d},
        {"ConcatV2D", 1, -1, 1, concat_d},
        {"Pack", 1, -1, 1, pack},
        {"Split", 2, 2, -1, split_input, 0},
        {"SplitD", 1, 1, -1, split_d},
        {"Unpack", 1, 1, -1, unpack},
        {"Pad", 2, 2, 1, pad_input, 1},
        {"PadD", 1, 1, 1, pad_d},
        {"PadV2", 3, 3, 1, pad_v2, 1, 2},
        {"Tile", 2, 2, 1, tile, 1},
        {"TileD", 1, 1, 1, tile_d},
        {"BroadcastTo", 2, 2, 1, broadcast_input, 1},
        {"BroadcastToD", 1, 1, 1, broadcast_d},
        {"Slice", 3, 3, 1, slice_input, 1, 2},
        {"SliceD", 1, 1, 1, slice_d},
        {"StridedSlice", 4, 4, 1, strided_slice_input, 1, 2, 3},
        {"StridedSliceD", 1, 1, 1, strided_slice_d},
        {"Fill", 2, 2, 1, fill, 0},
        {"FillD", 1, 1, 1, fill_d},
        {"Range", 3, 3, 1, range, 0, 1, 2},
        {"OneHot", 4, 4, 1, one_hot, 1},
        {"Gather", 2, 2, 1, gather_first},
        {"GatherV2", 3, 3, 1, gather_v2, 2},
        {"GatherV2D", 2, 2, 1, gather_v2_d},
        {"ResizeBilinearV2", 2, 2, 1, bilinear, 1},
        {"ResizeBilinearV2D", 1, 1, 1, bilinear_d},
        {"ResizeNearestNeighborV2", 2, 2, 1, nearest, 1},
        {"ResizeNearestNeighborV2D", 1, 1, 1, nearest_d},
    };
    return *all;
}

}  // namespace softnpu::op
