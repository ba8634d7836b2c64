#include "softnpu/video/damage.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
}

#include <cstring>

namespace softnpu {
namespace {

constexpr size_t kMost = 1024;  // the first ones decide

/// Lists that live: the process may use the same libavcodec with contexts of its own.
struct Lists {
    std::mutex mutex;
    std::set<const void *> live;
};

Lists &lists() {
    static auto *instance = new Lists;
    return *instance;
}

/// Parameter sets and supplements with errors do not harm the pictures by themselves.
bool is_harmless(const char *format) {
    for (const char *word : {"VPS", "SEI", "VUI", "SPS", "mmco"}) {
        if (std::strstr(format, word) != nullptr) return true;
    }
    return false;
}

void on_message(void *source, int level, const char *format, va_list arguments) {
    if (level > AV_LOG_ERROR || source == nullptr) return;
    const AVClass *kind = *static_cast<const AVClass *const *>(source);
    if (kind == nullptr || std::strcmp(kind->class_name, "AVCodecContext") != 0) return;
    const auto *context = static_cast<const AVCodecContext *>(source);
    Lists &all = lists();
    std::lock_guard<std::mutex> lock(all.mutex);
    if (all.live.count(context->opaque) == 0) {
        av_log_default_callback(source, level, format, arguments);
    } else if (context->reordered_opaque >= 0 && !is_harmless(format)) {
        const auto number = static_cast<uint64_t>(context->reordered_opaque);
        static_cast<DamageList *>(context->opaque)->add(number);
    }
}

}  // namespace

DamageList::DamageList() {
    std::lock_guard<std::mutex> lock(lists().mutex);
    lists().live.insert(this);
}

DamageList::~DamageList() {
    std::lock_guard<std::mutex> lock(lists().mutex);
    lists().live.erase(this);
}

void DamageList::add(uint64_t number) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (numbers_.size() < kMost) numbers_.insert(number);
}

bool DamageList::covers(uint64_t number, bool key) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (key) numbers_.erase(numbers_.begin(), numbers_.lower_bound(number));
    return !numbers_.empty() && *numbers_.begin() <= number;
}

void DamageList::clear() {
    std::lock_guard<std::mutex> lock(mutex_);
    numbers_.clear();
}

void DamageList::listen() {
    av_log_set_callback(on_message);
}

}  // namespace softnpu
