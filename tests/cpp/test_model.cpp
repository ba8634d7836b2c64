// Models through the C interface and, where the interface cannot see it, through the engine's own.
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "model_run.hpp"
#include "onnx_writer.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/model/model.hpp"

namespace {

const std::vector<float> kA = {1, 2, 3, 4, 5, 6};
const std::vector<float> kTwice = {2, 4, 6, 8, 10, 12};

struct DeviceScope {
    DeviceScope() {
        OK(aclInit(nullptr));
        OK(aclrtSetDevice(0));
    }
    ~DeviceScope() {
        aclrtResetDevice(0);
        aclFinalize();
    }
};

TEST("the engine writes at the address the program gave") {
    const DeviceScope device;
    const Loaded model(writer::add({2, 3}));
    const Buffers input({24, 24});
    const Buffers first({24}), second({24});
    input.write(0, kA);
    input.write(1, kA);
    for (const Buffers *output : {&first, &second, &first}) {
        OK(aclmdlExecute(model.id, input.dataset, output->dataset));
        CHECK(softnpu::find_model(model.id)->engine_output(0) ==
              softnpu::device_view(output->memory[0]));
        CHECK(output->read(0, 6) == kTwice);
    }
}

TEST("the engine writes in place when shapes vary, up to the room there is") {
    const DeviceScope device;
    const Loaded model(writer::add({-1, 3}));
    const Buffers input({480, 480});
    const Buffers output({480});
    const uint64_t copied = check::counter("bytes_d2d");
    for (const int64_t rows : {2, 40, 1, 17, 40}) {
        const std::vector<float> values(static_cast<size_t>(rows * 3), 1.5f);
        const int64_t dims[] = {rows, 3};
        for (size_t i = 0; i < 2; ++i) {
            input.write(i, values);
            aclTensorDesc *desc = aclCreateTensorDesc(ACL_FLOAT, 2, dims, ACL_FORMAT_ND);
            OK(aclmdlSetDatasetTensorDesc(input.dataset, desc, i));
            aclDestroyTensorDesc(desc);
        }
        OK(aclmdlExecute(model.id, input.dataset, output.dataset));
        CHECK(softnpu::find_model(model.id)->engine_output(0) ==
              softnpu::device_view(output.memory[0]));
        CHECK(output.read(0, values.size()) == std::vector<float>(values.size(), 3.0f));
        const aclTensorDesc *result = aclmdlGetDatasetTensorDesc(output.dataset, 0);
        int64_t dim = 0;
        OK(aclGetTensorDescDimV2(result, 0, &dim));
        EQUAL(dim, rows);
    }
    EQUAL(check::counter("bytes_d2d"), copied);
}

TEST("weights and gears of a container") {
    const DeviceScope device;
    const Loaded model(writer::gear_om());
    const Buffers input({48, 48, 8});
    const Buffers output({48});
    EQUAL(aclmdlGetNumInputs(model.desc), size_t{3});
    for (const uint64_t batch : {4, 1, 2, 4}) {
        const std::vector<float> values(batch * 3, 2.0f);
        input.write(0, values);
        input.write(1, values);
        OK(aclmdlSetDynamicBatchSize(model.id, input.dataset, 2, batch));
        OK(aclmdlExecute(model.id, input.dataset, output.dataset));
        CHECK(output.read(0, values.size()) == std::vector<float>(values.size(), 4.0f));
        CHECK(softnpu::find_model(model.id)->engine_output(0) ==
              softnpu::device_view(output.memory[0]));
    }
    EQUAL(aclmdlSetDynamicBatchSize(model.id, input.dataset, 2, 3), 145013);
}

TEST("a queued execution uses what the dataset held when it was queued") {
    const DeviceScope device;
    const Loaded model(writer::add({2, 3}));
    aclrtStream stream = nullptr;
    OK(aclrtCreateStream(&stream));
    const Buffers output({24});
    const Buffers kept({24, 24});
    kept.write(0, kA);
    kept.write(1, kA);
    {
        aclmdlDataset *dataset = aclmdlCreateDataset();
        aclDataBuffer *buffers[2];
        for (size_t i = 0; i < 2; ++i) {
            buffers[i] = aclCreateDataBuffer(kept.memory[i], 24);
            OK(aclmdlAddDatasetBuffer(dataset, buffers[i]));
        }
        for (int i = 0; i < 100; ++i)
            OK(aclmdlExecuteAsync(model.id, dataset, output.dataset, stream));
        for (aclDataBuffer *buffer : buffers) {
            OK(aclUpdateDataBuffer(buffer, nullptr, 0));
            OK(aclDestroyDataBuffer(buffer));
        }
        OK(aclmdlDestroyDataset(dataset));
    }
    OK(aclrtSynchronizeStream(stream));
    CHECK(output.read(0, 6) == kTwice);
    OK(aclrtDestroyStream(stream));
}

TEST("unloading waits for what is queued") {
    const DeviceScope device;
    aclrtStream stream = nullptr;
    OK(aclrtCreateStream(&stream));
    const Buffers input({256 * 256 * 4});
    const Buffers output({256 * 256 * 4});
    input.write(0, std::vector<float>(256 * 256, 1.0f));
    {
        const Loaded model(writer::matmul(256, 256, 256, 0.5f));
        for (int i = 0; i < 30; ++i)
            OK(aclmdlExecuteAsync(model.id, input.dataset, output.dataset, stream));
    }
    EQUAL(check::counter("live_models"), uint64_t{0});
    CHECK(output.read(0, 256) == std::vector<float>(256, 128.0f));
    OK(aclrtSynchronizeStream(stream));
    OK(aclrtDestroyStream(stream));
}

TEST("one id from many threads and streams") {
    const DeviceScope device;
    const Loaded synchronous(writer::add({64, 3}));
    const Loaded queued(writer::add({64, 3}));
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            try {
                OK(aclrtSetDevice(0));
                aclrtStream stream = nullptr;
                OK(aclrtCreateStream(&stream));
                {
                    const Buffers input({768, 768});
                    const Buffers output({768});
                    for (int turn = 0; turn < 20; ++turn) {
                        const auto value = static_cast<float>(t * 100 + turn);
                        input.write(0, std::vector<float>(192, value));
                        input.write(1, std::vector<float>(192, 1));
                        OK(t % 2 == 0 ? aclmdlExecute(synchronous.id, input.dataset, output.dataset)
                                      : aclmdlExecuteAsync(queued.id, input.dataset, output.dataset,
                                                           stream));
                        OK(aclrtSynchronizeStream(stream));
                        if (output.read(0, 192) != std::vector<float>(192, value + 1)) ++wrong;
                    }
                }
                OK(aclrtDestroyStream(stream));
                OK(aclrtResetDevice(0));
            } catch (const std::exception &error) {
                std::printf("thread %d: %s\n", t, error.what());
                ++wrong;
            }
        });
    }
    for (auto &thread : threads) thread.join();
    EQUAL(wrong.load(), 0);
}

