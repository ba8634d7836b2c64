// aclmdlConfigHandle and aclmdlExecConfigHandle: options by attribute.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>

#include "acl/acl_mdl.h"
#include "softnpu/core/export.hpp"
#include "softnpu/core/handle.hpp"
#include "softnpu/model/execute.hpp"
#include "softnpu/model/model.hpp"

namespace softnpu {

/// How to load one model.
class SOFTNPU_API LoadConfig {
  public:
    LoadConfig();
    ~LoadConfig();

    /// `value` is the address of the value. 0, or a recorded failure.
    int set(aclmdlConfigAttr attribute, const void *value, size_t size);
    /// Loads what the attributes say.
    int load(uint32_t *id) const;

  private:
    static constexpr size_t kAttributes = ACL_MDL_FIFO_SIZET + 1;
    int require(std::initializer_list<aclmdlConfigAttr> attributes) const;

    std::bitset<kAttributes> known_;
    size_t type_ = 0;
    std::string path_;
    const void *model_ = nullptr;
    size_t model_size_ = 0;
    LoadMemory memory_;
};

using LoadConfigTable = HandleTable<LoadConfig, HandleType::model_config>;
SOFTNPU_API LoadConfigTable &load_config_table() noexcept;

/// How to execute once.
class SOFTNPU_API ExecuteConfig {
  public:
    ExecuteConfig();
    ~ExecuteConfig();

    int set(aclmdlExecConfigAttr attribute, const void *value, size_t size);
    const ExecuteOptions &options() const noexcept { return options_; }

  private:
    ExecuteOptions options_;
};

using ExecuteConfigTable = HandleTable<ExecuteConfig, HandleType::execute_config>;
SOFTNPU_API ExecuteConfigTable &execute_config_table() noexcept;

}  // namespace softnpu
