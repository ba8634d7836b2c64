#include "softnpu/model/model.hpp"

#include <algorithm>
#include <cstring>

#include "acl/acl_base.h"
#include "acl/acl_mdl.h"
#include "acl/error_codes/ge_error_codes.h"
#include "softnpu/aipp/dynamic.hpp"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/model/place.hpp"
#include "softnpu/prof/prof.hpp"

namespace softnpu {

aipp::Target aipp_target(const TensorInfo &network, const Dims &dims) {
    const bool planar = network.format != ACL_FORMAT_NHWC;
    const auto at = [&](size_t dim) {
        return static_cast<int32_t>(std::max<int64_t>(dims[dim], 0));
    };
    aipp::Target target;
    target.channels = at(planar ? 1 : 3);
    target.height = at(planar ? 2 : 1);
    target.width = at(planar ? 3 : 2);
    target.images = static_cast<size_t>(std::max<int64_t>(dims[0], 1));
    if (network.range.empty()) return target;
    const auto span = [&](size_t dim) {
        return aipp::Span{network.range[dim][0], network.range[dim][1]};
    };
    target.ranged = true;
    target.heights = span(planar ? 2 : 1);
    target.widths = span(planar ? 3 : 2);
    target.images = static_cast<size_t>(std::max<int64_t>(network.range[0][0], 1));
    return target;
}

JobTicket::JobTicket(std::shared_ptr<Model> model, std::unique_ptr<Job> job) noexcept
    : model_(std::move(model)), job_(std::move(job)) {}

JobTicket::~JobTicket() {
    if (model_ != nullptr) model_->give_back(std::move(job_));
}

int JobTicket::run() {
    return model_->run(*job_);
}

Model::Model(uint32_t id, int device, std::shared_ptr<Network> network, const void *weights)
    : id_(id),
      device_(device),
      network_(std::move(network)),
      description_(network_->description()),
      weights_(weights) {
    sessions_.resize(description_->gears ? description_->gears->values.size() : 1);
    count(counters().live_models);
}

Model::~Model() {
    if (network_ != nullptr) uncount(counters().live_models);
}

void Model::prepare() {
    const std::lock_guard lock(running_);
    session(description_->gears ? description_->largest_gear() : 0);
}

int Model::enter_mode(RunMode mode) {
    RunMode known = RunMode::none;
    if (mode_.load(std::memory_order_relaxed) == mode ||
        mode_.compare_exchange_strong(known, mode) || known == mode)
        return 0;
    return fail(ACL_ERROR_GE_FAILURE,
                "model %u was first executed %s and stays so until it is unloaded; load it a "
                "second time to execute it both ways",
                id_, mode == RunMode::async ? "synchronously" : "asynchronously");
}

JobTicket Model::new_job() {
    std::unique_ptr<Job> job;
    {
        const std::lock_guard lock(jobs_mutex_);
        if (!spare_.empty()) {
            job = std::move(spare_.back());
            spare_.pop_back();
        }
        // Room for every job that may come back: giving one back must not fail.
        spare_.reserve(spare_.size() + in_flight_ + 1);
        ++in_flight_;
    }
    JobTicket ticket(shared_from_this(), std::move(job));
    ticket.ensure(*description_);
    return ticket;
}

void JobTicket::ensure(const Description &description) {
    if (job_ == nullptr) job_ = std::make_unique<Job>();
    job_->inputs.resize(description.inputs.size());
    job_->outputs.resize(description.outputs.size());
    job_->aipp.resize(description.aipp_data.size());
}

void Model::give_back(std::unique_ptr<Job> job) noexcept {
    if (job != nullptr) job->results.reset();
    const std::lock_guard lock(jobs_mutex_);
    if (job != nullptr) spare_.push_back(std::move(job));
    if (--in_flight_ == 0) idle_.notify_all();
}

void Model::choose_gear(size_t gear) {
    {
        const std::lock_guard lock(running_);
        session(gear);
    }
    chosen_gear_.store(static_cast<int>(gear), std::memory_order_relaxed);
}

Session &Model::session(size_t gear) {
    if (sessions_[gear] == nullptr) sessions_[gear] = std::make_unique<Session>(*network_, gear);
    return *sessions_[gear];
}

// The gear lies in device memory: whatever was queued before this execution may have written it.
int Model::read_gear(const Job &job, size_t &gear) const {
    const Gears &gears = *description_->gears;
    const size_t width = gears.width();
    const bool is_wide = job.gear.size >= width * sizeof(uint64_t);
    const size_t bytes = width * (is_wide ? sizeof(uint64_t) : sizeof(uint32_t));
    static const TensorInfo info = [] {
        TensorInfo hidden;
        hidden.name = ACL_DYNAMIC_TENSOR_NAME;
        return hidden;
    }();
    const Place place{id_, device_};
    if (const int code = check_place({place, "input", description_->gear_index(), info},
                                     job.gear.address, bytes, true))
        return code;
    const auto *memory = static_cast<const unsigned char *>(device_view(job.gear.address));
    Dims row(width);
    for (size_t i = 0; i < width; ++i) {
        uint32_t narrow = 0;
        if (is_wide) {
            std::memcpy(&row[i], memory + i * sizeof(uint64_t), sizeof(uint64_t));
        } else {
            std::memcpy(&narrow, memory + i * sizeof narrow, sizeof narrow);
            row[i] = narrow;
        }
    }
    const auto found = gears.find(row);
    if (!found)
        return fail(static_cast<int>(ACL_ERROR_GE_DYNAMIC_BATCH_SIZE_INVALID),
                    "model %u has no gear %s; choose one with aclmdlSetDynamicBatchSize, "
                    "aclmdlSetDynamicHWSize or aclmdlSetInputDynamicDims before the execution",
                    id_, to_text(row).c_str());
    gear = *found;
    return 0;
}

// The settings of dynamic AIPP lie in device memory too.
int Model::read_aipp(Job &job, size_t gear) const {
    const Place place{id_, device_};
    for (size_t k = 0; k < job.aipp.size(); ++k) {
        const size_t index = description_->aipp_inputs[k];
        const TensorInfo &network = description_->inputs[index].behind_aipp();
        const TensorInfo &info = description_->aipp_data[k];
        const Argument &data = job.aipp[k];
        if (const int code = check_place({place, "input", job.inputs.size() + k, info},
                                         data.address, info.bytes, true))
            return code;
        aipp::Head head;
        const auto *memory = static_cast<const unsigned char *>(device_view(data.address));
        std::memcpy(&head, memory, sizeof head);
        const size_t most = (info.bytes - sizeof head) / sizeof(aipp::Image);
        if (head.images == 0 || head.images > most)
            return fail(static_cast<int>(ACL_ERROR_GE_AIPP_BATCH_EMPTY),
                        "input %zu ('%s') of model %u holds the parameters of %u images, %zu were "
                        "expected; write them with aclmdlSetInputAIPP before the execution",
                        job.inputs.size() + k, info.name.c_str(), id_,
                        static_cast<unsigned>(head.images), most);
        std::vector<aipp::Image> images(head.images);
        std::memcpy(images.data(), memory + sizeof head, images.size() * sizeof images[0]);
        const Dims &dims = description_->gears ? network.gear_dims[gear] : network.dims;
        aipp::Target target = aipp_target(network, dims);
        target.widest_padded = description_->widest_padded();
        target.model = id_;
        if (const int code =
                aipp::read_parameters(head, images.data(), target, job.inputs[index].pictures))
            return code;
    }
    return 0;
}

int Model::check_weights() const {
    Allocation found;
    if (weights_ == nullptr || !is_device_range(weights_) || find_allocation(weights_, found))
        return 0;
    return fail(static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ADDR_INVALID),
                "the weight memory that model %u was loaded with has been freed; keep it until "
                "the model is unloaded",
                id_);
}