TEST("loads and unloads from many threads share one network") {
    const DeviceScope device;
    const std::string content = writer::gear_om();
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            try {
                OK(aclrtSetDevice(0));
                for (int turn = 0; turn < 5; ++turn) {
                    const Loaded model(content);
                    const Buffers input({48, 48, 8});
                    const Buffers output({48});
                    const uint64_t batch = uint64_t{1} << (turn + t) % 3;
                    const std::vector<float> values(batch * 3, static_cast<float>(t));
                    input.write(0, values);
                    input.write(1, values);
                    OK(aclmdlSetDynamicBatchSize(model.id, input.dataset, 2, batch));
                    OK(aclmdlExecute(model.id, input.dataset, output.dataset));
                    if (output.read(0, values.size()) !=
                        std::vector<float>(values.size(), static_cast<float>(2 * t)))
                        ++wrong;
                }
                OK(aclrtResetDevice(0));
            } catch (const std::exception &error) {
                std::printf("thread %d: %s\n", t, error.what());
                ++wrong;
            }
        });
    }
    for (auto &thread : threads) thread.join();
    EQUAL(wrong.load(), 0);
    EQUAL(check::counter("live_models"), uint64_t{0});
}

TEST("refused models leave nothing") {
    const DeviceScope device;
    const std::string unknown = writer::onnx({{writer::node("Frobnicate", {"a"}, {"b"})},
                                              {writer::tensor("a", {1})},
                                              {writer::tensor("b", {1})},
                                              {}});
    uint32_t id = 0;
    for (int i = 0; i < 3; ++i)
        EQUAL(aclmdlLoadFromMem(unknown.data(), unknown.size(), &id), 145000);
    CHECK(std::string(aclGetRecentErrMsg()).find("Frobnicate") != std::string::npos);
    EQUAL(check::counter("live_models"), uint64_t{0});
}

TEST("what is left loaded goes with the device") {
    OK(aclInit(nullptr));
    OK(aclrtSetDevice(0));
    uint32_t id = 0;
    const std::string content = writer::add({2, 3});
    OK(aclmdlLoadFromMem(content.data(), content.size(), &id));
    OK(aclrtResetDevice(0));
    EQUAL(check::counter("live_models"), uint64_t{0});
    OK(aclFinalize());
}

TEST("a process may end with executions in flight") {
    const check::Child child = check::run_child("child exit with work in flight");
    EQUAL(child.output, std::string());
    CHECK(child.exited_with(0));
}

TEST("child exit with work in flight") {
    use_test_engine();
    aclInit(nullptr);
    aclrtSetDevice(0);
    static const Loaded *model = new Loaded(writer::matmul(512, 512, 512, 0.5f));
    static const Buffers *input = new Buffers({512 * 512 * 4});
    static const Buffers *output = new Buffers({512 * 512 * 4});
    aclrtStream stream = nullptr;
    aclrtCreateStream(&stream);
    for (int i = 0; i < 200; ++i)
        aclmdlExecuteAsync(model->id, input->dataset, output->dataset, stream);
    std::exit(0);
}

}  // namespace

int main(int count, char **values) {
    use_test_engine();
    return check::run(count > 1 ? values[1] : nullptr);
}
