// A compiled operator and the cache of them.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "softnpu/op/build.hpp"

namespace softnpu::op {

/// One operator for one set of shapes, types and attributes. Any thread may run it; runs overlap.
class Kernel {
  public:
    /// Throws OpError, ov::Error or ov::Missing.
    explicit Kernel(const Call &call);

    const std::vector<Dims> &output_dims() const { return output_dims_; }

    /// `inputs` and `outputs` as in the call. Inputs whose value was known are not read.
    void run(const Memories &inputs, const Memories &outputs);

  private:
    struct Port {
        ov::Element element = ov::Element::dynamic;
        Dims dims;
        size_t bytes = 0;
        bool narrow = false;  // the engine keeps only 32 bits of these integers
    };
    bool compute_wide(const Call &call);
    ov::Owner<ov::Request> take();
    void give(ov::Owner<ov::Request> request);

    std::vector<size_t> parameters_;  // inputs that the network reads
    std::vector<Port> inputs_, outputs_;
    std::vector<Dims> output_dims_;
    Native native_;
    ov::Owner<ov::Compiled> compiled_;
    std::mutex mutex_;  // guards idle_
    std::vector<ov::Owner<ov::Request>> idle_;
};

/// The kernel for this call: one that was used lately, or a new one.
std::shared_ptr<Kernel> kernel_for(const Call &call);

/// How many kernels are kept at most, 1 or more.
SOFTNPU_API void keep_kernels(size_t most) noexcept;

}  // namespace softnpu::op
