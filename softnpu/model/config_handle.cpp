#include "softnpu/model/config_handle.hpp"

#include <cstring>

#include "acl/acl_base.h"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {
namespace {

enum class Kind : uint8_t { int32, size, pointer };

size_t bytes_of(Kind kind) {
    return kind == Kind::int32 ? sizeof(int32_t) : sizeof(size_t);
}

struct AttributeRow {
    int attribute;
    Kind kind;
    const char *name;
};

#define ROW(name, kind) {name, Kind::kind, #name}
constexpr AttributeRow kLoadAttributes[] = {
    ROW(ACL_MDL_PRIORITY_INT32, int32),     ROW(ACL_MDL_LOAD_TYPE_SIZET, size),
    ROW(ACL_MDL_PATH_PTR, pointer),         ROW(ACL_MDL_MEM_ADDR_PTR, pointer),
    ROW(ACL_MDL_MEM_SIZET, size),           ROW(ACL_MDL_WEIGHT_ADDR_PTR, pointer),
    ROW(ACL_MDL_WEIGHT_SIZET, size),        ROW(ACL_MDL_WORKSPACE_ADDR_PTR, pointer),
    ROW(ACL_MDL_WORKSPACE_SIZET, size),     ROW(ACL_MDL_INPUTQ_NUM_SIZET, size),
    ROW(ACL_MDL_INPUTQ_ADDR_PTR, pointer),  ROW(ACL_MDL_OUTPUTQ_NUM_SIZET, size),
    ROW(ACL_MDL_OUTPUTQ_ADDR_PTR, pointer), ROW(ACL_MDL_WORKSPACE_MEM_OPTIMIZE, size),
    ROW(ACL_MDL_WEIGHT_PATH_PTR, pointer),  ROW(ACL_MDL_MODEL_DESC_PTR, pointer),
    ROW(ACL_MDL_MODEL_DESC_SIZET, size),    ROW(ACL_MDL_KERNEL_PTR, pointer),
    ROW(ACL_MDL_KERNEL_SIZET, size),        ROW(ACL_MDL_KERNEL_ARGS_PTR, pointer),
    ROW(ACL_MDL_KERNEL_ARGS_SIZET, size),   ROW(ACL_MDL_STATIC_TASK_PTR, pointer),
    ROW(ACL_MDL_STATIC_TASK_SIZET, size),   ROW(ACL_MDL_DYNAMIC_TASK_PTR, pointer),
    ROW(ACL_MDL_DYNAMIC_TASK_SIZET, size),  ROW(ACL_MDL_MEM_MALLOC_POLICY_SIZET, size),
    ROW(ACL_MDL_FIFO_PTR, pointer),         ROW(ACL_MDL_FIFO_SIZET, size),
};
constexpr AttributeRow kExecuteAttributes[] = {
    ROW(ACL_MDL_STREAM_SYNC_TIMEOUT, int32), ROW(ACL_MDL_EVENT_SYNC_TIMEOUT, int32),
    ROW(ACL_MDL_WORK_ADDR_PTR, pointer),     ROW(ACL_MDL_WORK_SIZET, size),
    ROW(ACL_MDL_MPAIMID_SIZET, size),        ROW(ACL_MDL_AICQOS_SIZET, size),
    ROW(ACL_MDL_AICOST_SIZET, size),         ROW(ACL_MDL_MEC_TIMETHR_SIZET, size),
};
#undef ROW

template <size_t N>
int check_attribute(const AttributeRow (&rows)[N], int attribute, const void *value, size_t size) {
    if (value == nullptr)
        return fail(ACL_ERROR_INVALID_PARAM, "attrValue is NULL; pass the address of the value");
    for (const AttributeRow &row : rows) {
        if (row.attribute != attribute) continue;
        if (size == bytes_of(row.kind)) return 0;
        return fail(ACL_ERROR_INVALID_PARAM,
                    "%s takes the address of a value of %zu bytes, not %zu", row.name,
                    bytes_of(row.kind), size);
    }
    return fail(ACL_ERROR_INVALID_PARAM, "attribute %d is unknown", attribute);
}

template <typename T>
T value_at(const void *value) {
    T result;
    std::memcpy(&result, value, sizeof result);
    return result;
}

}  // namespace

LoadConfig::LoadConfig() {
    count(counters().live_configs);
}

LoadConfig::~LoadConfig() {
    uncount(counters().live_configs);
}

