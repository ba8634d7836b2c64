// OpenVINO through its own C interface, on memory bound once: the floor for a model execution.

#include <openvino/c/openvino.h>
#include <pybind11/pybind11.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace py = pybind11;

namespace {

void check(ov_status_e status) {
    if (status != OK) throw std::runtime_error(ov_get_error_info(status));
}

template <typename F>
double seconds(F &&work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct FreeMemory {
    void operator()(void *address) const { std::free(address); }
};

class Model {
  public:
    Model(const std::string &path, const std::string &threads) {
        check(ov_core_create(&core_));
        ov_model_t *model = nullptr;
        check(ov_core_read_model(core_, path.c_str(), nullptr, &model));
        check(ov_core_compile_model(core_, model, "CPU", 10, &compiled_, "PERFORMANCE_HINT",
                                    "LATENCY", "NUM_STREAMS", "1", "INFERENCE_NUM_THREADS",
                                    threads.c_str(), "INFERENCE_PRECISION_HINT", "f32",
                                    "ENABLE_CPU_PINNING", "NO"));
        ov_model_free(model);
        check(ov_compiled_model_create_infer_request(compiled_, &request_));
        bind_inputs();
        bind_outputs();
    }

    Model(const Model &) = delete;
    Model &operator=(const Model &) = delete;

    ~Model() {
        for (ov_tensor_t *tensor : tensors_) ov_tensor_free(tensor);
        ov_infer_request_free(request_);
        ov_compiled_model_free(compiled_);
        ov_core_free(core_);
    }

    double run(long count) {
        py::gil_scoped_release released;
        return seconds([&] {
            for (long i = 0; i < count; ++i) check(ov_infer_request_infer(request_));
        });
    }

  private:
    void bind_inputs() {
        size_t count = 0;
        check(ov_compiled_model_inputs_size(compiled_, &count));
        for (size_t i = 0; i < count; ++i) {
            ov_output_const_port_t *port = nullptr;
            check(ov_compiled_model_input_by_index(compiled_, i, &port));
            check(ov_infer_request_set_input_tensor_by_index(request_, i, memory_for(port)));
            ov_output_const_port_free(port);
        }
    }

    void bind_outputs() {
        size_t count = 0;
        check(ov_compiled_model_outputs_size(compiled_, &count));
        for (size_t i = 0; i < count; ++i) {
            ov_output_const_port_t *port = nullptr;
            check(ov_compiled_model_output_by_index(compiled_, i, &port));
            check(ov_infer_request_set_output_tensor_by_index(request_, i, memory_for(port)));
            ov_output_const_port_free(port);
        }
    }

    // A tensor over 64-byte aligned memory of the port's size, as a device allocation would be.
    ov_tensor_t *memory_for(ov_output_const_port_t *port) {
        ov_element_type_e type;
        ov_shape_t shape;
        check(ov_port_get_element_type(port, &type));
        check(ov_const_port_get_shape(port, &shape));
        size_t bytes = sizeof(double);  // of the widest element type
        for (int64_t i = 0; i < shape.rank; ++i) bytes *= static_cast<size_t>(shape.dims[i]);
        bytes = (bytes + 63) / 64 * 64;
        memory_.emplace_back(std::aligned_alloc(64, bytes));
        std::fill_n(static_cast<char *>(memory_.back().get()), bytes, '\0');
        ov_tensor_t *tensor = nullptr;
        check(ov_tensor_create_from_host_ptr(type, shape, memory_.back().get(), &tensor));
        tensors_.push_back(tensor);
        ov_shape_free(&shape);
        return tensor;
    }

    ov_core_t *core_ = nullptr;
    ov_compiled_model_t *compiled_ = nullptr;
    ov_infer_request_t *request_ = nullptr;
    std::vector<ov_tensor_t *> tensors_;
    std::vector<std::unique_ptr<void, FreeMemory>> memory_;
};

}  // namespace

PYBIND11_MODULE(openvino_direct, module) {
    py::class_<Model>(module, "Model")
        .def(py::init<const std::string &, const std::string &>())
        .def("run", &Model::run, "Infer this many times; the seconds it took.");
}
