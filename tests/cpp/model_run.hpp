// A loaded model with memory and datasets, for the C++ tests.
#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "acl/acl.h"
#include "check.hpp"

struct Loaded {
    uint32_t id = 0;
    aclmdlDesc *desc = nullptr;

    explicit Loaded(const std::string &content) {
        OK(aclmdlLoadFromMem(content.data(), content.size(), &id));
        desc = aclmdlCreateDesc();
        OK(aclmdlGetDesc(desc, id));
    }
    ~Loaded() {
        aclmdlDestroyDesc(desc);
        aclmdlUnload(id);
    }
    Loaded(const Loaded &) = delete;
    Loaded &operator=(const Loaded &) = delete;
};

struct Buffers {
    aclmdlDataset *dataset = aclmdlCreateDataset();
    std::vector<void *> memory;

    /// One piece of device memory per size.
    explicit Buffers(const std::vector<size_t> &sizes) {
        for (const size_t size : sizes) {
            void *piece = nullptr;
            OK(aclrtMalloc(&piece, size, ACL_MEM_MALLOC_NORMAL_ONLY));
            memory.push_back(piece);
            OK(aclmdlAddDatasetBuffer(dataset, aclCreateDataBuffer(piece, size)));
        }
    }
    ~Buffers() {
        for (size_t i = 0; i < memory.size(); ++i) {
            aclDestroyDataBuffer(aclmdlGetDatasetBuffer(dataset, i));
            aclrtFree(memory[i]);
        }
        aclmdlDestroyDataset(dataset);
    }
    Buffers(const Buffers &) = delete;
    Buffers &operator=(const Buffers &) = delete;

    void write(size_t index, const std::vector<float> &values) const {
        const size_t size = values.size() * sizeof(float);
        OK(aclrtMemcpy(memory[index], size, values.data(), size, ACL_MEMCPY_HOST_TO_DEVICE));
    }
    std::vector<float> read(size_t index, size_t count) const {
        std::vector<float> values(count);
        const size_t size = count * sizeof(float);
        OK(aclrtMemcpy(values.data(), size, memory[index], size, ACL_MEMCPY_DEVICE_TO_HOST));
        return values;
    }
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// TBB opens a library with RTLD_DEEPBIND, at which sanitizers end the process.
extern "C" __attribute__((visibility("default"))) void *dlopen(const char *path, int flags) {
    using Open = void *(*)(const char *, int);
    static const auto open = reinterpret_cast<Open>(dlsym(RTLD_NEXT, "dlopen"));
    return open(path, flags & ~RTLD_DEEPBIND);
}
#endif

/// softnpu looks for OpenVINO when the first model is loaded; the build says where the tests' is.
inline void use_test_engine() {
    if (*SOFTNPU_TEST_OPENVINO != '\0') setenv("SOFTNPU_OPENVINO", SOFTNPU_TEST_OPENVINO, 0);
}
