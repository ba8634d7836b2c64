// The manifest section of an .om: JSON that describes inputs, outputs and gears.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "acl/acl_mdl.h"
#include "acl/error_codes/ge_error_codes.h"
#include "softnpu/aipp/dynamic.hpp"
#include "softnpu/core/config.hpp"
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
        if (const auto found = value.find("aipp"); found != value.end() && !found->is_null())
            info.aipp = aipp(*found, where);
        if (info.aipp != nullptr) check_picture(info, where);
        return info;
    }

    int32_t number(const Json &object, const char *key) const {
        const int64_t value = integer(field(object, key, "aipp"), std::string("aipp.") + key);
        if (value < INT32_MIN || value > INT32_MAX) refuse(std::string("aipp.") + key);
        return static_cast<int32_t>(value);
    }

    bool flag(const Json &object, const char *key) const {
        const Json &value = field(object, key, "aipp");
        if (!value.is_boolean()) refuse(std::string("aipp.") + key + " is not true or false");
        return value.get<bool>();
    }

    template <class Value, size_t N>
    std::array<Value, N> numbers(const Json &object, const char *key) const {
        const std::string where = std::string("aipp.") + key;
        const Json &values = list(field(object, key, "aipp"), where);
        std::array<Value, N> result{};
        if (values.size() != N) refuse(where + " has the wrong length");
        for (size_t i = 0; i < N; ++i) {
            if (!values[i].is_number()) refuse(where + " holds something else than numbers");
            result[i] = values[i].get<Value>();
        }
        return result;
    }

    std::shared_ptr<const AippInput> aipp(const Json &value, const std::string &where) const {
        auto input = std::make_shared<AippInput>();
        input->network = tensor(field(value, "network", where + ".aipp"), where + ".aipp.network");
        if (value.contains("dynamic")) {
            input->is_dynamic = true;
            check_network(*input, where);
            return input;
        }
        aipp::Settings &s = input->settings;
        s.format = static_cast<aipp::Format>(number(value, "format"));
        const auto source = numbers<int32_t, 2>(value, "src");
        const auto crop = numbers<int32_t, 4>(value, "crop");
        const auto pad = numbers<int32_t, 4>(value, "padding");
        s.src_w = source[0], s.src_h = source[1];
        s.crop = flag(value, "crop_switch");
        s.crop_x = crop[0], s.crop_y = crop[1], s.crop_w = crop[2], s.crop_h = crop[3];
        if (value.contains("resize")) {  // files of older versions say nothing of it
            const auto resize = numbers<int32_t, 2>(value, "resize");
            s.resize = true;
            s.resize_w = resize[0], s.resize_h = resize[1];
        }
        s.padding = flag(value, "padding_switch");
        s.left = pad[0], s.right = pad[1], s.top = pad[2], s.bottom = pad[3];
        s.pad_value = numbers<float, 1>(value, "padding_value")[0];
        s.csc = flag(value, "csc_switch");
        s.matrix = numbers<int32_t, 9>(value, "matrix");
        s.output_bias = numbers<int32_t, 3>(value, "output_bias");
        s.input_bias = numbers<int32_t, 3>(value, "input_bias");
        s.rbuv_swap = flag(value, "rbuv_swap_switch");
        s.ax_swap = flag(value, "ax_swap_switch");
        s.mean = numbers<int32_t, 4>(value, "mean");
        s.min = numbers<float, 4>(value, "min");
        s.reciprocal = numbers<float, 4>(value, "var_reci");
        const size_t rows = input->network.format == ACL_FORMAT_NHWC ? 1 : 2;
        check_network(*input, where);
        input->follows_gear = input->network.dims[rows] < 0 || input->network.dims[rows + 1] < 0;
        if (input->follows_gear && (s.crop || s.resize || s.padding))
            refuse(where + ".aipp crops, resizes or pads pictures whose size varies");
        check(*input, where);
        return input;
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

    /// Without gears: not what static AIPP makes, and dynamic AIPP must know how many images.
    bool may_vary(const TensorInfo &input) const {
        if (input.aipp == nullptr) return true;
        const TensorInfo &network = input.aipp->network;
        const auto &range = network.range;
        const int64_t channels = network.dims[network.format == ACL_FORMAT_NHWC ? 3 : 1];
        return input.is_dynamic_aipp() && channels > 0 && range.size() == 4 && range[0][1] >= 1;
    }

  private:
    void check_picture(const TensorInfo &info, const std::string &where) const {
        const AippInput &input = *info.aipp;
        const bool yuv = input.settings.format == aipp::Format::yuv420sp;
        const int64_t height = input.settings.src_h, width = input.settings.src_w;
        Dims wanted = info.dims;
        if (!input.is_dynamic && wanted.size() == 4) {
            wanted = {input.network.dims[0], yuv ? height * 3 / 2 : height, width,
                      static_cast<int64_t>(aipp::picture_bytes(input.settings.format, 2, 2) /
                                           (yuv ? 6 : 4))};
            if (input.follows_gear) wanted[1] = wanted[2] = -1;
        }
        const bool is_picture = wanted.size() == (input.is_dynamic ? 1 : 4) && wanted == info.dims;
        if (!is_picture || info.type != ACL_UINT8) refuse(where + " is not what AIPP reads");
    }

    void check_network(const AippInput &input, const std::string &where) const {
        const auto element = input.network.element;
        if (element != ov::Element::f32 && element != ov::Element::f16 &&
            element != ov::Element::u8)
            refuse(where + ".aipp.network is of a type that AIPP does not write");
        if (input.network.dims.size() != 4) refuse(where + ".aipp.network has not four dims");
    }

    // The kernel walks the picture and the tensor by these numbers without looking again.
    void check(const AippInput &input, const std::string &where) const {
        const aipp::Settings &s = input.settings;
        const Dims &dims = input.network.dims;
        const auto format = static_cast<int32_t>(s.format);
        check_network(input, where);
        if (format < 1 || format > 4) refuse(where + ".aipp.format is unknown");
        const bool inside = s.src_w > 0 && s.src_h > 0 && s.src_w <= 4096 && s.src_h <= 4096 &&
                            s.crop_x >= 0 && s.crop_y >= 0 && s.crop_w > 0 && s.crop_h > 0 &&
                            s.crop_w <= s.src_w - s.crop_x && s.crop_h <= s.src_h - s.crop_y;
        const int32_t pads[] = {s.left, s.right, s.top, s.bottom};
        const bool padded = std::all_of(std::begin(pads), std::end(pads),
                                        [](int32_t pad) { return pad >= 0 && pad <= 32; });
        const bool odd = s.format == aipp::Format::yuv420sp &&
                         ((s.src_w | s.src_h | s.crop_x | s.crop_y | s.crop_w) & 1) != 0;
        const bool resized = !s.resize || aipp::resize_problem(s.crop_w, s.crop_h, s.resize_w,
                                                               s.resize_h) == nullptr;
        if (!inside || !padded || odd || !resized)
            refuse(where + ".aipp has areas that do not fit");
        if (s.resize && !config().aipp_resize)
            throw ModelError(ACL_ERROR_FEATURE_UNSUPPORTED,
                             origin_ + ": " + where + " resizes pictures: " + aipp::kResizeAdvice);
        const size_t rows = input.network.format == ACL_FORMAT_NHWC ? 1 : 2;
        const size_t channels = rows == 1 ? 3 : 1;
        const bool fits = input.follows_gear || (dims[rows] == s.inner_h() + s.top + s.bottom &&
                                                 dims[rows + 1] == s.inner_w() + s.left + s.right);
        if (!fits || dims[channels] < 1 || dims[channels] > aipp::channels_of(s))
            refuse(where + ".aipp does not give what the network reads");
    }

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
        const auto dims_of = [&](size_t input) -> const Dims & {
            return inputs[input].behind_aipp().dims;
        };
        for (size_t i = 0; i < inputs.size(); ++i)
            varying += static_cast<size_t>(std::count(dims_of(i).begin(), dims_of(i).end(), -1));
        for (const auto &place : gears.where) {
            if (place.first >= inputs.size() || place.second >= dims_of(place.first).size() ||
                dims_of(place.first)[place.second] != -1)
                refuse("gear.where points at a dim that does not vary");
            if (std::count(gears.where.begin(), gears.where.end(), place) != 1)
                refuse("gear.where names a dim twice");
        }
        if (varying != gears.where.size()) refuse("gear.where leaves a varying dim out");
    }

    std::string origin_;
};

