// A network as the engine holds it: one content, its compiled forms, shared by all models that
// were loaded from it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "softnpu/core/export.hpp"
#include "softnpu/model/blob.hpp"
#include "softnpu/model/description.hpp"
#include "softnpu/model/openvino.hpp"

namespace softnpu {

/// Where a model comes from.
struct ModelSource {
    Blob bytes;
    std::string path;         // "" when it came from memory
    std::string origin;       // for messages: "model file 'x.om'"
    void *weights = nullptr;  // engine's view of the caller's weight memory, or nullptr
    size_t weight_room = 0;

    SOFTNPU_API static ModelSource from_file(const char *path);
    SOFTNPU_API static ModelSource from_memory(const void *data, size_t size);
};

class Network {
  public:
    /// Reads the content; throws ModelError. Nothing is compiled yet.
    explicit Network(ModelSource source);
    Network(const Network &) = delete;
    Network &operator=(const Network &) = delete;

    const std::shared_ptr<const Description> &description() const { return description_; }

    /// Compiles the form that is likely used first, so that loading finds what is wrong.
    void prepare();

    /// A request of the form for `gear` (0 without gears), compiled now if it has not been yet.
    /// Any thread; one form is compiled at a time.
    ov::Owner<ov::Request> create_request(size_t gear);

    /// Where the outputs of the form for `gear` come from; after create_request().
    std::vector<ov::Source> sources(size_t gear);

  private:
    void read_om(ModelSource &source);
    void read_onnx(ModelSource &source);
    ov::Owner<ov::Network> parse() const;
    void compile(size_t gear);
    void compile_once(size_t gear);

    const std::string origin_;
    Blob bytes_;       // holds what weights_ points to, unless the caller does
    std::string xml_;  // empty for ONNX
    void *weights_ = nullptr;
    size_t weight_bytes_ = 0;
    std::shared_ptr<const Description> description_;
    std::mutex mutex_;  // guards the members below; held while compiling
    ov::Owner<ov::Network> parsed_;
    std::vector<ov::Owner<ov::Compiled>> compiled_;  // one per gear
};

/// The network of this content: the one in use if there is one with equal content, so that replicas
/// share their weights, else a new one. A network ends with its last user. One whose weights lie in
/// the caller's memory is never shared.
std::shared_ptr<Network> open_network(ModelSource source);

/// What open_network() would describe, without compiling anything.
SOFTNPU_API std::shared_ptr<const Description> describe_source(const ModelSource &source);

/// Bytes a program provides for aclmdlLoad...WithMem.
struct MemoryNeeds {
    size_t work = 0;
    size_t weight = 0;
};
SOFTNPU_API MemoryNeeds memory_needs(const Description &description);

}  // namespace softnpu
