// The manifest section of an .om: JSON that describes inputs, outputs and gears.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "acl/error_codes/ge_error_codes.h"
#include "softnpu/model/om_file.hpp"

namespace softnpu {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxRank = 128;

// Reads the manifest and says where in it something is wrong.
class Reader {
  public:
    explicit Reader(std::string origin) : origin_(std::move(origin)) {}

    [[noreturn]] void refuse(const std::string &detail) const {
        throw ModelError(ACL_ERROR_GE_PARAM_INVALID,
                         origin_ + " has a bad manifest: " + detail + "; convert it again");
    }

    const Json &field(const Json &object, const char *key, const std::string &where) const {
        if (!object.is_object()) refuse(where + " is not an object");
        const auto found = object.find(key);
        if (found == object.end()) refuse(where + " lacks \"" + key + "\"");
        return *found;
    }

    int64_t integer(const Json &value, const std::string &where) const {
        if (!value.is_number_integer()) refuse(where + " is not an integer");
        if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX)
            refuse(where + " is too large");
        return value.get<int64_t>();
    }

    std::string text(const Json &value, const std::string &where) const {
        if (!value.is_string()) refuse(where + " is not a string");
        return value.get<std::string>();
    }

    const Json &list(const Json &value, const std::string &where) const {
        if (!value.is_array()) refuse(where + " is not a list");
        return value;
    }

    // A shape; -1 is allowed where `may_vary`.
    Dims dims(const Json &value, bool may_vary, const std::string &where) const {
        Dims dims;
        for (const Json &item : list(value, where)) dims.push_back(integer(item, where));
        if (dims.size() > kMaxRank) refuse(where + " has more than 128 dims");
        for (const int64_t dim : dims)
            if (dim < (may_vary ? -1 : 0)) refuse(where + " has the dim " + std::to_string(dim));
        return dims;
    }

    TensorInfo tensor(const Json &value, const std::string &where) const {
        TensorInfo info;
        info.name = text(field(value, "name", where), where + ".name");
        const int64_t type = integer(field(value, "dtype", where), where + ".dtype");
        if (type < 0 || type > INT32_MAX) refuse(where + ".dtype is out of range");
        info.type = static_cast<aclDataType>(type);
        info.element = engine_type(info.type);
        if (info.element == ov::Element::dynamic)
            refuse(where + ".dtype " + std::to_string(type) + " is not a type of this device");
        const int64_t format = integer(field(value, "format", where), where + ".format");
        if (format < -1 || format > INT32_MAX) refuse(where + ".format is out of range");
        info.format = static_cast<aclFormat>(format);
        info.dims = dims(field(value, "dims", where), true, where + ".dims");
        const int64_t size = integer(field(value, "size", where), where + ".size");
        if (size < 0) refuse(where + ".size is negative");
        info.bytes = static_cast<size_t>(size);
        if (const auto range = value.find("range"); range != value.end() && !range->is_null())
            info.range = ranges(*range, info.dims, where + ".range");
        return info;
    }

    std::vector<std::array<int64_t, 2>> ranges(const Json &value, const Dims &dims,
                                               const std::string &where) const {
        std::vector<std::array<int64_t, 2>> rows;
        for (const Json &row : list(value, where)) {
            if (list(row, where).size() != 2) refuse(where + " needs [min, max] pairs");
            rows.push_back({integer(row[0], where), integer(row[1], where)});
            const auto [low, high] = rows.back();
            if (low < 0 || (high != -1 && high < low)) refuse(where + " has an empty range");
        }
        if (rows.size() != dims.size()) refuse(where + " has not one pair per dim");
        return rows;
    }

    Gears gears(const Json &value, const std::vector<TensorInfo> &inputs) const {
        Gears gears;
        const std::string kind = text(field(value, "kind", "gear"), "gear.kind");
        if (kind == "batch")
            gears.kind = GearKind::batch;
        else if (kind == "image")
            gears.kind = GearKind::image;
        else if (kind == "dims")
            gears.kind = GearKind::dims;
        else
            refuse("gear.kind is '" + kind + "'");
        for (const Json &row : list(field(value, "gears", "gear"), "gear.gears"))
            gears.values.push_back(dims(row, false, "gear.gears"));
        if (gears.values.empty()) refuse("gear.gears is empty");
        for (const Json &row : list(field(value, "where", "gear"), "gear.where")) {
            const Dims place = dims(row, false, "gear.where");
            if (place.size() != 2) refuse("gear.where needs [input, dim] pairs");
            gears.where.emplace_back(place[0], place[1]);
        }
        check(gears, inputs);
        return gears;
    }

