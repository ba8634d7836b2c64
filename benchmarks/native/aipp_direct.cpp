// AIPP's kernel by itself, through softnpu's own C++ interface: from a picture in memory to the
// tensor that a network reads.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <array>
#include <chrono>

#include "softnpu/aipp/aipp.hpp"

namespace py = pybind11;
namespace aipp = softnpu::aipp;

namespace {

/// NV12 to planar floats: colours by `matrix`, then (value - mean) * reciprocal.
class Nv12 {
  public:
    Nv12(int width, int height, const std::array<int32_t, 9> &matrix,
         const std::array<int32_t, 3> &bias, int mean, float reciprocal) {
        settings_.src_w = settings_.crop_w = width;
        settings_.src_h = settings_.crop_h = height;
        settings_.csc = true;
        settings_.matrix = matrix;
        settings_.input_bias = bias;
        settings_.mean.fill(mean);
        settings_.reciprocal.fill(reciprocal);
    }

    double run(long n, const py::array_t<uint8_t> &picture, py::array_t<float> &result) const {
        aipp::Tensor tensor;
        tensor.data = result.mutable_data();
        tensor.height = settings_.src_h;
        tensor.width = settings_.src_w;
        const auto start = std::chrono::steady_clock::now();
        for (long i = 0; i < n; ++i) aipp::apply(settings_, picture.data(), tensor);
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }

  private:
    aipp::Settings settings_;
};

}  // namespace

PYBIND11_MODULE(aipp_direct, module) {
    py::class_<Nv12>(module, "Nv12")
        .def(py::init([](int width, int height, const py::tuple &matrix, const py::tuple &bias,
                         int mean, float reciprocal) {
            std::array<int32_t, 9> m{};
            std::array<int32_t, 3> b{};
            for (size_t i = 0; i < m.size(); ++i) m[i] = matrix[i].cast<int32_t>();
            for (size_t i = 0; i < b.size(); ++i) b[i] = bias[i].cast<int32_t>();
            return new Nv12(width, height, m, b, mean, reciprocal);
        }))
        .def("run", &Nv12::run);
}
