// acldvpp's picture operations from plain C++, with everything that can be kept from call to call
// kept: one picture resized, one letterboxed, and a batch of regions cut out and resized.

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "acl/acl.h"
#include "acl/ops/acl_dvpp.h"

namespace py = pybind11;

namespace {

using Clock = std::chrono::steady_clock;
using Box = std::array<uint32_t, 4>;  // left, top, width, height

void check(aclError code, const char *what) {
    if (code == 0) return;
    const char *message = aclGetRecentErrMsg();
    throw std::runtime_error(std::string(what) + ": " + (message != nullptr ? message : "failed"));
}

acldvppRoiConfig *roi(const Box &box) {
    const auto [left, top, width, height] = box;
    return acldvppCreateRoiConfig(left, left + width - 1, top, top + height - 1);
}

/// An NV12 picture on the device, without padding between its planes.
class Pixels {
  public:
    Pixels(acldvppPicDesc *desc, uint32_t width, uint32_t height) : size_(width * height * 3 / 2) {
        check(acldvppMalloc(&memory_, size_), "acldvppMalloc");
        check(aclrtMemset(memory_, size_, 128, size_), "aclrtMemset");
        acldvppSetPicDescData(desc, memory_);
        acldvppSetPicDescSize(desc, size_);
        acldvppSetPicDescFormat(desc, PIXEL_FORMAT_YUV_SEMIPLANAR_420);
        acldvppSetPicDescWidth(desc, width);
        acldvppSetPicDescHeight(desc, height);
        acldvppSetPicDescWidthStride(desc, width);
        acldvppSetPicDescHeightStride(desc, height);
    }
    void upload(const std::string &bytes) {
        check(aclrtMemcpy(memory_, size_, bytes.data(), bytes.size(), ACL_MEMCPY_HOST_TO_DEVICE),
              "aclrtMemcpy");
    }
    py::bytes download() const {
        std::string bytes(size_, '\0');
        check(aclrtMemcpy(bytes.data(), size_, memory_, size_, ACL_MEMCPY_DEVICE_TO_HOST),
              "aclrtMemcpy");
        return bytes;
    }
    void free() { acldvppFree(memory_); }

  private:
    void *memory_ = nullptr;
    uint32_t size_;
};

/// One source picture and the pictures made of it; `crops` to `pastes`.
class Scaler {
  public:
    Scaler(const std::string &source, uint32_t width, uint32_t height, const std::string &operation,
           const std::vector<Box> &crops, const std::vector<Box> &pastes, uint32_t out_width,
           uint32_t out_height)
        : number_(static_cast<uint32_t>(crops.size())) {
        channel_ = acldvppCreateChannelDesc();
        check(acldvppCreateChannel(channel_), "acldvppCreateChannel");
        check(aclrtCreateStream(&stream_), "aclrtCreateStream");
        config_ = acldvppCreateResizeConfig();
        input_ = acldvppCreateBatchPicDesc(1);
        outputs_ = acldvppCreateBatchPicDesc(number_);
        acldvppPicDesc *from = acldvppGetPicDesc(input_, 0), *to = acldvppGetPicDesc(outputs_, 0);
        pixels_.emplace_back(from, width, height);
        pixels_.back().upload(source);
        for (uint32_t i = 0; i < number_; ++i) {
            pixels_.emplace_back(acldvppGetPicDesc(outputs_, i), out_width, out_height);
            crops_.push_back(roi(crops[i]));
            pastes_.push_back(roi(pastes[i]));
        }
        if (operation == "resize") {
            call_ = [=] { return acldvppVpcResizeAsync(channel_, from, to, config_, stream_); };
        } else if (operation == "letterbox") {
            call_ = [=] {
                return acldvppVpcCropResizePasteAsync(channel_, from, to, crops_[0], pastes_[0],
                                                      config_, stream_);
            };
        } else {
            call_ = [this] {
                return acldvppVpcBatchCropResizePasteAsync(channel_, input_, &number_, 1, outputs_,
                                                           crops_.data(), pastes_.data(), config_,
                                                           stream_);
            };
        }
    }

    double run(long n) {
        const auto start = Clock::now();
        for (long i = 0; i < n; ++i) {
            check(call_(), "the operation");
            check(aclrtSynchronizeStream(stream_), "aclrtSynchronizeStream");
        }
        return std::chrono::duration<double>(Clock::now() - start).count();
    }

    py::bytes result(size_t index) const { return pixels_.at(index + 1).download(); }

    void close() {
        for (Pixels &pixels : pixels_) pixels.free();
        for (auto *list : {&crops_, &pastes_}) {
            for (acldvppRoiConfig *config : *list) acldvppDestroyRoiConfig(config);
        }
        acldvppDestroyBatchPicDesc(input_);
        acldvppDestroyBatchPicDesc(outputs_);
        acldvppDestroyResizeConfig(config_);
        acldvppDestroyChannel(channel_);
        acldvppDestroyChannelDesc(channel_);
        aclrtDestroyStream(stream_);
    }

  private:
    uint32_t number_;
    acldvppChannelDesc *channel_ = nullptr;
    aclrtStream stream_ = nullptr;
    acldvppResizeConfig *config_ = nullptr;
    acldvppBatchPicDesc *input_ = nullptr, *outputs_ = nullptr;
    std::vector<Pixels> pixels_;
    std::vector<acldvppRoiConfig *> crops_, pastes_;
    std::function<aclError()> call_;
};

}  // namespace

PYBIND11_MODULE(vpc_direct, module) {
    py::class_<Scaler>(module, "Scaler")
        .def(py::init([](const py::bytes &source, uint32_t width, uint32_t height,
                         const std::string &operation, const std::vector<Box> &crops,
                         const std::vector<Box> &pastes, uint32_t out_width, uint32_t out_height) {
            return new Scaler(source, width, height, operation, crops, pastes, out_width,
                              out_height);
        }))
        .def("run", &Scaler::run)
        .def("result", &Scaler::result)
        .def("close", &Scaler::close);
}