/// Dims of an input when the network reads `network` of it.
Dims picture_dims(const TensorInfo &input, const Dims &network, const Reader &read) {
    if (input.aipp == nullptr) return network;
    Dims dims = input.dims;
    if (input.is_dynamic_aipp()) return dims;
    dims[0] = network[0];
    if (!input.aipp->follows_gear) return dims;
    const aipp::Settings s = input.aipp->settings_for(network);
    const bool yuv = s.format == aipp::Format::yuv420sp;
    if (s.src_w < 1 || s.src_h < 1 || s.src_w > 4096 || s.src_h > 4096 ||
        (yuv && ((s.src_w | s.src_h) & 1) != 0))
        read.refuse("'" + input.name + "' cannot take pictures of a gear");
    dims[1] = yuv ? s.src_h * 3 / 2 : s.src_h;
    dims[2] = s.src_w;
    return dims;
}

void add_gear_dims(Description &description, const Json &outputs, const Reader &read) {
    const Gears &gears = *description.gears;
    for (size_t i = 0; i < description.inputs.size(); ++i) {
        TensorInfo &input = description.inputs[i];
        auto behind = input.aipp ? std::make_shared<AippInput>(*input.aipp) : nullptr;
        for (size_t gear = 0; gear < gears.values.size(); ++gear) {
            const TensorInfo &network = input.behind_aipp();
            const Dims filled = gears.fill(i, network.dims, gear);
            input.gear_dims.push_back(picture_dims(input, filled, read));
            if (behind != nullptr) behind->network.gear_dims.push_back(filled);
        }
        if (behind != nullptr) input.aipp = std::move(behind);
    }
    for (size_t i = 0; i < description.outputs.size(); ++i) {
        TensorInfo &output = description.outputs[i];
        const std::string where = "outputs[" + std::to_string(i) + "].gear_dims";
        for (const Json &row : read.list(read.field(outputs[i], "gear_dims", where), where))
            output.gear_dims.push_back(read.dims(row, false, where));
        if (output.gear_dims.size() != gears.values.size())
            read.refuse(where + " has not one shape per gear");
    }
}

