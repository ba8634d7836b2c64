// Runs a model with batch gears on a stream, one batch after the other, with events around each
// and a callback behind each, the way a C++ AscendCL program does it.
//
//     async_batches MODEL INPUT OUTPUT BATCH...
//
// INPUT holds samples one after the other; each BATCH takes that many of them from the start.
// The results of all batches are appended to OUTPUT.

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "acl/acl.h"

namespace {

void Check(aclError code, const std::string &what) {
    if (code == ACL_SUCCESS) {
        return;
    }
    const char *text = aclGetRecentErrMsg();
    throw std::runtime_error(what + " failed, error " + std::to_string(code) + ": " +
                             (text != nullptr ? text : ""));
}

#define CHECK(call) Check((call), #call)

// Runs a function at the end of a scope.
class Finally {
  public:
    explicit Finally(std::function<void()> action) : action_(std::move(action)) {}
    Finally(const Finally &) = delete;
    Finally &operator=(const Finally &) = delete;
    ~Finally() { action_(); }

  private:
    std::function<void()> action_;
};

// Device memory in a data buffer.
class DeviceBuffer {
  public:
    explicit DeviceBuffer(size_t size) : size_(size) {
        CHECK(aclrtMalloc(&data_, size, ACL_MEM_MALLOC_NORMAL_ONLY));
        buffer_ = aclCreateDataBuffer(data_, size);
    }
    DeviceBuffer(const DeviceBuffer &) = delete;
    DeviceBuffer &operator=(const DeviceBuffer &) = delete;
    ~DeviceBuffer() {
        aclDestroyDataBuffer(buffer_);
        aclrtFree(data_);
    }
    void *data() const { return data_; }
    size_t size() const { return size_; }
    aclDataBuffer *get() const { return buffer_; }

  private:
    void *data_ = nullptr;
    size_t size_;
    aclDataBuffer *buffer_ = nullptr;
};

struct DatasetDeleter {
    void operator()(aclmdlDataset *dataset) const { aclmdlDestroyDataset(dataset); }
};
using Dataset = std::unique_ptr<aclmdlDataset, DatasetDeleter>;

// Buffers of one execution. They stay alive until the stream has been synchronised.
class Job {
  public:
    Job(aclmdlDesc *desc, uint32_t model, uint64_t batch)
        : batch_(batch), input_(aclmdlCreateDataset()), output_(aclmdlCreateDataset()) {
        for (size_t i = 0; i < aclmdlGetNumInputs(desc); ++i) {
            buffers_.push_back(std::make_unique<DeviceBuffer>(aclmdlGetInputSizeByIndex(desc, i)));
            CHECK(aclmdlAddDatasetBuffer(input_.get(), buffers_.back()->get()));
        }
        for (size_t i = 0; i < aclmdlGetNumOutputs(desc); ++i) {
            results_.push_back(std::make_unique<DeviceBuffer>(aclmdlGetOutputSizeByIndex(desc, i)));
            CHECK(aclmdlAddDatasetBuffer(output_.get(), results_.back()->get()));
        }
        size_t gear = 0;
        CHECK(aclmdlGetInputIndexByName(desc, ACL_DYNAMIC_TENSOR_NAME, &gear));
        CHECK(aclmdlSetDynamicBatchSize(model, input_.get(), gear, batch));
        CHECK(aclrtCreateEvent(&begin_));
        CHECK(aclrtCreateEvent(&end_));
    }
    Job(const Job &) = delete;
    Job &operator=(const Job &) = delete;
    ~Job() {
        aclrtDestroyEvent(begin_);
        aclrtDestroyEvent(end_);
    }

    void Launch(uint32_t model, aclrtStream stream, aclrtCallback done, void *context) {
        CHECK(aclrtRecordEvent(begin_, stream));
        CHECK(aclmdlExecuteAsync(model, input_.get(), output_.get(), stream));
        CHECK(aclrtRecordEvent(end_, stream));
        CHECK(aclrtLaunchCallback(done, context, ACL_CALLBACK_NO_BLOCK, stream));
    }

    float Milliseconds() const {
        float time = 0;
        CHECK(aclrtEventElapsedTime(&time, begin_, end_));
        return time;
    }

    uint64_t batch() const { return batch_; }
    DeviceBuffer &input(size_t index) { return *buffers_[index]; }
    DeviceBuffer &result(size_t index) { return *results_[index]; }

  private:
    uint64_t batch_;
    std::vector<std::unique_ptr<DeviceBuffer>> buffers_;
    std::vector<std::unique_ptr<DeviceBuffer>> results_;
    Dataset input_;
    Dataset output_;
    aclrtEvent begin_ = nullptr;
    aclrtEvent end_ = nullptr;
};

// The thread on which the stream's callbacks run.
class Reporter {
  public:
    Reporter(aclrtContext context, aclrtStream stream) : stream_(stream) {
        thread_ = std::thread([this, context] {
            CHECK(aclrtSetCurrentContext(context));
            id_ = static_cast<uint64_t>(pthread_self());
            while (!stop_) {
                (void)aclrtProcessReport(100);
            }
        });
        while (id_ == 0) {
            std::this_thread::yield();
        }
        CHECK(aclrtSubscribeReport(id_, stream_));
    }
    ~Reporter() {
        aclrtUnSubscribeReport(id_, stream_);
        stop_ = true;
        thread_.join();
    }

