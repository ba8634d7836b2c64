// Finding the libraries of a backend. Not thread safe: table.cpp calls it under its lock.
#pragma once

#include <string>
#include <vector>

#include "table/functions.hpp"

namespace aclfast {

/// Every place tried with its outcome, and the first failure that is more than an absent file.
class SearchLog {
  public:
    void add(const std::string &place, const std::string &outcome);
    void fail(const std::string &place, const std::string &outcome);
    void restart() { cause_.clear(); }

    const std::string &text() const { return text_; }
    const std::string &cause() const { return cause_; }

  private:
    std::string text_;
    std::string cause_;
};

/// An opened library. A newer CANN spreads the core over several: symbols are sought in each.
struct Module {
    std::string path;
    std::vector<void *> handles;
    bool softnpu = false;
    std::string choice;

    void *symbol(const char *name) const noexcept;
    explicit operator bool() const { return !handles.empty(); }
};

enum class SearchResult { found, none, bad_setting };

/// The core library, chosen by ACL_FAST_LIBRARY and ACL_FAST_BACKEND.
SearchResult find_core(const std::string &softnpu_dir, Module &core, SearchLog &log);

/// A further library of the same backend; empty if it is absent or refused.
Module find_sibling(const Module &core, Library library, SearchLog &log);

}  // namespace aclfast
