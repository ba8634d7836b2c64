#include "softnpu/op/library.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "softnpu/core/context.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/model/blob.hpp"
#include "softnpu/model/om_file.hpp"
#include "softnpu/op/execute.hpp"
#include "softnpu/op/kernel.hpp"

namespace softnpu::op {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

struct Name {
    const char *text;
    int value;
};
constexpr Name kTypes[] = {{"float", ACL_FLOAT},     {"float32", ACL_FLOAT},
                           {"float16", ACL_FLOAT16}, {"bfloat16", ACL_BF16},
                           {"double", ACL_DOUBLE},   {"float64", ACL_DOUBLE},
                           {"int8", ACL_INT8},       {"int16", ACL_INT16},
                           {"int32", ACL_INT32},     {"int64", ACL_INT64},
                           {"uint8", ACL_UINT8},     {"uint16", ACL_UINT16},
                           {"uint32", ACL_UINT32},   {"uint64", ACL_UINT64},
                           {"bool", ACL_BOOL},       {"UNDEFINED", ACL_DT_UNDEFINED}};
constexpr Name kFormats[] = {{"NCHW", ACL_FORMAT_NCHW},
                             {"NHWC", ACL_FORMAT_NHWC},
                             {"ND", ACL_FORMAT_ND},
                             {"UNDEFINED", ACL_FORMAT_UNDEFINED}};

template <size_t kCount>
int named(const Name (&names)[kCount], const std::string &text, const char *what) {
    for (const Name &name : names)
        if (text == name.text) return name.value;
    throw OpError(ACL_ERROR_PARSE_MODEL, std::string(what) + " '" + text + "' is not known here");
}

template <class T>
void put(std::vector<unsigned char> &bytes, T value) {
    const auto *first = reinterpret_cast<const unsigned char *>(&value);
    bytes.insert(bytes.end(), first, first + sizeof value);
}

// A constant that decides a shape: the operators take integers for those.
std::vector<unsigned char> constant(const Json &values, aclDataType type) {
    std::vector<unsigned char> bytes;
    for (const Json &value : values.is_array() ? values : Json::array({values})) {
        switch (type) {
            case ACL_INT32:
                put(bytes, value.get<int32_t>());
                break;
            case ACL_INT64:
                put(bytes, value.get<int64_t>());
                break;
            case ACL_FLOAT:
                put(bytes, value.get<float>());
                break;
            default:
                throw OpError(ACL_ERROR_PARSE_MODEL, "a const_value is int32, int64 or float");
        }
    }
    return bytes;
}

Operand operand(const Json &desc) {
    Operand made;
    made.type = static_cast<aclDataType>(named(kTypes, desc.at("type"), "the data type"));
    made.format = static_cast<aclFormat>(
        named(kFormats, desc.value("format", std::string("ND")), "the format"));
    made.absent = made.type == ACL_DT_UNDEFINED;
    if (made.absent) return made;
    made.dims = desc.at("shape").get<Dims>();
    if (desc.value("is_const", false) || desc.contains("const_value")) {
        made.value = constant(desc.at("const_value"), made.type);
        made.has_value = true;
        if (made.value.size() != made.bytes())
            throw OpError(ACL_ERROR_PARSE_MODEL, "a const_value does not fill its shape");
    }
    return made;
}

Attribute attribute(const Json &json) {
    Attribute made;
    const std::string type = json.at("type");
    const Json &value = json.at("value");
    made.is_list = type.rfind("list_", 0) == 0;
    if (type == "bool")
        made.integers = {value.get<bool>()};
    else if (type == "int")
        made.integers = {value.get<int64_t>()};
    else if (type == "float")
        made.reals = {value.get<float>()};
    else if (type == "string")
        made.texts = {value.get<std::string>()};
    else if (type == "data_type")
        made.integers = {named(kTypes, value, "the data type")};
    else if (type == "list_int")
        made.integers = value.get<Dims>();
    else if (type == "list_float")
        made.reals = value.get<std::vector<float>>();
    else if (type == "list_string")
        made.texts = value.get<std::vector<std::string>>();
    else if (type == "list_list_int")
        made.lists = value.get<std::vector<Dims>>();
    else if (type == "list_bool")
        for (const Json &one : value) made.integers.push_back(one.get<bool>());
    else
        throw OpError(ACL_ERROR_PARSE_MODEL, "attribute type '" + type + "' is not known");
    return made;
}

Call parse(const Json &json) {
    Call call;
    call.type = json.at("op");
    for (const Json &desc : json.at("input_desc")) call.inputs.push_back(operand(desc));
    for (const Json &desc : json.at("output_desc")) call.outputs.push_back(operand(desc));
    for (const Json &one : json.value("attr", Json::array()))
        call.attributes[one.at("name")] = attribute(one);
    return call;
}

bool is_open(const Operand &operand) {
    return std::any_of(operand.dims.begin(), operand.dims.end(),
                       [](int64_t dim) { return dim < 0; });
}

// Compiled now unless something comes with each call: an open shape, or values.
int take(Call call, const std::string &origin) {
    const Definition *definition = find_definition(call.type);
    if (definition == nullptr)
        return fail(ACL_ERROR_OP_NOT_FOUND,
                    "%s: there is no operator '%.100s' here; softnpu has %s", origin.c_str(),
                    call.type.c_str(), supported_types().c_str());
    const auto count = static_cast<int>(call.inputs.size());
    for (const int index : definition->value_inputs(count)) {
        const bool exists = index >= 0 && index < count;
        if (exists && !call.inputs[static_cast<size_t>(index)].has_value) return 0;
    }
    if (std::any_of(call.inputs.begin(), call.inputs.end(), is_open)) return 0;
    // Programs name the folder right after aclInit, before they choose a device.
    if (current_context_handle() == nullptr) return 0;
    Prepared prepared;
    return prepare(std::move(call), prepared);
}

bool is_for_a_chip(const unsigned char *data, size_t size) {
    return size >= 4 && std::memcmp(data, "IMOD", 4) == 0;
}

int load(const unsigned char *data, size_t size, const std::string &origin) {
    if (is_for_a_chip(data, size)) {
        log(LogLevel::warning,
            "%s was compiled for a real NPU and is passed over; softnpu compiles operators at "
            "their first use",
            origin.c_str());
        return 0;
    }
    try {
        if (model_kind(data, size, origin) != ModelKind::om)
            return fail(ACL_ERROR_PARSE_MODEL, "%s is not a single operator", origin.c_str());
        const Json json = Json::parse(om_manifest(data, size, origin));
        if (!json.is_object() || !json.contains("single_op"))
            return fail(ACL_ERROR_PARSE_MODEL,
                        "%s is a model, not a single operator; load it with aclmdlLoadFromFile",
                        origin.c_str());
        return take(parse(json.at("single_op")), origin);
    } catch (const ModelError &error) {
        return fail(ACL_ERROR_DESERIALIZE_MODEL, "%s", error.what());
    } catch (const OpError &error) {
        return fail(error.code, "%s: %s", origin.c_str(), error.what());
    } catch (const Json::exception &error) {
        return fail(ACL_ERROR_PARSE_MODEL, "%s: %s", origin.c_str(), error.what());
    }
}

}  // namespace