  private:
    aclrtStream stream_;
    std::atomic<uint64_t> id_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

// Counts callbacks; the stream may be idle before the reporter has run the last of them.
class Counter {
  public:
    static void Add(void *self) {
        auto *counter = static_cast<Counter *>(self);
        std::lock_guard<std::mutex> lock(counter->mutex_);
        ++counter->count_;
        counter->changed_.notify_all();
    }
    void Wait(int count) {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [&] { return count_ >= count; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

std::vector<char> ReadFile(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot read " + path);
    }
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Copies between host and device, or within one memory where they share it.
void Copy(void *dst, const void *src, size_t size, aclrtRunMode mode, aclrtMemcpyKind kind) {
    CHECK(aclrtMemcpy(dst, size, src, size, mode == ACL_HOST ? kind : ACL_MEMCPY_DEVICE_TO_DEVICE));
}

void CheckBatches(aclmdlDesc *desc, const std::vector<uint64_t> &batches) {
    aclmdlBatch gears{};
    CHECK(aclmdlGetDynamicBatch(desc, &gears));
    for (uint64_t batch : batches) {
        bool found = false;
        for (size_t i = 0; i < gears.batchCount; ++i) {
            found = found || gears.batch[i] == batch;
        }
        if (!found) {
            throw std::runtime_error("the model has no gear for batch " + std::to_string(batch));
        }
    }
}

void Run(const std::string &modelPath, const std::string &inputPath, const std::string &outputPath,
         const std::vector<uint64_t> &batches) {
    aclrtContext context = nullptr;
    CHECK(aclrtCreateContext(&context, 0));
    Finally destroyContext([&] { aclrtDestroyContext(context); });
    aclrtStream stream = nullptr;
    CHECK(aclrtCreateStream(&stream));
    Finally destroyStream([&] { aclrtDestroyStream(stream); });
    aclrtRunMode mode;
    CHECK(aclrtGetRunMode(&mode));

    const std::vector<char> file = ReadFile(modelPath);
    uint32_t model = 0;
    CHECK(aclmdlLoadFromMem(file.data(), file.size(), &model));
    Finally unload([&] { aclmdlUnload(model); });
    std::unique_ptr<aclmdlDesc, aclError (*)(aclmdlDesc *)> desc(aclmdlCreateDesc(),
                                                                 aclmdlDestroyDesc);
    CHECK(aclmdlGetDesc(desc.get(), model));
    CheckBatches(desc.get(), batches);

    const std::vector<char> samples = ReadFile(inputPath);
    aclmdlIODims dims{};
    CHECK(aclmdlGetInputDims(desc.get(), 0, &dims));
    size_t sample = aclDataTypeSize(aclmdlGetInputDataType(desc.get(), 0));
    for (size_t i = 1; i < dims.dimCount; ++i) {
        sample *= static_cast<size_t>(dims.dims[i]);
    }

    std::ofstream output(outputPath, std::ios::binary);
    Counter called;
    int launched = 0;
    {
        Reporter reporter(context, stream);
        for (uint64_t batch : batches) {
            // One job in flight for each model id: the gear belongs to the model.
            Job job(desc.get(), model, batch);
            Copy(job.input(0).data(), samples.data(), batch * sample, mode,
                 ACL_MEMCPY_HOST_TO_DEVICE);
            job.Launch(model, stream, Counter::Add, &called);
            ++launched;
            CHECK(aclrtSynchronizeStream(stream));

            aclmdlIODims out{};
            CHECK(aclmdlGetCurOutputDims(desc.get(), 0, &out));
            size_t bytes = aclDataTypeSize(aclmdlGetOutputDataType(desc.get(), 0));
            for (size_t i = 0; i < out.dimCount; ++i) {
                bytes *= static_cast<size_t>(out.dims[i]);
            }
            std::vector<char> result(bytes);
            Copy(result.data(), job.result(0).data(), bytes, mode, ACL_MEMCPY_DEVICE_TO_HOST);
            output.write(result.data(), static_cast<std::streamsize>(bytes));
            std::cout << "batch " << batch << ": " << bytes << " bytes in " << job.Milliseconds()
                      << " ms\n";
        }
        called.Wait(launched);
    }
    std::cout << "callbacks: " << launched << "\n";
}

}  // namespace

int main(int argc, char **argv) {
    if (argc < 5) {
        std::cerr << "usage: " << argv[0] << " MODEL INPUT OUTPUT BATCH...\n";
        return 1;
    }
    std::vector<uint64_t> batches;
    for (int i = 4; i < argc; ++i) {
        batches.push_back(std::strtoull(argv[i], nullptr, 10));
    }
    int result = 0;
    try {
        CHECK(aclInit(nullptr));
        CHECK(aclrtSetDevice(0));
        Run(argv[1], argv[2], argv[3], batches);
    } catch (const std::exception &error) {
        std::cerr << "[ERROR] " << error.what() << "\n";
        result = 1;
    }
    aclrtResetDevice(0);
    aclFinalize();
    return result;
}
