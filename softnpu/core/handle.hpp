// Handles given to programs: type, generation and slot packed into a pointer value.
//
// A handle is never dereferenced. Looking one up pins its slot with one atomic add and compares the
// generation, so a stale, foreign or garbage handle is recognised, and an object found stays alive
// while it is pinned, even if another thread destroys its handle meanwhile. Slots are never
// returned to the system, which is what makes the add on an unknown slot safe.
//
// Bits: 63..56 = 0x40 | type (never a user-space address, positive as int64), 55..24 generation,
// 23..0 slot.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace softnpu {

enum class HandleType : uint8_t {
    context = 1,
    stream,
    event,
    data_buffer,
    tensor_desc,
    dataset,
    model_desc,
    model_config,
    execute_config,
    aipp,
    allocator_desc,
    group_info,
    operator_attr,
    notify,
    operator_handle,
    prof_config,
    physical_memory,
    dvpp_first = 32,  // 32..62 belong to the media engines
};

inline constexpr unsigned kSlotBits = 24;

inline void *encode_handle(HandleType type, uint32_t generation, uint32_t slot) noexcept {
    const uint64_t tag = 0x40u | static_cast<uint64_t>(type);
    return reinterpret_cast<void *>(tag << 56 | static_cast<uint64_t>(generation) << kSlotBits |
                                    slot);
}
inline bool has_handle_type(const void *handle, HandleType type) noexcept {
    return reinterpret_cast<uint64_t>(handle) >> 56 == (0x40u | static_cast<uint64_t>(type));
}
inline uint32_t handle_generation(const void *handle) noexcept {
    return static_cast<uint32_t>(reinterpret_cast<uint64_t>(handle) >> kSlotBits);
}
inline uint32_t handle_slot(const void *handle) noexcept {
    return static_cast<uint32_t>(reinterpret_cast<uint64_t>(handle)) & ((1u << kSlotBits) - 1);
}

/// All objects of one type that programs hold by handle. Lookups are lock-free.
///
/// One table per type, created once and never destroyed (see `runtime.hpp`).
template <class T, HandleType kType>
class HandleTable {
    struct Slot {
        std::atomic<uint64_t> state{0};  // generation << 32 | phase << 30 | pins
        HandleTable *table = nullptr;
        uint32_t index = 0;
        alignas(T) unsigned char storage[sizeof(T)];
        T *object() noexcept { return std::launder(reinterpret_cast<T *>(storage)); }
    };

    static constexpr uint64_t kLive = uint64_t{1} << 30;
    static constexpr uint64_t kDying = uint64_t{2} << 30;
    static constexpr uint64_t kPhase = uint64_t{3} << 30;
    static constexpr uint64_t kPins = kLive - 1;
    static constexpr uint32_t kChunk = 1024;

  public:
    /// A strong reference: the object lives at least as long. Empty when a lookup failed.
    class Ref {
      public:
        Ref() noexcept = default;
        Ref(const Ref &other) noexcept : slot_(other.slot_) {
            if (slot_ != nullptr) slot_->state.fetch_add(1, std::memory_order_relaxed);
        }
        Ref(Ref &&other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
        Ref &operator=(Ref other) noexcept {
            std::swap(slot_, other.slot_);
            return *this;
        }
        ~Ref() { reset(); }

        void reset() noexcept {
            if (Slot *slot = std::exchange(slot_, nullptr)) slot->table->unpin(slot);
        }
        explicit operator bool() const noexcept { return slot_ != nullptr; }
        T *get() const noexcept { return slot_ != nullptr ? slot_->object() : nullptr; }
        T *operator->() const noexcept { return slot_->object(); }
        T &operator*() const noexcept { return *slot_->object(); }
        /// The handle of the object; it is stale once the object has been removed.
        void *handle() const noexcept {
            return encode_handle(
                kType, static_cast<uint32_t>(slot_->state.load(std::memory_order_relaxed) >> 32),
                slot_->index);
        }
        bool operator==(const Ref &other) const noexcept { return slot_ == other.slot_; }

      private:
        friend class HandleTable;
        explicit Ref(Slot *pinned) noexcept : slot_(pinned) {}
        Slot *slot_ = nullptr;
    };

    HandleTable() = default;
    HandleTable(const HandleTable &) = delete;
    HandleTable &operator=(const HandleTable &) = delete;

    /// Construct an object in a slot of its own. Throws what T throws, bad_alloc when full.
    template <class... Args>
    Ref create(Args &&...args) {
        Slot *slot = take_free();
        try {
            new (slot->storage) T(std::forward<Args>(args)...);
        } catch (...) {
            give_free(slot);
            throw;
        }
        live_.fetch_add(1, std::memory_order_relaxed);
        // An add, not a store: a lookup with a stale handle may hold a passing pin.
        slot->state.fetch_add(kLive + 1, std::memory_order_acq_rel);
        return Ref(slot);
    }

    /// The object behind a handle; empty for NULL, stale, foreign or garbage handles.
    Ref find(const void *handle) noexcept {
        Slot *slot = slot_of(handle);
        if (slot == nullptr) return {};
        const uint64_t seen = slot->state.fetch_add(1, std::memory_order_acq_rel);
        if (is_live(seen, handle)) return Ref(slot);
        unpin(slot);
        return {};
    }