  private:
    // Every -1 of the inputs must be filled exactly once, and nothing else.
    void check(const Gears &gears, const std::vector<TensorInfo> &inputs) const {
        const size_t width = gears.width();
        const size_t wanted = gears.kind == GearKind::batch   ? 1
                              : gears.kind == GearKind::image ? 2
                                                              : gears.where.size();
        for (const Dims &row : gears.values) {
            if (row.size() != width || width != wanted || width == 0)
                refuse("a gear has " + std::to_string(row.size()) + " values instead of " +
                       std::to_string(wanted));
            if (std::count(gears.values.begin(), gears.values.end(), row) != 1)
                refuse("gear " + to_text(row) + " is listed twice");
        }
        if (gears.where.empty() || gears.where.size() % width != 0)
            refuse("gear.where does not match the gears");
        size_t varying = 0;
        for (const TensorInfo &input : inputs)
            varying += static_cast<size_t>(std::count(input.dims.begin(), input.dims.end(), -1));
        for (const auto &place : gears.where) {
            if (place.first >= inputs.size() || place.second >= inputs[place.first].dims.size() ||
                inputs[place.first].dims[place.second] != -1)
                refuse("gear.where points at a dim that does not vary");
            if (std::count(gears.where.begin(), gears.where.end(), place) != 1)
                refuse("gear.where names a dim twice");
        }
        if (varying != gears.where.size()) refuse("gear.where leaves a varying dim out");
    }

    std::string origin_;
};

void add_gear_dims(Description &description, const Json &outputs, const Reader &read) {
    const Gears &gears = *description.gears;
    for (size_t i = 0; i < description.inputs.size(); ++i)
        for (size_t gear = 0; gear < gears.values.size(); ++gear)
            description.inputs[i].gear_dims.push_back(
                gears.fill(i, description.inputs[i].dims, gear));
    for (size_t i = 0; i < description.outputs.size(); ++i) {
        TensorInfo &output = description.outputs[i];
        const std::string where = "outputs[" + std::to_string(i) + "].gear_dims";
        for (const Json &row : read.list(read.field(outputs[i], "gear_dims", where), where))
            output.gear_dims.push_back(read.dims(row, false, where));
        if (output.gear_dims.size() != gears.values.size())
            read.refuse(where + " has not one shape per gear");
    }
}

// Sizes are recomputed rather than believed: buffers are checked against them.
void check_sizes(std::vector<TensorInfo> &tensors, const Reader &read) {
    for (TensorInfo &tensor : tensors) {
        size_t bytes = tensor_bytes(tensor.type, tensor.dims);
        for (const Dims &dims : tensor.gear_dims)
            bytes = std::max(bytes, tensor_bytes(tensor.type, dims));
        const bool unbounded = !tensor.is_static() && tensor.gear_dims.empty();
        if (!unbounded && bytes != tensor.bytes)
            read.refuse("'" + tensor.name + "' has size " + std::to_string(tensor.bytes) +
                        ", its shape makes " + std::to_string(bytes));
    }
}

}  // namespace

Description parse_manifest(const char *text, size_t size, const std::string &origin) {
    const Reader read(origin);
    const Json json = Json::parse(text, text + size, nullptr, false);
    if (json.is_discarded()) read.refuse("it is not JSON");
    Description result;
    result.name = read.text(read.field(json, "name", "the manifest"), "name");
    result.soc = read.text(read.field(json, "soc", "the manifest"), "soc");
    const Json &dynamic = read.field(json, "dynamic", "the manifest");
    if (!dynamic.is_boolean()) read.refuse("\"dynamic\" is neither true nor false");
    result.is_dynamic = dynamic.get<bool>();
    const Json &inputs = read.list(read.field(json, "inputs", "the manifest"), "inputs");
    const Json &outputs = read.list(read.field(json, "outputs", "the manifest"), "outputs");
    for (size_t i = 0; i < inputs.size(); ++i)
        result.inputs.push_back(read.tensor(inputs[i], "inputs[" + std::to_string(i) + "]"));
    for (size_t i = 0; i < outputs.size(); ++i)
        result.outputs.push_back(read.tensor(outputs[i], "outputs[" + std::to_string(i) + "]"));
    if (result.outputs.empty()) read.refuse("there are no outputs");
    const Json &gear = read.field(json, "gear", "the manifest");
    if (!gear.is_null()) {
        if (result.is_dynamic) read.refuse("a model has gears or is dynamic, not both");
        result.gears = read.gears(gear, result.inputs);
        add_gear_dims(result, outputs, read);
    } else if (!result.is_dynamic) {
        for (const TensorInfo &input : result.inputs)
            if (!input.is_static()) read.refuse("'" + input.name + "' varies without gears");
    }
    check_sizes(result.inputs, read);
    check_sizes(result.outputs, read);
    return result;
}

}  // namespace softnpu
