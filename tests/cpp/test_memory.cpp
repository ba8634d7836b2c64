// Allocation rules, misuse, copies and counters; the fault message of discrete mode.
#include <cstring>
#include <numeric>

#include "acl/dvpp/hi_dvpp.h"
#include "acl/ops/acl_dvpp.h"
#include "softnpu/memory/memory.hpp"
#include "tests/cpp/device.hpp"

using check::counter;

namespace {

bool is_aligned(const void *address, uintptr_t to) {
    return reinterpret_cast<uintptr_t>(address) % to == 0;
}

std::string recent() {
    const char *message = aclGetRecentErrMsg();
    return message != nullptr ? message : "";
}

std::vector<unsigned char> pattern(size_t size, unsigned seed) {
    std::vector<unsigned char> bytes(size);
    std::iota(bytes.begin(), bytes.end(), static_cast<unsigned char>(seed));
    return bytes;
}

}  // namespace

TEST("arguments of the allocation functions") {
    Session session;
    void *memory = nullptr;
    EQUAL(aclrtMalloc(nullptr, 8, ACL_MEM_MALLOC_HUGE_FIRST), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtMalloc(&memory, 0, ACL_MEM_MALLOC_HUGE_FIRST), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtMalloc(&memory, SIZE_MAX - 8, ACL_MEM_MALLOC_HUGE_FIRST), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtMallocHost(&memory, 0), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtMallocHost(nullptr, 8), ACL_ERROR_INVALID_PARAM);
    EQUAL(acldvppMalloc(&memory, 0), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtFree(nullptr), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtFreeHost(nullptr), ACL_ERROR_INVALID_PARAM);
    EQUAL(acldvppFree(nullptr), ACL_ERROR_INVALID_PARAM);
    CHECK(memory == nullptr);
}

TEST("alignment and padding") {
    Session session;
    for (size_t size : {1u, 31u, 32u, 33u, 1000u, 100000u}) {
        void *device = device_malloc(size);
        CHECK(is_aligned(device, 64));
        const size_t padded = (size + 31) / 32 * 32 + 32;
        OK(aclrtMemset(device, padded, 0, padded));
        EQUAL(aclrtMemset(device, padded + 1, 0, padded + 1), 107000);
        void *exact = nullptr;
        OK(aclrtMallocAlign32(&exact, size, ACL_MEM_MALLOC_HUGE_FIRST));
        OK(aclrtMemset(exact, padded - 32, 0, padded - 32));
        EQUAL(aclrtMemset(exact, padded - 31, 0, padded - 31), 107000);
        void *dvpp = nullptr;
        OK(acldvppMalloc(&dvpp, size));
        CHECK(is_aligned(dvpp, 128));
        void *host = host_malloc(size);
        CHECK(is_aligned(host, 64));
        OK(aclrtFree(device));
        OK(aclrtFree(exact));
        OK(acldvppFree(dvpp));
        OK(aclrtFreeHost(host));
    }
}

TEST("live allocations never overlap and coalesce when freed") {
    Session session;
    std::vector<std::pair<char *, size_t>> blocks;
    unsigned random = 1;
    for (int round = 0; round < 4000; ++round) {
        random = random * 1664525u + 1013904223u;
        if (blocks.size() > 50 || (random >> 16) % 3 == 0) {
            if (blocks.empty()) continue;
            std::swap(blocks[(random >> 8) % blocks.size()], blocks.back());
            OK(aclrtFree(blocks.back().first));
            blocks.pop_back();
        } else {
            const size_t size = 1 + (random >> 4) % 70000;
            auto *memory = static_cast<char *>(device_malloc(size));
            for (const auto &[other, length] : blocks) {
                CHECK(memory + size <= other || other + length <= memory);
            }
            blocks.emplace_back(memory, size);
        }
    }
    for (const auto &block : blocks) OK(aclrtFree(block.first));
    size_t free = 0, total = 0;
    OK(aclrtGetMemInfo(ACL_DDR_MEM, &free, &total));
    EQUAL(free, total);
    EQUAL(counter("live_device_bytes"), 0u);
}

