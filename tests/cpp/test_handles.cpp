// Handle tables: stale, foreign and garbage handles, and destruction against concurrent lookups.
#include <thread>

#include "softnpu/core/handle.hpp"
#include "tests/cpp/check.hpp"

using namespace softnpu;

namespace {

std::atomic<int> g_alive{0};

struct Thing {
    explicit Thing(int value) : value(value) { ++g_alive; }
    ~Thing() {
        value = -1;
        --g_alive;
    }
    int value;
};

using Things = HandleTable<Thing, HandleType::event>;

}  // namespace

TEST("a handle leads to its object until it is removed") {
    static Things things;
    void *handle = things.create(7).handle();
    CHECK(things.contains(handle));
    EQUAL(things.find(handle)->value, 7);
    EQUAL(things.live(), 1u);
    CHECK(things.remove(handle));
    CHECK(!things.find(handle));
    CHECK(!things.contains(handle));
    CHECK(!things.remove(handle));
    EQUAL(things.live(), 0u);
    EQUAL(g_alive.load(), 0);
}

TEST("a reused slot does not revive an old handle") {
    static Things things;
    void *first = things.create(1).handle();
    things.remove(first);
    void *second = things.create(2).handle();
    CHECK(first != second);
    CHECK(!things.find(first));
    EQUAL(things.find(second)->value, 2);
    things.remove(second);
}

TEST("garbage is not a handle") {
    static Things things;
    void *handle = things.create(1).handle();
    const auto bits = reinterpret_cast<uint64_t>(handle);
    int local = 0;
    for (uint64_t value :
         {uint64_t{0}, uint64_t{1}, ~uint64_t{0}, bits + 1, bits ^ (uint64_t{1} << 40),
          bits ^ (uint64_t{1} << 56), bits | 0xFFFFFF, reinterpret_cast<uint64_t>(&local)}) {
        CHECK(!things.find(reinterpret_cast<void *>(value)));
        CHECK(!things.contains(reinterpret_cast<void *>(value)));
        CHECK(!things.remove(reinterpret_cast<void *>(value)));
    }
    CHECK(things.find(handle));
    things.remove(handle);
}

TEST("a reference keeps a removed object alive") {
    static Things things;
    auto ref = things.create(5);
    auto copy = ref;
    things.remove(ref.handle());
    ref.reset();
    EQUAL(g_alive.load(), 1);
    EQUAL(copy->value, 5);
    copy.reset();
    EQUAL(g_alive.load(), 0);
}

TEST("for_each visits what is live") {
    static Things things;
    std::vector<void *> handles;
    for (int i = 0; i < 3000; ++i) handles.push_back(things.create(i).handle());
    for (int i = 0; i < 3000; i += 2) things.remove(handles[static_cast<size_t>(i)]);
    int seen = 0;
    things.for_each([&](const Things::Ref &ref) {
        EQUAL(ref->value % 2, 1);
        ++seen;
    });
    EQUAL(seen, 1500);
    for (int i = 1; i < 3000; i += 2) things.remove(handles[static_cast<size_t>(i)]);
    EQUAL(g_alive.load(), 0);
}

TEST("lookups race with destruction and creation") {
    static Things things;
    constexpr int kSlots = 8;
    static std::atomic<void *> shared[kSlots];
    for (auto &entry : shared) entry = things.create(1).handle();
    std::atomic<bool> stop{false};
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&] {
            while (!stop) {
                for (auto &entry : shared) {
                    if (auto ref = things.find(entry.load())) {
                        if (ref->value != 1) ++wrong;
                    }
                }
            }
        });
    }
    for (int round = 0; round < 20000; ++round) {
        auto &entry = shared[round % kSlots];
        void *old = entry.load();
        things.remove(old);
        entry = things.create(1).handle();
        if (things.contains(old)) ++wrong;
    }
    stop = true;
    for (auto &reader : readers) reader.join();
    EQUAL(wrong.load(), 0);
    for (auto &entry : shared) things.remove(entry.load());
    EQUAL(g_alive.load(), 0);
}

TEST_MAIN
