#include "softnpu/model/place.hpp"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "acl/acl_base.h"
#include "acl/error_codes/ge_error_codes.h"
#include "softnpu/core/config.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/memory.hpp"

namespace softnpu {
namespace {

constexpr uintptr_t kAlignment = 64;

std::string name_of(const TensorPlace &tensor, size_t bytes) {
    return std::string(tensor.direction) + " " + std::to_string(tensor.index) + " ('" +
           tensor.info.name + "', " + std::to_string(bytes) + " bytes) of model " +
           std::to_string(tensor.place.model);
}

int check_host(const TensorPlace &tensor, const void *address, size_t bytes) {
    const std::string name = name_of(tensor, bytes);
    if (config().mode == Mode::discrete)
        return fail(ACL_ERROR_GE_EXEC_MODEL_ADDR_INVALID,
                    "%s: %s is host memory, which this device cannot reach; copy it to memory of "
                    "aclrtMalloc",
                    name.c_str(), describe_address(address).c_str());
    if (const int code = check_memory(name.c_str(), address, bytes,
                                      static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ADDR_INVALID)))
        return code;
    if (!is_readable(address, bytes))
        return fail(ACL_ERROR_GE_EXEC_MODEL_ADDR_INVALID,
                    "%s: there is no memory at %p; pass device memory (aclrtMalloc)", name.c_str(),
                    address);
    return 0;
}

}  // namespace

// Memory that does not exist would otherwise be found by a crash inside the engine.
bool is_readable(const void *address, size_t bytes) {
    static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto first = reinterpret_cast<uintptr_t>(address);
    const auto begin = first & ~(page - 1);
    if (first + bytes < first) return false;
    // MS_ASYNC starts nothing; the call only reports holes.
    if (msync(reinterpret_cast<void *>(begin), first + bytes - begin, MS_ASYNC) != 0 &&
        errno == ENOMEM)
        return false;
    return is_host_memory(address, bytes);  // pages may be there without access
}

int check_place(const TensorPlace &tensor, const void *address, size_t bytes, bool is_new) {
    if (bytes == 0) return 0;
    if (address == nullptr)
        return fail(ACL_ERROR_INVALID_PARAM, "%s: its data buffer holds a NULL address",
                    name_of(tensor, bytes).c_str());
    if (reinterpret_cast<uintptr_t>(address) % kAlignment != 0)
        return fail(ACL_ERROR_GE_DATA_NOT_ALIGNED,
                    "%s: %s is not a multiple of 64; start each part of a block on 64 bytes",
                    name_of(tensor, bytes).c_str(), describe_address(address).c_str());
    if (!is_device_range(address)) return is_new ? check_host(tensor, address, bytes) : 0;
    Allocation found;
    if (find_allocation(address, found)) {
        const size_t room = found.size - (reinterpret_cast<uintptr_t>(address) - found.address);
        if (found.device == tensor.place.device && bytes <= room) return 0;
        if (found.device != tensor.place.device)
            return fail(ACL_ERROR_GE_EXEC_MODEL_ADDR_INVALID,
                        "%s: %s is memory of device %d, the model was loaded on device %d",
                        name_of(tensor, bytes).c_str(), describe_address(address).c_str(),
                        found.device, tensor.place.device);
    }
    return check_device_memory(name_of(tensor, bytes).c_str(), address, bytes,
                               static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ADDR_INVALID));
}

}  // namespace softnpu