int load_operator(const void *data, size_t size, const std::string &origin) {
    return load(static_cast<const unsigned char *>(device_view(data)), size, origin);
}

int load_folder(const char *folder) {
    std::error_code error;
    if (!fs::is_directory(folder, error))
        return fail(ACL_ERROR_READ_MODEL_FAILURE, "'%s' is not a folder", folder);
    size_t found = 0;
    for (fs::recursive_directory_iterator it(folder, error), end; it != end && !error;
         it.increment(error)) {
        if (it->path().extension() != ".om" || !it->is_regular_file()) continue;
        ++found;
        const std::string path = it->path().string();
        try {
            const Blob bytes = Blob::read(path.c_str());
            if (const int code = load(bytes.data(), bytes.size(), "'" + path + "'")) return code;
        } catch (const ModelError &failure) {
            return fail(ACL_ERROR_READ_MODEL_FAILURE, "%s", failure.what());
        }
    }
    if (error)
        return fail(ACL_ERROR_READ_MODEL_FAILURE, "'%s': %s", folder, error.message().c_str());
    if (found == 0)
        log(LogLevel::warning, "there is no .om in '%s'; operators are compiled at their first use",
            folder);
    return 0;
}

void limit_operators(size_t most) noexcept {
    keep_kernels(most);
}

}  // namespace softnpu::op
