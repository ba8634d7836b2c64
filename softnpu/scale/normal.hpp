// Formats that the libraries do not know, brought to ones that they do.
#pragma once

#include <cstdint>
#include <vector>

#include "softnpu/dvpp/picture.hpp"

namespace softnpu {

/// A picture as the libraries can read or write it: itself, or a copy in another layout.
class NormalPicture {
  public:
    /// Of a source: its samples are copied.
    static NormalPicture of_source(const Picture &picture);
    /// Of a target: store() brings back what was written.
    static NormalPicture of_target(const Picture &picture);

    const Picture &picture() const { return normal_; }
    void store() const;

  private:
    explicit NormalPicture(const Picture &picture);
    void load() const;
    bool is_copy() const { return !memory_.empty(); }

    Picture original_, normal_;
    std::vector<uint8_t> memory_;
};

}  // namespace softnpu
