#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "layers/layer.hpp"

namespace aclfast {
namespace {

constexpr const Layer *kLayers[] = {&kTraceLayer};

struct Choice {
    std::vector<const Layer *> layers;
    std::string names;
    std::string unknown;
};

// Leaked on purpose: a call from another thread may pass a layer while the process exits.
Choice &choice() {
    static Choice &instance = *new Choice;
    return instance;
}

const Layer *find(const std::string &name) {
    for (const Layer *layer : kLayers) {
        if (name == layer->name) return layer;
    }
    return nullptr;
}

}  // namespace

bool choose_layers(const char *&unknown) noexcept {
    Choice &chosen = choice();
    chosen.layers.clear();
    chosen.names.clear();
    const char *value = std::getenv("ACL_FAST_LAYERS");
    std::string rest = value ? value : "";
    while (!rest.empty()) {
        size_t comma = rest.find(',');
        std::string name = rest.substr(0, comma);
        rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
        if (name.empty()) continue;
        const Layer *layer = find(name);
        if (!layer) {
            chosen.unknown = name;
            unknown = chosen.unknown.c_str();
            return false;
        }
        chosen.layers.push_back(layer);
        chosen.names += (chosen.names.empty() ? "" : ",") + name;
    }
    return true;
}

const char *known_layers() noexcept {
    static const std::string &names = *new std::string([] {
        std::string all;
        for (const Layer *layer : kLayers)
            all += (all.empty() ? "" : ", ") + std::string(layer->name);
        return all;
    }());
    return names.c_str();
}

const char *chosen_layers() noexcept {
    return choice().names.c_str();
}

void *wrap_slot(Index index, void *target) {
    const std::vector<const Layer *> &layers = choice().layers;
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
        target = (*layer)->wrap(index, target);
    }
    return target;
}

}  // namespace aclfast
