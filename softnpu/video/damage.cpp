#include "softnpu/video/damage.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
}

#include <algorithm>
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

/// What an H.264 thread says about the picture before the packet it got, picture or not.
bool is_late(const char *format) {
    return begins(format, "illegal short term buffer") ||
           begins(format, "number of reference frames");
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
    const int64_t mark = context->reordered_opaque;
    if (mark < 0 && !is_late(format)) return;
    const auto number = static_cast<uint64_t>(mark < 0 ? -1 - mark : mark);
    auto &list = *static_cast<DamageList *>(context->opaque);
    if (gap) {
        list.add_gap(number);
    } else if (is_damage(level, format)) {
        list.add(number);
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

void DamageList::add_gap(uint64_t number) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!gaps_allowed_ && gaps_.size() < kMost) gaps_.insert(number);
}

void DamageList::allow_gaps(bool allowed) {
    std::lock_guard<std::mutex> lock(mutex_);
    gaps_allowed_ = allowed;
}

bool DamageList::covers(uint64_t number, bool key) const {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!numbers_.empty() && *numbers_.begin() <= number) return true;
    return !gaps_.empty() && (*gaps_.begin() < number || (*gaps_.begin() == number && !key));
}

uint64_t DamageList::first() const {
    std::lock_guard<std::mutex> lock(mutex_);
    uint64_t number = ~uint64_t{0};
    if (!numbers_.empty()) number = *numbers_.begin();
    if (!gaps_.empty()) number = std::min(number, *gaps_.begin());
    return number;
}

void DamageList::pass_key(uint64_t number) {
    std::lock_guard<std::mutex> lock(mutex_);
    gaps_.erase(gaps_.begin(), gaps_.upper_bound(number));
}

void DamageList::refreshed_since(uint64_t number) {
    std::lock_guard<std::mutex> lock(mutex_);
    numbers_.erase(numbers_.begin(), numbers_.lower_bound(number));
    gaps_.erase(gaps_.begin(), gaps_.upper_bound(number));
}

void DamageList::check_blocks(uint64_t last) {
    for (const uint64_t number : blocks_.unwritten(last)) add(number);
}

void DamageList::clear() {
    blocks_.clear();
    std::lock_guard<std::mutex> lock(mutex_);
    numbers_.clear();
    gaps_.clear();
}

void DamageList::listen() {
    av_log_set_callback(on_message);
}

}  // namespace softnpu
