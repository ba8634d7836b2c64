// A report thread, as programs have them.
#pragma once

#include <atomic>
#include <thread>

#include "tests/cpp/check.hpp"

/// A thread of the program that processes reports until it is told to stop.
class ReportThread {
  public:
    ReportThread() : thread_([this] { loop(); }) {
        id_ = static_cast<uint64_t>(thread_.native_handle());
    }
    ~ReportThread() {
        stop_ = true;
        thread_.join();
    }
    uint64_t id() const { return id_; }

  private:
    void loop() {
        while (!stop_) aclrtProcessReport(10);
    }
    std::atomic<bool> stop_{false};
    uint64_t id_ = 0;
    std::thread thread_;
};
