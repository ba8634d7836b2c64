// aclTensorDesc.
#include "softnpu/core/tensor_desc.hpp"

#include <limits>

#include "softnpu/api/entry.hpp"

using namespace softnpu;

namespace {

int not_live(const void *handle) {
    return fail(ACL_ERROR_INVALID_PARAM,
                "%p is not a live tensor desc: never created, or destroyed already", handle);
}

/// Run `body(desc)` on a live desc; a failure gives 100000.
template <class Body>
int with_desc(const char *function, const void *handle, Body &&body) {
    return guarded(function, [&] {
        const TensorDescRef desc = tensor_desc_table().find(handle);
        return desc ? body(*desc) : not_live(handle);
    });
}

/// The same for getters that return a value.
template <class Result, class Body>
Result value_of(const char *function, const void *handle, Result failed, Body &&body) {
    return guarded_value<Result>(function, failed, [&]() -> Result {
        const TensorDescRef desc = tensor_desc_table().find(handle);
        return desc ? body(*desc) : (not_live(handle), failed);
    });
}

int read_dims(int numDims, const int64_t *dims, std::vector<int64_t> &result) {
    if (numDims < 0) return fail(ACL_ERROR_INVALID_PARAM, "numDims is %d", numDims);
    if (numDims > 0) SOFTNPU_CHECK(require_pointer(dims, "dims"));
    result.assign(dims, dims + numDims);
    return 0;
}

int read_ranges(size_t count, int64_t ranges[][2], std::vector<TensorDesc::Range> &result) {
    if (count > 0) SOFTNPU_CHECK(require_pointer(ranges, "range"));
    result.clear();
    for (size_t i = 0; i < count; ++i) result.push_back({ranges[i][0], ranges[i][1]});
    return 0;
}

int check_index(const TensorDesc &desc, size_t index) {
    if (index < desc.dims.size()) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "index %zu: the desc has %zu dimensions", index,
                desc.dims.size());
}

}  // namespace

