// A unit of work in a stream: a callable stored in place, without a heap allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace softnpu {

class Stream;

/// What running a task led to.
struct Outcome {
    bool parked = false;  // the task waits for something; Stream::resume() finishes it
    int status = 0;
};

/// Tells the pool and synchronising threads how a task behaves.
enum class TaskKind : uint8_t {
    engine,  // finite work of ours: may run on a thread that synchronises the stream
    marker,  // always runs, also after a failure or an abort (event records): others wait for it
    user,    // calls the program's code, may block: runs on a worker with a stand-in
};

class Task {
  public:
    /// Room for captures. A callable that does not fit does not compile.
    static constexpr size_t kRoom = 88;

    Task() noexcept = default;
    template <class Body>
    Task(const char *name, TaskKind kind, Body &&body) : name_(name), kind_(kind) {
        using Stored = std::decay_t<Body>;
        static_assert(sizeof(Stored) <= kRoom, "captures too large: move them behind a pointer");
        static_assert(alignof(Stored) <= alignof(std::max_align_t));
        static_assert(std::is_nothrow_move_constructible_v<Stored>);
        new (room_) Stored(std::forward<Body>(body));
        operations_ = &kOperations<Stored>;
    }
    Task(Task &&other) noexcept { take(other); }
    Task &operator=(Task &&other) noexcept {
        if (this != &other) {
            clear();
            take(other);
        }
        return *this;
    }
    ~Task() { clear(); }

    Outcome run(Stream &stream) { return operations_->run(room_, stream); }
    void clear() noexcept {
        if (operations_ != nullptr) std::exchange(operations_, nullptr)->destroy(room_);
    }

    const char *name() const noexcept { return name_; }
    TaskKind kind() const noexcept { return kind_; }

    uint32_t id = 0;         // counts the tasks of a device
    uint32_t thread_id = 0;  // kernel id of the submitting thread

  private:
    struct Operations {
        Outcome (*run)(void *, Stream &);
        void (*move)(void *to, void *from) noexcept;
        void (*destroy)(void *) noexcept;
    };

    /// Bodies are `int()`, `int(Stream &)`, `Outcome()` or `Outcome(Stream &)`.
    template <class Stored>
    static Outcome run_stored(void *room, Stream &stream) {
        Stored &body = *static_cast<Stored *>(room);
        if constexpr (std::is_invocable_v<Stored &, Stream &>) {
            return to_outcome(body(stream));
        } else {
            return to_outcome(body());
        }
    }
    static Outcome to_outcome(Outcome outcome) { return outcome; }
    static Outcome to_outcome(int status) { return {false, status}; }

    template <class Stored>
    static constexpr Operations kOperations = {
        &run_stored<Stored>,
        [](void *to, void *from) noexcept {
            new (to) Stored(std::move(*static_cast<Stored *>(from)));
            static_cast<Stored *>(from)->~Stored();
        },
        [](void *room) noexcept { static_cast<Stored *>(room)->~Stored(); },
    };

    void take(Task &other) noexcept {
        name_ = other.name_;
        kind_ = other.kind_;
        id = other.id;
        thread_id = other.thread_id;
        operations_ = std::exchange(other.operations_, nullptr);
        if (operations_ != nullptr) operations_->move(room_, other.room_);
    }

    const Operations *operations_ = nullptr;
    const char *name_ = "";
    TaskKind kind_ = TaskKind::engine;
    alignas(std::max_align_t) unsigned char room_[kRoom];
};

}  // namespace softnpu