int Model::run(Job &job) {
    std::unique_lock lock(running_, std::try_to_lock);
    if (!lock) {
        if (!told_serialised_.exchange(true))
            log(LogLevel::warning,
                "model %u is executed from several streams or threads at once; the executions are "
                "done one after the other. A real device must not be used like that: load the "
                "model once per stream",
                id_);
        lock.lock();
    }
    if (network_ == nullptr)
        return fail(static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ID_INVALID),
                    "model %u was unloaded before this execution began", id_);
    if (const int code = check_weights()) return code;
    size_t gear = 0;
    if (description_->gears)
        if (const int code = read_gear(job, gear)) return code;
    try {
        if (const int code = read_aipp(job, gear)) return code;
        last_gear_ = gear;
        Session &found = session(gear);
        const uint64_t start = prof::start();
        const int code = found.run({id_, device_}, job.inputs, job.outputs);
        if (start != 0) prof::end_model(id_, device_, description_->name, start);
        if (code == 0 && description_->is_dynamic) store_shapes(job);
        return code;
    } catch (const ModelError &error) {
        return fail(error.code, "%s", error.what());
    }
}

void Model::store_shapes(Job &job) {
    if (!job.results) return;
    for (size_t i = 0; i < job.outputs.size(); ++i) {
        const TensorInfo &info = description_->outputs[i];
        TensorDesc desc;
        desc.type = info.type;
        desc.format = info.format;
        desc.dims = job.outputs[i].dims;
        desc.name = info.name;
        job.results->set_desc(i, desc);
    }
}

void *Model::engine_output(size_t index) {
    const std::lock_guard lock(running_);
    return session(last_gear_).engine_output(index);
}

void Model::close() {
    {
        std::unique_lock lock(jobs_mutex_);
        idle_.wait(lock, [this] { return in_flight_ == 0; });
    }
    const std::lock_guard lock(running_);
    if (network_ == nullptr) return;
    sessions_.clear();
    network_.reset();
    uncount(counters().live_models);
}

}  // namespace softnpu