    /// Make the handle stale and return the object, which dies with the last reference.
    /// Empty when the handle does not name a live object; of two racing callers one gets it.
    Ref remove(const void *handle) noexcept {
        Slot *slot = slot_of(handle);
        if (slot == nullptr) return {};
        uint64_t seen = slot->state.load(std::memory_order_acquire);
        while (is_live(seen, handle)) {
            if (slot->state.compare_exchange_weak(seen, seen - kLive + kDying + 1,
                                                  std::memory_order_acq_rel)) {
                live_.fetch_sub(1, std::memory_order_relaxed);
                return Ref(slot);
            }
        }
        return {};
    }

    /// A reference to an object of this table that the caller knows to be alive.
    static Ref share(T *object) noexcept {
        auto *slot = reinterpret_cast<Slot *>(reinterpret_cast<unsigned char *>(object) -
                                              offsetof(Slot, storage));
        slot->state.fetch_add(1, std::memory_order_relaxed);
        return Ref(slot);
    }

    /// One load, no pin: true while the handle names a live object.
    bool contains(const void *handle) noexcept {
        Slot *slot = slot_of(handle);
        return slot != nullptr && is_live(slot->state.load(std::memory_order_acquire), handle);
    }

    /// Read an object without pinning it, a few plain loads. Only for objects made of atomics: they
    /// may be destroyed and made anew while `read` looks; false then, and what it saw is void.
    /// `read` loads with acquire order.
    template <class Read>
    bool peek(const void *handle, Read &&read) noexcept {
        static_assert(std::is_trivially_destructible_v<T>);
        Slot *slot = slot_of(handle);
        if (slot == nullptr || !is_live(slot->state.load(std::memory_order_acquire), handle)) {
            return false;
        }
        read(*slot->object());
        return is_live(slot->state.load(std::memory_order_acquire), handle);
    }

    /// Objects whose handle is valid.
    uint64_t live() const noexcept { return live_.load(std::memory_order_relaxed); }

    /// Calls visit(Ref) for each live object; objects created meanwhile may be missed.
    template <class Visit>
    void for_each(Visit &&visit) {
        for (auto &entry : chunks_) {
            Slot *chunk = entry.load(std::memory_order_acquire);
            if (chunk == nullptr) return;
            for (uint32_t i = 0; i < kChunk; ++i) {
                if ((chunk[i].state.load(std::memory_order_relaxed) & kPhase) != kLive) continue;
                const uint64_t seen = chunk[i].state.fetch_add(1, std::memory_order_acq_rel);
                Ref ref(&chunk[i]);
                if ((seen & kPhase) == kLive) visit(std::move(ref));
            }
        }
    }

  private:
    static bool is_live(uint64_t state, const void *handle) noexcept {
        return (state & kPhase) == kLive && state >> 32 == handle_generation(handle);
    }

    Slot *slot_of(const void *handle) noexcept {
        if (!has_handle_type(handle, kType)) return nullptr;
        const uint32_t index = handle_slot(handle);
        Slot *chunk = chunks_[index / kChunk].load(std::memory_order_acquire);
        return chunk != nullptr ? chunk + index % kChunk : nullptr;
    }

    void unpin(Slot *slot) noexcept {
        uint64_t seen = slot->state.fetch_sub(1, std::memory_order_acq_rel) - 1;
        if ((seen & kPhase) != kDying || (seen & kPins) != 0) return;
        // Only the thread that moves the slot to `free` destroys the object. A passing pin makes
        // the exchange fail; its own unpin comes back here.
        const uint64_t freed = ((seen >> 32) + 1) << 32;
        if (!slot->state.compare_exchange_strong(seen, freed, std::memory_order_acq_rel)) return;
        slot->object()->~T();
        give_free(slot);
    }

    Slot *take_free() {
        std::lock_guard<std::mutex> lock(mutex_);
        if (free_.empty()) add_chunk();
        Slot *slot = free_.back();
        free_.pop_back();
        return slot;
    }

    void give_free(Slot *slot) noexcept {
        std::lock_guard<std::mutex> lock(mutex_);
        free_.push_back(slot);  // add_chunk() reserved room for every slot
    }

    void add_chunk() {
        if (chunk_count_ == chunks_.size()) throw std::bad_alloc();
        free_.reserve((chunk_count_ + 1) * size_t{kChunk});
        auto chunk = std::make_unique<Slot[]>(kChunk);
        for (uint32_t i = kChunk; i-- > 0;) {
            chunk[i].table = this;
            chunk[i].index = static_cast<uint32_t>(chunk_count_) * kChunk + i;
            free_.push_back(&chunk[i]);
        }
        chunks_[chunk_count_++].store(chunk.release(), std::memory_order_release);
    }

    std::array<std::atomic<Slot *>, (1u << kSlotBits) / kChunk> chunks_{};
    std::atomic<uint64_t> live_{0};
    std::mutex mutex_;  // leaf lock: guards free_ and chunk_count_
    std::vector<Slot *> free_;
    size_t chunk_count_ = 0;
};

/// The one table of its kind, never destroyed: device threads may still run while static objects
/// die.
template <class Table>
Table &only_table() noexcept {
    static auto *table = new Table;
    return *table;
}

}  // namespace softnpu