// Each input with dynamic AIPP brings a hidden one, which carries the parameters.
void add_aipp_data(Description &description, const Reader &read) {
    for (size_t i = 0; i < description.inputs.size(); ++i) {
        if (!description.inputs[i].is_dynamic_aipp()) continue;
        const size_t images = description.most_images(i), count = description.aipp_data.size();
        if (images > aipp::kMostImages) read.refuse("dynamic AIPP takes at most 255 images");
        TensorInfo data;
        data.name = ACL_DYNAMIC_AIPP_NAME;
        if (count > 0) data.name += "_" + std::to_string(count);
        data.type = ACL_UINT8;
        data.element = ov::Element::u8;
        data.bytes = aipp::data_bytes(images);
        data.dims = {static_cast<int64_t>(data.bytes)};
        description.aipp_data.push_back(std::move(data));
        description.aipp_inputs.push_back(i);
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
    if (json.is_object() && json.contains("single_op"))
        throw ModelError(ACL_ERROR_GE_PARAM_INVALID,
                         origin +
                             " holds a single operator, not a model; load it with aclopLoad "
                             "or aclopSetModelDir");
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
    } else {
        for (const TensorInfo &input : result.inputs) {
            const bool varies = !input.is_static() || !input.behind_aipp().is_static();
            if (varies && !(result.is_dynamic && read.may_vary(input)))
                read.refuse("'" + input.name + "' varies without gears");
        }
    }
    add_aipp_data(result, read);
    check_sizes(result.inputs, read);
    check_sizes(result.outputs, read);
    return result;
}

}  // namespace softnpu