int LoadConfig::set(aclmdlConfigAttr attribute, const void *value, size_t size) {
    if (const int code = check_attribute(kLoadAttributes, attribute, value, size)) return code;
    switch (attribute) {
        case ACL_MDL_PRIORITY_INT32: {
            const auto priority = value_at<int32_t>(value);
            const auto least = static_cast<int32_t>(Stream::kLeastPriority);
            if (priority < 0 || priority > least)
                return fail(ACL_ERROR_INVALID_PARAM, "priority %d is outside 0..%d", priority,
                            least);
            break;
        }
        case ACL_MDL_LOAD_TYPE_SIZET: {
            const auto type = value_at<size_t>(value);
            if (type < ACL_MDL_LOAD_FROM_FILE || type > ACL_MDL_LOAD_FROM_MEM_WITH_Q)
                return fail(ACL_ERROR_INVALID_PARAM, "load type %zu is outside 1..6", type);
            type_ = type;
            break;
        }
        case ACL_MDL_PATH_PTR: {
            const auto *path = value_at<const char *>(value);
            if (path == nullptr) return fail(ACL_ERROR_INVALID_PARAM, "the path is NULL");
            path_ = path;
            break;
        }
        case ACL_MDL_WEIGHT_PATH_PTR:
            return fail(ACL_ERROR_FEATURE_UNSUPPORTED,
                        "softnpu finds weights only in the model file, or beside an .onnx");
        case ACL_MDL_MEM_ADDR_PTR:
            model_ = value_at<const void *>(value);
            break;
        case ACL_MDL_MEM_SIZET:
            model_size_ = value_at<size_t>(value);
            break;
        case ACL_MDL_WEIGHT_ADDR_PTR:
            memory_.weight = value_at<void *>(value);
            break;
        case ACL_MDL_WEIGHT_SIZET:
            memory_.weight_size = value_at<size_t>(value);
            break;
        case ACL_MDL_WORKSPACE_ADDR_PTR:
            memory_.work = value_at<void *>(value);
            break;
        case ACL_MDL_WORKSPACE_SIZET:
            memory_.work_size = value_at<size_t>(value);
            break;
        default:
            break;  // where a chip keeps its own parts of a model: nothing to place here
    }
    known_.set(attribute);
    return 0;
}

int LoadConfig::require(std::initializer_list<aclmdlConfigAttr> attributes) const {
    for (const aclmdlConfigAttr attribute : attributes)
        if (!known_.test(attribute))
            return fail(ACL_ERROR_INVALID_PARAM, "load type %zu needs the attribute %s", type_,
                        kLoadAttributes[attribute].name);
    return 0;
}

int LoadConfig::load(uint32_t *id) const {
    if (const int code = require({ACL_MDL_LOAD_TYPE_SIZET})) return code;
    if (type_ == ACL_MDL_LOAD_FROM_FILE_WITH_Q || type_ == ACL_MDL_LOAD_FROM_MEM_WITH_Q)
        return fail(ACL_ERROR_FEATURE_UNSUPPORTED, "softnpu has no queue mode");
    const bool from_file =
        type_ == ACL_MDL_LOAD_FROM_FILE || type_ == ACL_MDL_LOAD_FROM_FILE_WITH_MEM;
    const bool with_memory =
        type_ == ACL_MDL_LOAD_FROM_FILE_WITH_MEM || type_ == ACL_MDL_LOAD_FROM_MEM_WITH_MEM;
    const int code = from_file ? require({ACL_MDL_PATH_PTR})
                               : require({ACL_MDL_MEM_ADDR_PTR, ACL_MDL_MEM_SIZET});
    if (code != 0) return code;
    if (!from_file && (model_ == nullptr || model_size_ == 0))
        return fail(ACL_ERROR_INVALID_PARAM, "the model is NULL or of size 0");
    if (!from_file)
        if (const int wrong =
                check_memory("the model", model_, model_size_, ACL_ERROR_INVALID_PARAM))
            return wrong;
    try {
        return load_model(from_file ? ModelSource::from_file(path_.c_str())
                                    : ModelSource::from_memory(model_, model_size_),
                          with_memory ? memory_ : LoadMemory{}, id);
    } catch (const ModelError &error) {
        return fail(error.code, "%s", error.what());
    }
}

LoadConfigTable &load_config_table() noexcept {
    static auto *const table = new LoadConfigTable;
    return *table;
}

ExecuteConfig::ExecuteConfig() {
    count(counters().live_configs);
}

ExecuteConfig::~ExecuteConfig() {
    uncount(counters().live_configs);
}

int ExecuteConfig::set(aclmdlExecConfigAttr attribute, const void *value, size_t size) {
    if (const int code = check_attribute(kExecuteAttributes, attribute, value, size)) return code;
    if (attribute != ACL_MDL_STREAM_SYNC_TIMEOUT && attribute != ACL_MDL_EVENT_SYNC_TIMEOUT)
        return 0;  // work memory and chip tuning: the engine has its own
    const auto timeout = value_at<int32_t>(value);
    if (timeout != -1 && timeout <= 0)
        return fail(ACL_ERROR_INVALID_PARAM, "a timeout is -1 (forever) or more than 0 ms, not %d",
                    timeout);
    (attribute == ACL_MDL_STREAM_SYNC_TIMEOUT ? options_.stream_timeout : options_.event_timeout) =
        timeout;
    return 0;
}

ExecuteConfigTable &execute_config_table() noexcept {
    static auto *const table = new ExecuteConfigTable;
    return *table;
}

}  // namespace softnpu
