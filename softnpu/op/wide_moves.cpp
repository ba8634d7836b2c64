#include <algorithm>
#include <cstring>
#include <set>

#include "softnpu/op/kernel.hpp"
#include "softnpu/op/wide.hpp"

namespace softnpu::op {
namespace {

const std::set<std::string> &movers() {
    static const auto *all = new std::set<std::string>{"Transpose",
                                                       "TransposeD",
                                                       "Permute",
                                                       "Concat",
                                                       "ConcatV2",
                                                       "ConcatD",
                                                       "ConcatV2D",
                                                       "Pack",
                                                       "Split",
                                                       "SplitD",
                                                       "Unpack",
                                                       "Pad",
                                                       "PadD",
                                                       "PadV2",
                                                       "Tile",
                                                       "TileD",
                                                       "Slice",
                                                       "BroadcastTo",
                                                       "BroadcastToD",
                                                       "SliceD",
                                                       "StridedSlice",
                                                       "StridedSliceD",
                                                       "Gather",
                                                       "GatherV2",
                                                       "GatherV2D",
                                                       "ResizeNearestNeighborV2",
                                                       "ResizeNearestNeighborV2D"};
    return *all;
}

// The inputs whose elements are moved: not those that say how.
std::vector<size_t> moved_inputs(const Call &call, const Definition &definition) {
    const auto count = static_cast<int>(call.inputs.size());
    const std::vector<int> values = definition.value_inputs(count);
    std::vector<size_t> moved;
    for (int i = 0; i < count; ++i) {
        const bool says_how = std::count(values.begin(), values.end(), i) > 0 ||
                              (i == 1 && call.type.compare(0, 6, "Gather") == 0);
        if (!says_how) moved.push_back(static_cast<size_t>(i));
    }
    return moved;
}

size_t count_of(const Operand &operand) {
    return operand.bytes() / sizeof(int64_t);
}

// A call whose elements are 64 bits wide, done with their numbers: 1, 2, ... through all inputs.
struct Moves {
    std::vector<size_t> moved;
    std::vector<size_t> counts;  // elements of each moved input
    uint64_t fill = 0;           // what number 0 stands for
    std::shared_ptr<Kernel> kernel;

    void run(const Memories &inputs, const Memories &outputs) const;
};

void Moves::run(const Memories &inputs, const Memories &outputs) const {
    Memories from = inputs, to = outputs;
    std::vector<std::vector<int32_t>> numbers(moved.size()), results(outputs.size());
    size_t total = 0;
    for (const size_t count : counts) total += count;
    std::vector<uint64_t> values(total + 1);
    values[0] = fill;
    int32_t next = 1;
    for (size_t k = 0; k < moved.size(); ++k) {
        const size_t bytes = counts[k] * sizeof(uint64_t);
        if (bytes > 0)
            std::memcpy(&values[static_cast<size_t>(next)], inputs[moved[k]].data, bytes);
        numbers[k].resize(counts[k]);
        for (int32_t &number : numbers[k]) number = next++;
        from[moved[k]] = {numbers[k].data(), counts[k] * sizeof(int32_t)};
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
        results[i].resize(outputs[i].bytes / sizeof(uint64_t));
        to[i] = {results[i].data(), results[i].size() * sizeof(int32_t)};
    }
    kernel->run(from, to);
    for (size_t i = 0; i < outputs.size(); ++i) {
        auto *bytes = static_cast<unsigned char *>(outputs[i].data);
        for (const int32_t number : results[i]) {
            std::memcpy(bytes, &values[static_cast<size_t>(number)], sizeof(uint64_t));
            bytes += sizeof(uint64_t);
        }
    }
}

}  // namespace

Wide wide_moves(const Call &call) {
    if (movers().count(call.type) == 0) return {};
    Moves moves;
    moves.moved = moved_inputs(call, *find_definition(call.type));
    Call narrow = call;
    size_t total = 0;
    for (const size_t i : moves.moved) {
        const Operand &operand = call.inputs[i];
        if (!is_wide(operand) || operand.type != call.outputs[0].type) return {};
        moves.counts.push_back(count_of(operand));
        total += moves.counts.back();
        narrow.inputs[i].type = ACL_INT32;
        narrow.inputs[i].has_value = false;
        narrow.inputs[i].value.clear();
    }
    for (Operand &output : narrow.outputs) {
        if (output.type != call.outputs[0].type) return {};
        output.type = ACL_INT32;
    }
    if (total >= INT32_MAX) return {};
    if (call.type == "PadV2" && call.inputs[2].value.size() == sizeof moves.fill) {
        std::memcpy(&moves.fill, call.inputs[2].value.data(), sizeof moves.fill);
        narrow.inputs[2].type = ACL_INT32;
        narrow.inputs[2].value.assign(sizeof(int32_t), 0);
    }
    moves.kernel = std::make_shared<Kernel>(narrow);
    const std::vector<Dims> dims = moves.kernel->output_dims();
    return {[moves](const Memories &in, const Memories &out) { moves.run(in, out); }, dims};
}

}  // namespace softnpu::op
