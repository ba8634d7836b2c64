// aclDataBuffer.
#include "softnpu/core/data_buffer.hpp"

#include "softnpu/api/entry.hpp"

using namespace softnpu;

namespace {

int not_live(const void *handle) {
    return fail(ACL_ERROR_INVALID_PARAM,
                "%p is not a live data buffer: never created, or destroyed already", handle);
}

/// The getters answer unknown handles with NULL or 0, and say why.
bool read(const char *function, const void *handle, DataBuffer &value) noexcept {
    if (__builtin_expect(read_data_buffer(handle, value), true)) return true;
    guarded(function, [&] { return not_live(handle); });
    return false;
}

}  // namespace

extern "C" {

aclDataBuffer *aclCreateDataBuffer(void *data, size_t size) {
    return guarded_value<aclDataBuffer *>("aclCreateDataBuffer", nullptr, [&] {
        return static_cast<aclDataBuffer *>(create_data_buffer({data, size}));
    });
}

aclError aclDestroyDataBuffer(const aclDataBuffer *dataBuffer) {
    return guarded("aclDestroyDataBuffer", [&] {
        SOFTNPU_CHECK(require_pointer(dataBuffer, "dataBuffer"));
        return destroy_data_buffer(dataBuffer) ? 0 : not_live(dataBuffer);
    });
}

aclError aclUpdateDataBuffer(aclDataBuffer *dataBuffer, void *data, size_t size) {
    return guarded("aclUpdateDataBuffer", [&] {
        SOFTNPU_CHECK(require_pointer(dataBuffer, "dataBuffer"));
        return write_data_buffer(dataBuffer, {data, size}) ? 0 : not_live(dataBuffer);
    });
}

void *aclGetDataBufferAddr(const aclDataBuffer *dataBuffer) {
    DataBuffer value;
    return read("aclGetDataBufferAddr", dataBuffer, value) ? value.data : nullptr;
}

uint32_t aclGetDataBufferSize(const aclDataBuffer *dataBuffer) {
    DataBuffer value;
    return read("aclGetDataBufferSize", dataBuffer, value) ? static_cast<uint32_t>(value.size) : 0;
}

size_t aclGetDataBufferSizeV2(const aclDataBuffer *dataBuffer) {
    DataBuffer value;
    return read("aclGetDataBufferSizeV2", dataBuffer, value) ? value.size : 0;
}

}  // extern "C"