TEST("wrong frees are told apart") {
    Session session;
    char *device = static_cast<char *>(device_malloc(100));
    void *host = host_malloc(100);
    int local = 0;
    EQUAL(aclrtFree(device + 16), 107000);
    CHECK(recent().find("middle") != std::string::npos);
    EQUAL(aclrtFreeHost(device), 107000);
    CHECK(recent().find("is freed by aclrtFree") != std::string::npos);
    EQUAL(aclrtFree(host), 107000);
    CHECK(recent().find("aclrtFreeHost") != std::string::npos);
    EQUAL(acldvppFree(device), 107000);
    EQUAL(aclrtFree(&local), 107000);
    OK(aclrtFree(device));
    EQUAL(aclrtFree(device), 107000);
    CHECK(recent().find("freed already") != std::string::npos);
    OK(aclrtFreeHost(host));
    EQUAL(aclrtFreeHost(host), 107000);
    EQUAL(counter("live_device_allocations"), 0u);
    EQUAL(counter("live_host_allocations"), 0u);
}

TEST("media memory of the second interface") {
    Session session;
    void *memory = nullptr;
    EQUAL(hi_mpi_dvpp_malloc(0, &memory, 64), static_cast<int>(HI_ERR_SYS_NOT_READY));
    OK(hi_mpi_sys_init());
    EQUAL(hi_mpi_dvpp_malloc(0, nullptr, 64), static_cast<int>(HI_ERR_SYS_NULL_PTR));
    EQUAL(hi_mpi_dvpp_malloc(0, &memory, 0), static_cast<int>(HI_ERR_SYS_ILLEGAL_PARAM));
    OK(hi_mpi_dvpp_malloc(0, &memory, 64));
    CHECK(is_aligned(memory, 128));
    EQUAL(counter("live_himpi_allocations"), 1u);
    EQUAL(aclrtFree(memory), 107000);
    OK(hi_mpi_dvpp_free(memory));
    EQUAL(hi_mpi_dvpp_free(memory), static_cast<int>(HI_ERR_SYS_ILLEGAL_PARAM));
    OK(hi_mpi_sys_exit());
}

TEST("memory info follows what is in use") {
    Session session;
    size_t free = 0, total = 0, after = 0;
    OK(aclrtGetMemInfo(ACL_HBM_MEM, &free, &total));
    CHECK(total >= (size_t{1} << 20));
    void *memory = device_malloc(1 << 20);
    OK(aclrtGetMemInfo(ACL_DDR_MEM, &after, &total));
    CHECK(free - after >= (1u << 20));
    OK(aclrtFree(memory));
    OK(aclrtGetMemInfo(ACL_DDR_MEM_P2P_HUGE, &free, &total));
    EQUAL(total, 0u);
}

TEST("copies in all directions are exact and counted") {
    Session session;
    constexpr size_t kSize = 5000;
    const auto bytes = pattern(kSize, 3);
    std::vector<unsigned char> back(kSize);
    void *a = device_malloc(kSize);
    void *b = device_malloc(kSize);
    void *pinned = host_malloc(kSize);
    softnpuResetCounters();
    OK(aclrtMemcpy(a, kSize, bytes.data(), kSize, ACL_MEMCPY_HOST_TO_DEVICE));
    OK(aclrtMemcpy(b, kSize, a, kSize, ACL_MEMCPY_DEVICE_TO_DEVICE));
    OK(aclrtMemcpy(pinned, kSize, b, kSize, ACL_MEMCPY_DEVICE_TO_HOST));
    OK(aclrtMemcpy(back.data(), kSize, pinned, kSize, ACL_MEMCPY_HOST_TO_HOST));
    CHECK(back == bytes);
    EQUAL(counter("bytes_h2d"), kSize);
    EQUAL(counter("bytes_d2d"), kSize);
    EQUAL(counter("bytes_d2h"), kSize);
    EQUAL(counter("bytes_h2h"), kSize);
    EQUAL(counter("copies_h2d"), 1u);
    // The kind is not trusted: the addresses tell the direction.
    OK(aclrtMemcpy(back.data(), kSize, a, kSize, ACL_MEMCPY_HOST_TO_DEVICE));
    OK(aclrtMemcpy(back.data(), kSize, a, kSize, ACL_MEMCPY_DEFAULT));
    EQUAL(counter("bytes_d2h"), 3 * kSize);
    OK(aclrtMemcpy(a, kSize, a, kSize, ACL_MEMCPY_DEVICE_TO_DEVICE));
    OK(aclrtMemcpy(a, kSize, b, 0, ACL_MEMCPY_DEVICE_TO_DEVICE));
    EQUAL(counter("bytes_d2d"), kSize);
    OK(aclrtFree(a));
    OK(aclrtFree(b));
    OK(aclrtFreeHost(pinned));
}