extern "C" {

aclTensorDesc *aclCreateTensorDesc(aclDataType dataType, int numDims, const int64_t *dims,
                                   aclFormat format) {
    return guarded_value<aclTensorDesc *>("aclCreateTensorDesc", nullptr, [&]() -> aclTensorDesc * {
        TensorDesc desc;
        desc.type = dataType;
        desc.format = format;
        if (read_dims(numDims, dims, desc.dims) != 0) return nullptr;
        return static_cast<aclTensorDesc *>(create_tensor_desc(std::move(desc)));
    });
}

void aclDestroyTensorDesc(const aclTensorDesc *desc) {
    if (desc == nullptr) return;
    guarded("aclDestroyTensorDesc", [&] { return destroy_tensor_desc(desc) ? 0 : not_live(desc); });
}

aclDataType aclGetTensorDescType(const aclTensorDesc *desc) {
    return value_of("aclGetTensorDescType", desc, ACL_DT_UNDEFINED,
                    [](const TensorDesc &found) { return found.type; });
}

aclFormat aclGetTensorDescFormat(const aclTensorDesc *desc) {
    return value_of("aclGetTensorDescFormat", desc, ACL_FORMAT_UNDEFINED,
                    [](const TensorDesc &found) { return found.format; });
}

size_t aclGetTensorDescSize(const aclTensorDesc *desc) {
    return value_of<size_t>("aclGetTensorDescSize", desc, 0, [](const TensorDesc &found) {
        return found.elements() * element_size(found.type);
    });
}

size_t aclGetTensorDescElementCount(const aclTensorDesc *desc) {
    return value_of<size_t>("aclGetTensorDescElementCount", desc, 0,
                            [](const TensorDesc &found) { return found.elements(); });
}

size_t aclGetTensorDescNumDims(const aclTensorDesc *desc) {
    return value_of<size_t>("aclGetTensorDescNumDims", desc, 0,
                            [](const TensorDesc &found) -> size_t {
                                const bool unknown = found.dims.size() == 1 && found.dims[0] == -2;
                                return unknown ? ACL_UNKNOWN_RANK : found.dims.size();
                            });
}

int64_t aclGetTensorDescDim(const aclTensorDesc *desc, size_t index) {
    return value_of<int64_t>("aclGetTensorDescDim", desc, -1,
                             [&](const TensorDesc &found) -> int64_t {
                                 return check_index(found, index) == 0 ? found.dims[index] : -1;
                             });
}

aclError aclGetTensorDescDimV2(const aclTensorDesc *desc, size_t index, int64_t *dimSize) {
    return with_desc("aclGetTensorDescDimV2", desc, [&](const TensorDesc &found) {
        SOFTNPU_CHECK(require_pointer(dimSize, "dimSize"));
        SOFTNPU_CHECK(check_index(found, index));
        *dimSize = found.dims[index];
        return 0;
    });
}

aclError aclGetTensorDescDimRange(const aclTensorDesc *desc, size_t index, size_t dimRangeNum,
                                  int64_t *dimRange) {
    return with_desc("aclGetTensorDescDimRange", desc, [&](const TensorDesc &found) {
        SOFTNPU_CHECK(require_pointer(dimRange, "dimRange"));
        if (dimRangeNum < 2) {
            return fail(ACL_ERROR_INVALID_PARAM, "dimRangeNum is %zu, a range takes 2",
                        dimRangeNum);
        }
        if (index >= found.shape_range.size()) {
            return fail(ACL_ERROR_INVALID_PARAM, "index %zu: the desc has %zu shape ranges", index,
                        found.shape_range.size());
        }
        dimRange[0] = found.shape_range[index][0];
        dimRange[1] = found.shape_range[index][1];
        return 0;
    });
}

const char *aclGetTensorDescName(aclTensorDesc *desc) {
    return value_of<const char *>("aclGetTensorDescName", desc, "",
                                  [](const TensorDesc &found) { return found.name.c_str(); });
}

void aclSetTensorDescName(aclTensorDesc *desc, const char *name) {
    with_desc("aclSetTensorDescName", desc, [&](TensorDesc &found) {
        found.name = name != nullptr ? name : "";
        return 0;
    });
}

void *aclGetTensorDescAddress(const aclTensorDesc *desc) {
    return value_of<void *>("aclGetTensorDescAddress", desc, nullptr,
                            [](const TensorDesc &found) { return found.address; });
}

aclTensorDesc *aclGetTensorDescByIndex(aclTensorDesc *desc, size_t index) {
    return value_of<aclTensorDesc *>(
        "aclGetTensorDescByIndex", desc, nullptr, [&](const TensorDesc &) -> aclTensorDesc * {
            if (index == 0) return desc;
            fail(ACL_ERROR_INVALID_PARAM, "index %zu: the desc stands alone", index);
            return nullptr;
        });
}

aclError aclSetTensorShape(aclTensorDesc *desc, int numDims, const int64_t *dims) {
    return with_desc("aclSetTensorShape", desc, [&](TensorDesc &found) {
        return read_dims(numDims, dims, found.storage_dims);
    });
}

aclError aclSetTensorOriginShape(aclTensorDesc *desc, int numDims, const int64_t *dims) {
    return with_desc("aclSetTensorOriginShape", desc,
                     [&](TensorDesc &found) { return read_dims(numDims, dims, found.dims); });
}

aclError aclSetTensorStorageShape(aclTensorDesc *desc, int numDims, const int64_t *dims) {
    return with_desc("aclSetTensorStorageShape", desc, [&](TensorDesc &found) {
        return read_dims(numDims, dims, found.storage_dims);
    });
}

aclError aclSetTensorFormat(aclTensorDesc *desc, aclFormat format) {
    return with_desc("aclSetTensorFormat", desc, [&](TensorDesc &found) {
        found.storage_format = format;
        return 0;
    });
}

aclError aclSetTensorOriginFormat(aclTensorDesc *desc, aclFormat format) {
    return with_desc("aclSetTensorOriginFormat", desc, [&](TensorDesc &found) {
        found.format = format;
        return 0;
    });
}

aclError aclSetTensorStorageFormat(aclTensorDesc *desc, aclFormat format) {
    return with_desc("aclSetTensorStorageFormat", desc, [&](TensorDesc &found) {
        found.storage_format = format;
        return 0;
    });
}

aclError aclSetTensorShapeRange(aclTensorDesc *desc, size_t dimsCount, int64_t dimsRange[][2]) {
    return with_desc("aclSetTensorShapeRange", desc, [&](TensorDesc &found) {
        return read_ranges(dimsCount, dimsRange, found.shape_range);
    });
}

aclError aclSetTensorValueRange(aclTensorDesc *desc, size_t valueCount, int64_t valueRange[][2]) {
    return with_desc("aclSetTensorValueRange", desc, [&](TensorDesc &found) {
        return read_ranges(valueCount, valueRange, found.value_range);
    });
}

aclError aclSetTensorDynamicInput(aclTensorDesc *desc, const char *dynamicInputName) {
    return with_desc("aclSetTensorDynamicInput", desc, [&](TensorDesc &found) {
        SOFTNPU_CHECK(require_pointer(dynamicInputName, "dynamicInputName"));
        found.dynamic_input = dynamicInputName;
        return 0;
    });
}

aclError aclSetTensorConst(aclTensorDesc *desc, void *dataBuffer, size_t length) {
    return with_desc("aclSetTensorConst", desc, [&](TensorDesc &found) {
        if (length > 0) SOFTNPU_CHECK(require_pointer(dataBuffer, "dataBuffer"));
        const auto *bytes = static_cast<const unsigned char *>(dataBuffer);
        found.constant.assign(bytes, bytes + length);
        return 0;
    });
}

aclError aclSetTensorPlaceMent(aclTensorDesc *desc, aclMemType memType) {
    return with_desc("aclSetTensorPlaceMent", desc, [&](TensorDesc &found) {
        if (memType < ACL_MEMTYPE_DEVICE || memType > ACL_MEMTYPE_HOST_COMPILE_INDEPENDENT) {
            return fail(ACL_ERROR_INVALID_PARAM, "%d names no kind of memory",
                        static_cast<int>(memType));
        }
        found.placement = memType;
        return 0;
    });
}

}  // extern "C"
