// One engine request and the memory that is bound to it.
//
// The engine reads inputs and writes outputs at the addresses the program gave; nothing is copied.
// Three exceptions, for outputs only; each copies after the computation, and the copy is counted:
// - The shape is only known afterwards and the program gave no memory.
// - Likewise, and the room of the memory it gave cannot be expressed as a shape.
// - The output is an input, or an earlier output once more. To the engine both are one port, with
//   one memory.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "softnpu/model/dataset.hpp"
#include "softnpu/model/description.hpp"
#include "softnpu/model/openvino.hpp"

namespace softnpu {

class Network;

/// One tensor of one execution.
struct Argument {
    void *address = nullptr;               // as the program knows it
    size_t size = 0;                       // of its data buffer
    const void *buffer = nullptr;          // handle of the data buffer
    bool has_shape = false;                // `dims` came with the dataset
    bool is_ours = false;                  // the memory was allocated by this execution
    Dims dims;                             // the real shape; of outputs after the execution
    std::vector<aipp::Settings> pictures;  // what dynamic AIPP does to each picture
};

/// What the engine may touch, decided by who executes.
struct Place {
    uint32_t model = 0;
    int device = 0;
};

class Session {
  public:
    Session(Network &network, size_t gear);

    /// Binds the arguments and computes. Not thread-safe: the model's lock is held.
    /// 0, or a failure that is already recorded.
    int run(const Place &place, std::vector<Argument> &inputs, std::vector<Argument> &outputs);

    /// Where the engine writes output `index`; for tests.
    void *engine_output(size_t index) const;

  private:
    struct Slot {
        void *memory = nullptr;  // engine's view; nullptr when nothing of the program is bound
        size_t room = 0;         // of an output whose shape varies
        bool own = false;        // the engine's own memory is bound
        Dims dims;               // shape of the tensor that is bound
        ov::Owner<ov::Tensor> tensor;
        std::vector<unsigned char> made;  // what AIPP makes of the program's picture
    };

    int bind_input(const Place &place, size_t index, Argument &argument);
    int bind_picture(const Place &place, size_t index, Argument &argument);
    int bind_output(const Place &place, size_t index, Argument &argument);
    int bind_varying_output(const Place &place, size_t index, Argument &argument);
    void bind(Slot &slot, size_t index, bool is_input, const TensorInfo &info, void *memory);
    void bind_own_memory(size_t index);
    int infer(std::vector<Argument> &outputs);
    int finish(const Place &place, const std::vector<Argument> &inputs,
               std::vector<Argument> &outputs);
    int finish_varying_output(const Place &place, size_t index, Argument &argument);
    int copy_source(const Place &place, size_t index, const std::vector<Argument> &inputs,
                    std::vector<Argument> &outputs);
    int deliver(const Place &place, size_t index, const void *data, Argument &argument);
    bool is_computed(size_t index) const;
    const Dims &dims_of(const TensorInfo &info) const;

    std::shared_ptr<const Description> description_;
    size_t gear_;
    ov::Owner<ov::Request> request_;
    std::vector<ov::Source> sources_;  // of each output
    bool copies_ = false;              // something is left to do after the computation
    std::vector<Slot> inputs_;
    std::vector<Slot> outputs_;
};

}  // namespace softnpu