TEST("bad copies are refused") {
    Session session;
    char host[256] = {};
    char *device = static_cast<char *>(device_malloc(128));
    EQUAL(aclrtMemcpy(nullptr, 8, host, 8, ACL_MEMCPY_HOST_TO_DEVICE), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtMemcpy(device, 8, nullptr, 8, ACL_MEMCPY_HOST_TO_DEVICE), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtMemcpy(device, 8, host, 9, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
    EQUAL(aclrtMemcpy(device, 8, host, 8, static_cast<aclrtMemcpyKind>(77)),
          ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtMemcpy(device, 256, host, 256, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
    EQUAL(aclrtMemcpy(device + 128, 64, host, 64, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
    OK(aclrtFree(device));
    EQUAL(aclrtMemcpy(device, 8, host, 8, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
    CHECK(recent().find("freed") != std::string::npos);
    EQUAL(aclrtMemcpy(host, 8, device, 8, ACL_MEMCPY_DEVICE_TO_HOST), 107000);
    EQUAL(aclrtMemset(host, 8, 0, 8), 107000);
    EQUAL(aclrtMemset(nullptr, 8, 0, 8), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtMemset(device, 4, 0, 8), 107000);
}

TEST("copies of rectangles") {
    Session session;
    const auto bytes = pattern(10 * 16, 1);
    auto *device = static_cast<unsigned char *>(device_malloc(12 * 16));
    OK(aclrtMemset(device, 12 * 16, 0xEE, 12 * 16));
    OK(aclrtMemcpy2d(device, 12, bytes.data(), 10, 10, 16, ACL_MEMCPY_HOST_TO_DEVICE));
    std::vector<unsigned char> back(12 * 16);
    OK(aclrtMemcpy(back.data(), back.size(), device, back.size(), ACL_MEMCPY_DEVICE_TO_HOST));
    for (size_t row = 0; row < 16; ++row) {
        for (size_t column = 0; column < 12; ++column) {
            EQUAL(int(back[row * 12 + column]), column < 10 ? int(bytes[row * 10 + column]) : 0xEE);
        }
    }
    EQUAL(aclrtMemcpy2d(device, 8, bytes.data(), 10, 10, 16, ACL_MEMCPY_HOST_TO_DEVICE),
          ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtMemcpy2d(back.data(), 12, bytes.data(), 10, 10, 16, ACL_MEMCPY_HOST_TO_HOST),
          ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtMemcpy2d(device, 12, bytes.data(), 10, 0, 16, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
    EQUAL(aclrtMemcpy2d(device, 12, bytes.data(), 10, 10, 5242881, ACL_MEMCPY_HOST_TO_DEVICE),
          107000);
    EQUAL(aclrtMemcpy2d(device, 12, bytes.data(), 10, 10, 22, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
    OK(aclrtFree(device));
}

TEST("asynchronous copies") {
    Session session;
    StreamOf stream;
    constexpr size_t kSize = 4096;
    auto *pinned = static_cast<unsigned char *>(host_malloc(kSize));
    const auto bytes = pattern(kSize, 9);
    std::memcpy(pinned, bytes.data(), kSize);
    void *device = device_malloc(kSize);
    auto *back = static_cast<unsigned char *>(host_malloc(kSize));
    OK(aclrtMemcpyAsync(device, kSize, pinned, kSize, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    OK(aclrtMemcpyAsync(back, kSize, device, kSize, ACL_MEMCPY_DEVICE_TO_HOST, stream));
    OK(aclrtSynchronizeStream(stream));
    CHECK(std::memcmp(back, bytes.data(), kSize) == 0);
    std::vector<unsigned char> pageable(kSize, 5);
    OK(aclrtMemsetAsync(device, kSize, 5, kSize, stream));
    std::vector<unsigned char> got(kSize);
    // Pageable memory: done when the call returns, after what was queued before it.
    OK(aclrtMemcpyAsync(got.data(), kSize, device, kSize, ACL_MEMCPY_DEVICE_TO_HOST, stream));
    CHECK(got == pageable);
    EQUAL(aclrtMemcpyAsync(back, kSize, pinned, kSize, ACL_MEMCPY_HOST_TO_HOST, stream),
          is_discrete() ? 207000 : 0);
    OK(aclrtSynchronizeStream(stream));
    OK(aclrtMemcpy2dAsync(device, 64, pinned, 64, 32, 64, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    OK(aclrtSynchronizeStream(stream));
    OK(aclrtFree(device));
    OK(aclrtFreeHost(pinned));
    OK(aclrtFreeHost(back));
}

TEST("registered host memory") {
    Session session;
    std::vector<char> memory(1000);
    void *seen = nullptr;
    EQUAL(aclrtHostRegister(nullptr, 1000, ACL_HOST_REGISTER_MAPPED, &seen),
          ACL_ERROR_INVALID_PARAM);
    OK(aclrtHostRegister(memory.data(), 1000, ACL_HOST_REGISTER_MAPPED, &seen));
    CHECK(softnpu::is_pinned_host(memory.data() + 100, 900));
    CHECK(!softnpu::is_pinned_host(memory.data() + 100, 901));
    EQUAL(aclrtHostRegister(memory.data() + 10, 10, ACL_HOST_REGISTER_MAPPED, &seen), 107000);
    EQUAL(aclrtHostUnregister(memory.data() + 10), 107000);
    OK(aclrtHostUnregister(memory.data()));
    EQUAL(aclrtHostUnregister(memory.data()), 107000);
    EQUAL(counter("live_registered_hosts"), 0u);
}

TEST("attributes of an address") {
    Session session;
    void *device = device_malloc(64);
    int local = 0;
    aclrtPtrAttributes attributes;
    OK(aclrtPointerGetAttributes(device, &attributes));
    EQUAL(attributes.location.type, ACL_MEM_LOCATION_TYPE_DEVICE);
    OK(aclrtPointerGetAttributes(&local, &attributes));
    EQUAL(attributes.location.type, ACL_MEM_LOCATION_TYPE_HOST);
    OK(aclrtMemFlush(device, 64));
    OK(aclrtMemInvalidate(device, 64));
    EQUAL(aclrtMemFlush(device, 1000), 107000);
    OK(aclrtFree(device));
}

TEST("the engines' view of device memory") {
    Session session;
    auto *device = static_cast<int *>(device_malloc(64));
    const int value = 42;
    OK(aclrtMemcpy(device, 4, &value, 4, ACL_MEMCPY_HOST_TO_DEVICE));
    EQUAL(*static_cast<int *>(softnpu::device_view(device)), 42);
    EQUAL(softnpu::device_view(device) == device, !is_discrete());
    if (!is_discrete()) EQUAL(*device, 42);
    int local = 0;
    CHECK(softnpu::device_view(&local) == &local);
    OK(aclrtFree(device));
}

TEST("child out of memory") {
    Session session;
    void *memory = nullptr;
    EQUAL(aclrtMalloc(&memory, 64 << 20, ACL_MEM_MALLOC_HUGE_FIRST), 207001);
    CHECK(recent().find("SOFTNPU_MEMORY") != std::string::npos);
    std::vector<void *> blocks;
    while (aclrtMalloc(&memory, 1 << 20, ACL_MEM_MALLOC_HUGE_FIRST) == 0) blocks.push_back(memory);
    EQUAL(blocks.size(), 31u);  // padding takes the last
    for (void *block : blocks) OK(aclrtFree(block));
    OK(aclrtMalloc(&memory, 31 << 20, ACL_MEM_MALLOC_HUGE_FIRST));
    OK(aclrtFree(memory));
    std::printf("fine");
}

TEST("memory beyond the device's size is refused, and the device stays usable") {
    EQUAL(check::run_child("child out of memory", {"SOFTNPU_MEMORY=32M"}).output, "fine");
}

TEST("child touch") {
    Session session;
    auto *memory = static_cast<volatile char *>(device_malloc(1000));
    memory[10] = 1;
    std::printf("survived");
}

TEST("child touch freed") {
    Session session;
    auto *memory = static_cast<volatile char *>(device_malloc(1000));
    OK(aclrtFree(const_cast<char *>(memory)));
    memory[20] = 1;
}

TEST("the host touching device memory dies of it with an explanation in discrete mode") {
    const auto child = check::run_child("child touch", {"SOFTNPU_MODE=discrete"});
    CHECK(child.died_of(SIGSEGV) || child.output.find("AddressSanitizer") != std::string::npos ||
          child.output.find("ThreadSanitizer") != std::string::npos);
    CHECK(child.output.find("byte 10 of the buffer") != std::string::npos);
    CHECK(child.output.find("1000 bytes by aclrtMalloc on device 0") != std::string::npos);
    CHECK(child.output.find("aclrtMemcpy") != std::string::npos);
    const auto freed = check::run_child("child touch freed", {"SOFTNPU_MODE=discrete"});
    CHECK(freed.output.find("byte 20 of the buffer") != std::string::npos);
    CHECK(freed.output.find("freed since") != std::string::npos);
    EQUAL(check::run_child("child touch", {"SOFTNPU_MODE=unified"}).output, "survived");
}

TEST_MAIN
