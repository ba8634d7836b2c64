// A loaded model: an id, a network, and the executions in flight.
//
// Lock contract: `running_` is held for one execution and covers the sessions; `jobs_mutex_` is a
// leaf. Executions of one id are serialised, whichever threads and streams they come from: results
// stay right, but nothing is gained. Concurrency comes from loading the model again; the loads
// share their weights.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "softnpu/aipp/dynamic.hpp"
#include "softnpu/core/export.hpp"
#include "softnpu/model/dataset.hpp"
#include "softnpu/model/description.hpp"
#include "softnpu/model/network.hpp"
#include "softnpu/model/session.hpp"

namespace softnpu {

class Model;
class Stream;

/// Everything one execution needs, taken from the datasets when it was asked for. The program may
/// destroy or change datasets and data buffers afterwards without an effect on it.
struct Job {
    std::vector<Argument> inputs;
    std::vector<Argument> outputs;
    std::vector<Argument> aipp;        // the hidden inputs of dynamic AIPP
    Argument gear;                     // the hidden input of the gear
    DatasetRef results;                // receives the shapes of varying outputs
    std::vector<Dataset::Item> items;  // scratch
};

/// A job on its way: keeps the model alive and goes back to it when done or dropped.
class JobTicket {
  public:
    JobTicket() = default;
    JobTicket(std::shared_ptr<Model> model, std::unique_ptr<Job> job) noexcept;
    JobTicket(JobTicket &&other) noexcept = default;
    JobTicket &operator=(JobTicket &&other) = delete;
    ~JobTicket();

    /// 0, or a failure that is already recorded.
    int run();
    Job &job() { return *job_; }

  private:
    friend class Model;
    void ensure(const Description &description);
    std::shared_ptr<Model> model_;
    std::unique_ptr<Job> job_;
};

/// What dynamic AIPP has to make for an input of these dims; 0 where a dim varies with gears not
/// chosen yet.
SOFTNPU_API aipp::Target aipp_target(const TensorInfo &network, const Dims &dims);

enum class RunMode : uint8_t { none, sync, async };

class SOFTNPU_API Model : public std::enable_shared_from_this<Model> {
  public:
    Model(uint32_t id, int device, std::shared_ptr<Network> network, const void *weights);
    ~Model();

    uint32_t id() const noexcept { return id_; }
    int device() const noexcept { return device_; }
    const Description &description() const noexcept { return *description_; }
    std::shared_ptr<const Description> share_description() const { return description_; }
    uint32_t bundle() const noexcept { return bundle_; }
    void set_bundle(uint32_t bundle) noexcept { bundle_ = bundle; }

    /// Compiles what the first execution would otherwise compile.
    void prepare();
    /// The first mode used holds until the model is unloaded; 0 or 500002.
    int enter_mode(RunMode mode);

    /// A job with room for this model's tensors, from those given back before.
    JobTicket new_job();

    /// The gear last chosen by aclmdlSetDynamic...; -1 before.
    int chosen_gear() const noexcept { return chosen_gear_.load(std::memory_order_relaxed); }
    /// Makes `gear` ready to run, compiling it at its first choice. Throws ModelError.
    void choose_gear(size_t gear);

    /// Where the engine writes output `index` of the last execution; for tests.
    void *engine_output(size_t index);

    /// Waits for the executions in flight and lets go of the engine.
    void close();

  private:
    friend class JobTicket;
    int run(Job &job);
    int read_gear(const Job &job, size_t &gear) const;
    int read_aipp(Job &job, size_t gear) const;
    int check_weights() const;
    Session &session(size_t gear);
    void give_back(std::unique_ptr<Job> job) noexcept;
    void store_shapes(Job &job);

    const uint32_t id_;
    const int device_;
    uint32_t bundle_ = 0;
    std::shared_ptr<Network> network_;  // under running_ after construction
    const std::shared_ptr<const Description> description_;
    const void *const weights_;  // the program's weight memory, or nullptr

    std::atomic<RunMode> mode_{RunMode::none};
    std::atomic<int> chosen_gear_{-1};
    std::atomic<bool> told_serialised_{false};

    std::mutex running_;
    std::vector<std::unique_ptr<Session>> sessions_;  // one per gear
    size_t last_gear_ = 0;

    std::mutex jobs_mutex_;
    std::condition_variable idle_;
    std::vector<std::unique_ptr<Job>> spare_;
    size_t in_flight_ = 0;
};

// ---- the models of the process ----

/// Caller's memory for aclmdlLoad...WithMem; all NULL and 0 otherwise.
struct LoadMemory {
    void *work = nullptr;
    size_t work_size = 0;
    void *weight = nullptr;
    size_t weight_size = 0;
};

/// Loads onto the current device. 0, or a failure that is already recorded.
SOFTNPU_API int load_model(ModelSource source, const LoadMemory &memory, uint32_t *id);
/// The model, or nullptr after fail(145003).
SOFTNPU_API std::shared_ptr<Model> find_model(uint32_t id);
/// The same without recording a failure.
SOFTNPU_API std::shared_ptr<Model> peek_model(uint32_t id) noexcept;
SOFTNPU_API int unload_model(uint32_t id);

SOFTNPU_API int load_bundle(ModelSource source, uint32_t *id);
SOFTNPU_API int bundle_models(uint32_t id, std::vector<uint32_t> &models);
SOFTNPU_API int unload_bundle(uint32_t id);

}  // namespace softnpu
