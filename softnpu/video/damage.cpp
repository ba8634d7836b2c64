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

bool begins(const char *format, const char *with) {
    return std::strncmp(format, with, std::strlen(with)) == 0;
}

bool is_gap(int level, const char *format) {
    return level == AV_LOG_DEBUG && begins(format, "Frame num gap");
}

bool is_damage(int level, const char *format) {
    if (level == AV_LOG_INFO) return begins(format, "concealing");
    return level <= AV_LOG_ERROR && !is_harmless(format);
}

void on_message(void *source, int level, const char *format, va_list arguments) {
    const bool gap = is_gap(level, format);
    if ((!gap && level > AV_LOG_INFO) || source == nullptr) return;
    const AVClass *kind = *static_cast<const AVClass *const *>(source);
    if (kind == nullptr || std::strcmp(kind->class_name, "AVCodecContext") != 0) return;
    const auto *context = static_cast<const AVCodecContext *>(source);
    Lists &all = lists();
    std::lock_guard<std::mutex> lock(all.mutex);
    if (all.live.count(context->opaque) == 0) {
        if (level <= AV_LOG_ERROR) av_log_default_callback(source, level, format, arguments);
        return;
    }
    if (context->reordered_opaque < 0) return;
    const auto number = static_cast<uint64_t>(context->reordered_opaque);
    auto &list = *static_cast<DamageList *>(context->opaque);
    if (gap) {
        list.add_gap(number);
    } else if (is_damage(level, format)) {
        list.add(number, begins(format, "error while decoding MB"));
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

void DamageList::add(uint64_t number, bool stays) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (numbers_.size() < kMost) numbers_.insert(number);
    if (stays && stays_.size() < kMost) stays_.insert(number);
}

bool DamageList::stays() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return !stays_.empty() && *stays_.rbegin() >= replaced_;
}

void DamageList::replaced(uint64_t number) {
    std::lock_guard<std::mutex> lock(mutex_);
    // Pictures of the last decoder may still wait for their turn.
    stays_.erase(stays_.begin(), stays_.lower_bound(replaced_));
    replaced_ = number;
}

void DamageList::add_gap(uint64_t number) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!gaps_allowed_ && gaps_.size() < kMost) gaps_.insert(number);
}

void DamageList::allow_gaps(bool allowed) {
    std::lock_guard<std::mutex> lock(mutex_);
    gaps_allowed_ = allowed;
}

bool DamageList::covers(uint64_t number, bool key) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (key) {
        numbers_.erase(numbers_.begin(), numbers_.lower_bound(number));
        gaps_.erase(gaps_.begin(), gaps_.upper_bound(number));
    }
    const auto before = [number](const std::set<uint64_t> &damage) {
        return !damage.empty() && *damage.begin() <= number;
    };
    const auto staying = stays_.lower_bound(number >= replaced_ ? replaced_ : 0);
    const bool kept = staying != stays_.end() && *staying <= number;
    return kept || before(numbers_) || before(gaps_);
}

void DamageList::clear() {
    std::lock_guard<std::mutex> lock(mutex_);
    numbers_.clear();
    gaps_.clear();
    stays_.clear();
}

void DamageList::listen() {
    av_log_set_callback(on_message);
}

}  // namespace softnpu
