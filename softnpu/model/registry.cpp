// The models of the process, by id.
#include <map>
#include <shared_mutex>
#include <unordered_map>

#include "acl/acl_base.h"
#include "acl/error_codes/ge_error_codes.h"
#include "softnpu/core/context.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/model/model.hpp"

namespace softnpu {
namespace {

struct Registry {
    std::shared_mutex mutex;  // leaf: never held while loading, unloading or executing
    std::unordered_map<uint32_t, std::shared_ptr<Model>> models;
    std::map<uint32_t, std::vector<uint32_t>> bundles;
    uint32_t next_id = 1;  // models and bundles; never reused
};

// What is left on a device goes with it; -1 stands for all devices.
void unload_left(int device);

Registry &registry() {
    static Registry *const instance = [] {
        runtime().on_teardown(unload_left);
        return new Registry;  // outlives static destructors of the program
    }();
    return *instance;
}

void unload_left(int device) {
    Registry &all = registry();
    std::vector<std::shared_ptr<Model>> left;
    {
        const std::unique_lock lock(all.mutex);
        for (auto it = all.models.begin(); it != all.models.end();) {
            if (device >= 0 && it->second->device() != device) {
                ++it;
                continue;
            }
            left.push_back(std::move(it->second));
            it = all.models.erase(it);
        }
        for (auto it = all.bundles.begin(); it != all.bundles.end();) {
            const bool gone = all.models.count(it->second.front()) == 0;
            it = gone ? all.bundles.erase(it) : std::next(it);
        }
    }
    for (const auto &model : left) model->close();
}

int check_room(const char *what, const void *address, size_t size, size_t needed) {
    const int code = static_cast<int>(ACL_ERROR_GE_PARAM_INVALID);
    if (address == nullptr) return 0;
    if (size < needed)
        return fail(code, "the %s memory has %zu bytes, the model needs %zu: ask aclmdlQuerySize",
                    what, size, needed);
    return check_device_memory(what, address, needed, code);
}

int check_load_memory(const ModelSource &source, const LoadMemory &memory) {
    if (memory.work == nullptr && memory.weight == nullptr) return 0;
    const MemoryNeeds needs = memory_needs(*describe_source(source));
    if (const int code = check_room("work", memory.work, memory.work_size, needs.work)) return code;
    return check_room("weight", memory.weight, memory.weight_size, needs.weight);
}

int load(ModelSource source, const LoadMemory &memory, std::shared_ptr<Model> &model) {
    if (const int code = require_context()) return code;
    const int device = current_device();
    try {
        if (const int code = check_load_memory(source, memory)) return code;
        if (memory.weight != nullptr) {
            source.weights = device_view(memory.weight);
            source.weight_room = memory.weight_size;
        }
        auto network = open_network(std::move(source));
        network->prepare();
        uint32_t id = 0;
        {
            const std::unique_lock lock(registry().mutex);
            id = registry().next_id++;
        }
        model = std::make_shared<Model>(id, device, std::move(network), memory.weight);
        model->prepare();
        return 0;
    } catch (const ModelError &error) {
        return fail(error.code, "%s", error.what());
    }
}

// Refuses when the context went while the model was loaded: its device may have been torn down, and
// nothing would unload the model. What is published before that unload_left() finds.
int publish(const std::shared_ptr<Model> &model) {
    {
        Registry &all = registry();
        const std::unique_lock lock(all.mutex);
        if (current_context_handle() != nullptr) {
            all.models.emplace(model->id(), model);
            if (model->bundle() != 0) all.bundles[model->bundle()] = {model->id()};
            return 0;
        }
    }
    model->close();
    return require_context();
}

}  // namespace

int load_model(ModelSource source, const LoadMemory &memory, uint32_t *id) {
    std::shared_ptr<Model> model;
    if (const int code = load(std::move(source), memory, model)) return code;
    if (const int code = publish(model)) return code;
    *id = model->id();
    return 0;
}

std::shared_ptr<Model> peek_model(uint32_t id) noexcept {
    const std::shared_lock lock(registry().mutex);
    const auto found = registry().models.find(id);
    return found != registry().models.end() ? found->second : nullptr;
}

std::shared_ptr<Model> find_model(uint32_t id) {
    auto model = peek_model(id);
    if (model == nullptr)
        fail(static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ID_INVALID),
             "no model with id %u is loaded: it was unloaded, or never loaded", id);
    return model;
}

int unload_model(uint32_t id) {
    std::shared_ptr<Model> model = find_model(id);
    if (model == nullptr) return static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ID_INVALID);
    if (model->bundle() != 0)
        return fail(ACL_ERROR_INVALID_PARAM,
                    "model %u belongs to bundle %u; unload that with aclmdlBundleUnload", id,
                    model->bundle());
    {
        const std::unique_lock lock(registry().mutex);
        if (registry().models.erase(id) == 0)
            return fail(static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ID_INVALID),
                        "model %u is being unloaded by another thread", id);
    }
    model->close();
    return 0;
}

int load_bundle(ModelSource source, uint32_t *id) {
    std::shared_ptr<Model> model;
    if (const int code = load(std::move(source), {}, model)) return code;
    {
        const std::unique_lock lock(registry().mutex);
        model->set_bundle(registry().next_id++);
    }
    if (const int code = publish(model)) return code;
    *id = model->bundle();
    return 0;
}

int bundle_models(uint32_t id, std::vector<uint32_t> &models) {
    const std::shared_lock lock(registry().mutex);
    const auto found = registry().bundles.find(id);
    if (found == registry().bundles.end())
        return fail(static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ID_INVALID),
                    "no bundle with id %u is loaded", id);
    models = found->second;
    return 0;
}

int unload_bundle(uint32_t id) {
    std::vector<std::shared_ptr<Model>> models;
    {
        const std::unique_lock lock(registry().mutex);
        const auto bundle = registry().bundles.find(id);
        if (bundle == registry().bundles.end())
            return fail(static_cast<int>(ACL_ERROR_GE_EXEC_MODEL_ID_INVALID),
                        "no bundle with id %u is loaded", id);
        for (const uint32_t model : bundle->second) {
            const auto found = registry().models.find(model);
            if (found == registry().models.end()) continue;
            models.push_back(std::move(found->second));
            registry().models.erase(found);
        }
        registry().bundles.erase(bundle);
    }
    for (const auto &model : models) model->close();
    return 0;
}

}  // namespace softnpu
