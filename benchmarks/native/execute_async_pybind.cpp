// The same call through pybind11.

#include <pybind11/pybind11.h>

#include <stdexcept>

#include "launch.h"

namespace py = pybind11;

static execute_async_t execute_async_pointer;

static void open_library(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    execute_async_pointer = reinterpret_cast<execute_async_t>(dlsym(library, "aclmdlExecuteAsync"));
    if (execute_async_pointer == nullptr) throw std::runtime_error(dlerror());
}

static int execute_async(uint32_t model, uintptr_t input, uintptr_t output, uintptr_t stream) {
    return execute_async_pointer(model, reinterpret_cast<const aclmdlDataset *>(input),
                                 reinterpret_cast<aclmdlDataset *>(output),
                                 reinterpret_cast<aclrtStream>(stream));
}

PYBIND11_MODULE(execute_async_pybind, module) {
    module.def("open_library", &open_library);
    module.def("execute_async", &execute_async, py::call_guard<py::gil_scoped_release>());
}
