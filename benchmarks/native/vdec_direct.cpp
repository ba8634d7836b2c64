// aclvdec from plain C++: all access units of a video, with a pool of outputs, as a program with a
// report thread of its own does it. Uses the context that is current when a Decoder is made.

#include <pthread.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "acl/acl.h"
#include "acl/ops/acl_dvpp.h"

namespace py = pybind11;

namespace {

void check(aclError code, const char *what) {
    if (code == 0) return;
    const char *message = aclGetRecentErrMsg();
    throw std::runtime_error(std::string(what) + ": " + (message != nullptr ? message : "failed"));
}

class Decoder {
  public:
    Decoder(const std::vector<py::bytes> &packets, bool h265, uint32_t bytes, uint32_t channel,
            int outputs) {
        check(aclrtGetCurrentContext(&context_), "aclrtGetCurrentContext");
        thread_ = std::thread([this] { serve(); });
        while (thread_id_ == 0) std::this_thread::yield();
        for (const std::string packet : packets) {
            void *memory = nullptr;
            check(acldvppMalloc(&memory, packet.size()), "acldvppMalloc");
            check(aclrtMemcpy(memory, packet.size(), packet.data(), packet.size(),
                              ACL_MEMCPY_HOST_TO_DEVICE),
                  "aclrtMemcpy");
            streams_.push_back(acldvppCreateStreamDesc());
            acldvppSetStreamDescData(streams_.back(), memory);
            acldvppSetStreamDescSize(streams_.back(), static_cast<uint32_t>(packet.size()));
        }
        for (int i = 0; i < outputs; ++i) {
            void *memory = nullptr;
            check(acldvppMalloc(&memory, bytes), "acldvppMalloc");
            acldvppPicDesc *picture = acldvppCreatePicDesc();
            acldvppSetPicDescData(picture, memory);
            acldvppSetPicDescSize(picture, bytes);
            acldvppSetPicDescFormat(picture, PIXEL_FORMAT_YUV_SEMIPLANAR_420);
            free_.push_back(picture);
        }
        end_ = acldvppCreateStreamDesc();
        acldvppSetStreamDescEos(end_, 1);
        channel_ = aclvdecCreateChannelDesc();
        aclvdecSetChannelDescChannelId(channel_, channel);
        aclvdecSetChannelDescThreadId(channel_, thread_id_);
        aclvdecSetChannelDescCallback(channel_, &Decoder::on_frame);
        aclvdecSetChannelDescEnType(channel_, h265 ? H265_MAIN_LEVEL : H264_HIGH_LEVEL);
        check(aclvdecCreateChannel(channel_), "aclvdecCreateChannel");
    }

    /// The video this many times; the seconds it took.
    double run(long n) {
        check(aclrtSetCurrentContext(context_), "aclrtSetCurrentContext");
        const auto start = std::chrono::steady_clock::now();
        for (long i = 0; i < n; ++i) {
            for (acldvppStreamDesc *stream : streams_) {
                check(aclvdecSendFrame(channel_, stream, take(), nullptr, this),
                      "aclvdecSendFrame");
            }
            check(aclvdecSendFrame(channel_, end_, nullptr, nullptr, nullptr), "the end");
        }
        if (failed_ != 0) throw std::runtime_error("frames failed");
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }

    void close() {
        check(aclvdecDestroyChannel(channel_), "aclvdecDestroyChannel");
        stop_ = true;
        thread_.join();
    }

  private:
    static void on_frame(acldvppStreamDesc *, acldvppPicDesc *picture, void *user) {
        auto &self = *static_cast<Decoder *>(user);
        self.failed_ += acldvppGetPicDescRetCode(picture) != 0;
        std::lock_guard<std::mutex> lock(self.mutex_);
        self.free_.push_back(picture);
        self.returned_.notify_one();
    }

    acldvppPicDesc *take() {
        std::unique_lock<std::mutex> lock(mutex_);
        returned_.wait(lock, [this] { return !free_.empty(); });
        acldvppPicDesc *picture = free_.back();
        free_.pop_back();
        return picture;
    }

    void serve() {
        aclrtSetCurrentContext(context_);
        thread_id_ = static_cast<uint64_t>(pthread_self());
        while (!stop_) aclrtProcessReport(20);
    }

    aclrtContext context_ = nullptr;
    std::thread thread_;
    std::atomic<uint64_t> thread_id_{0};
    std::atomic<bool> stop_{false};
    std::atomic<int> failed_{0};
    std::vector<acldvppStreamDesc *> streams_;
    acldvppStreamDesc *end_ = nullptr;
    aclvdecChannelDesc *channel_ = nullptr;
    std::mutex mutex_;
    std::condition_variable returned_;
    std::vector<acldvppPicDesc *> free_;
};

}  // namespace

PYBIND11_MODULE(vdec_direct, module) {
    using released = py::call_guard<py::gil_scoped_release>;
    py::class_<Decoder>(module, "Decoder")
        .def(py::init<const std::vector<py::bytes> &, bool, uint32_t, uint32_t, int>())
        .def("run", &Decoder::run, released(), "Decode the video this many times.")
        .def("close", &Decoder::close, released(), "Destroy the channel.");
}
