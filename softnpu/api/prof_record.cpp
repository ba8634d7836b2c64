// Reading what a subscription wrote into the program's pipe.
#include <algorithm>
#include <cstring>

#include "acl/acl_prof.h"
#include "softnpu/api/entry.hpp"
#include "softnpu/prof/prof.hpp"

using namespace softnpu;
using prof::Record;

namespace {

int check_data(const void *data, size_t length) {
    SOFTNPU_CHECK(require_pointer(data, "opInfo"));
    if (length != 0 && length % sizeof(Record) == 0) return 0;
    return fail(ACL_ERROR_INVALID_PARAM,
                "opInfoLen %zu is not a multiple of %zu, the size of aclprofGetOpDescSize", length,
                sizeof(Record));
}

int read_record(const void *data, size_t length, uint32_t index, Record &record) {
    SOFTNPU_CHECK(check_data(data, length));
    if (index >= length / sizeof record)
        return fail(ACL_ERROR_INVALID_PARAM, "index %u of %zu operators", index,
                    length / sizeof record);
    std::memcpy(&record, static_cast<const unsigned char *>(data) + index * sizeof record,
                sizeof record);
    record.type[sizeof record.type - 1] = record.name[sizeof record.name - 1] = 0;
    return 0;
}

template <class Value>
uint64_t value_of(const char *function, const void *data, size_t length, uint32_t index,
                  Value &&value) {
    return guarded_value<uint64_t>(function, 0, [&]() -> uint64_t {
        Record record;
        return read_record(data, length, index, record) == 0 ? value(record) : 0;
    });
}

// Lengths count the closing NUL.
int copy_text(const char *from, char *to, size_t room) {
    SOFTNPU_CHECK(require_pointer(to, "the text"));
    const size_t wanted = std::strlen(from) + 1;
    if (room < wanted)
        return fail(ACL_ERROR_INVALID_PARAM, "the text needs %zu bytes, %zu were given", wanted,
                    room);
    std::memcpy(to, from, wanted);
    return 0;
}

}  // namespace

extern "C" {

aclError aclprofGetOpDescSize(size_t *opDescSize) {
    return guarded("aclprofGetOpDescSize", [&] {
        SOFTNPU_CHECK(require_pointer(opDescSize, "opDescSize"));
        *opDescSize = sizeof(Record);
        return 0;
    });
}

aclError aclprofGetOpNum(const void *opInfo, size_t opInfoLen, uint32_t *opNumber) {
    return guarded("aclprofGetOpNum", [&] {
        SOFTNPU_CHECK(require_pointer(opNumber, "opNumber"));
        SOFTNPU_CHECK(check_data(opInfo, opInfoLen));
        *opNumber = static_cast<uint32_t>(opInfoLen / sizeof(Record));
        return 0;
    });
}

aclError aclprofGetOpTypeLen(const void *opInfo, size_t opInfoLen, uint32_t index,
                             size_t *opTypeLen) {
    return guarded("aclprofGetOpTypeLen", [&] {
        Record record;
        SOFTNPU_CHECK(require_pointer(opTypeLen, "opTypeLen"));
        SOFTNPU_CHECK(read_record(opInfo, opInfoLen, index, record));
        *opTypeLen = std::strlen(record.type) + 1;
        return 0;
    });
}

aclError aclprofGetOpType(const void *opInfo, size_t opInfoLen, uint32_t index, char *opType,
                          size_t opTypeLen) {
    return guarded("aclprofGetOpType", [&] {
        Record record;
        SOFTNPU_CHECK(read_record(opInfo, opInfoLen, index, record));
        return copy_text(record.type, opType, opTypeLen);
    });
}

aclError aclprofGetOpNameLen(const void *opInfo, size_t opInfoLen, uint32_t index,
                             size_t *opNameLen) {
    return guarded("aclprofGetOpNameLen", [&] {
        Record record;
        SOFTNPU_CHECK(require_pointer(opNameLen, "opNameLen"));
        SOFTNPU_CHECK(read_record(opInfo, opInfoLen, index, record));
        *opNameLen = std::strlen(record.name) + 1;
        return 0;
    });
}

aclError aclprofGetOpName(const void *opInfo, size_t opInfoLen, uint32_t index, char *opName,
                          size_t opNameLen) {
    return guarded("aclprofGetOpName", [&] {
        Record record;
        SOFTNPU_CHECK(read_record(opInfo, opInfoLen, index, record));
        return copy_text(record.name, opName, opNameLen);
    });
}

uint64_t aclprofGetOpStart(const void *opInfo, size_t opInfoLen, uint32_t index) {
    return value_of("aclprofGetOpStart", opInfo, opInfoLen, index,
                    [](const Record &record) { return record.start; });
}

uint64_t aclprofGetOpEnd(const void *opInfo, size_t opInfoLen, uint32_t index) {
    return value_of("aclprofGetOpEnd", opInfo, opInfoLen, index,
                    [](const Record &record) { return record.end; });
}

uint64_t aclprofGetOpDuration(const void *opInfo, size_t opInfoLen, uint32_t index) {
    return value_of("aclprofGetOpDuration", opInfo, opInfoLen, index,
                    [](const Record &record) { return record.end - record.start; });
}

size_t aclprofGetModelId(const void *opInfo, size_t opInfoLen, uint32_t index) {
    return value_of("aclprofGetModelId", opInfo, opInfoLen, index,
                    [](const Record &record) -> uint64_t { return record.model; });
}

}  // extern "C"
