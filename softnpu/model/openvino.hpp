// OpenVINO's C library: found and opened once, wrapped so that nothing leaks and no status is lost.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "softnpu/model/openvino_c.hpp"

namespace softnpu::ov {

// The engine failed; what() carries OpenVINO's own text.
struct Error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The library cannot be used; what() lists the paths tried and how to mend it.
struct Missing : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The functions of the library. The first call opens it; throws Missing.
const Api &api();

// Why the last call on this thread failed. The engine quotes the file it reads, so bytes that are
// not plain text are replaced.
std::string last_error(Status status);

// Throws Error with OpenVINO's text when `status` is not kOk. `what` names the step for the reader.
[[noreturn]] void raise(Status status, const char *what);
inline void check(Status status, const char *what) {
    if (status != kOk) raise(status, what);
}

struct Deleter {
    void operator()(Network *p) const { api().model_free(p); }
    void operator()(Compiled *p) const { api().compiled_model_free(p); }
    void operator()(Request *p) const { api().infer_request_free(p); }
    void operator()(Tensor *p) const { api().tensor_free(p); }
    void operator()(Port *p) const { api().output_const_port_free(p); }
};
template <typename T>
using Owner = std::unique_ptr<T, Deleter>;

// The process's engine. Lives until the process ends: worker threads of the engine may still be
// running when static destructors do.
const Core *core();

// Version text such as "2026.4.1-...".
std::string version();

struct PortInfo {
    std::string name;
    Element element = Element::dynamic;
    bool has_rank = true;
    std::vector<Dimension> dims;
};
std::vector<PortInfo> inputs(const Network *network);
std::vector<PortInfo> outputs(const Network *network);

// Compiles for the CPU, for one execution at a time. `what` names the step for the reader.
Owner<Compiled> compile(const Network *network, const char *what);

// Where an output's values come from.
struct Source {
    enum class Kind { computed, input, output };
    Kind kind = Kind::computed;
    size_t index = 0;  // of the input, or of the earlier output
};

// Of each output. The engine tells ports apart by the names of their tensors: where an output is
// an input, or an earlier output once more, binding memory to it silently binds it to that port.
std::vector<Source> sources(const Compiled *compiled);

Owner<Tensor> wrap(Element element, const int64_t *dims, size_t rank, void *memory);
std::vector<int64_t> shape_of(const Tensor *tensor);
void *data_of(const Tensor *tensor);
size_t bytes_of(const Tensor *tensor);

}  // namespace softnpu::ov
