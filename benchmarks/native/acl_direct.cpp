// The C interface called from plain C++, the way a program without Python would: the counterpart of
// everything that acl_fast does from Python. Uses the context that is current when a Model is made.

#include <dlfcn.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "acl/acl.h"

namespace py = pybind11;

namespace {

// The functions used, taken by name from the library that acl_fast loaded.
#define FUNCTIONS(X)              \
    X(aclrtGetCurrentContext)     \
    X(aclrtSetCurrentContext)     \
    X(aclrtCreateStream)          \
    X(aclrtDestroyStream)         \
    X(aclrtSynchronizeStream)     \
    X(aclrtMalloc)                \
    X(aclrtFree)                  \
    X(aclCreateDataBuffer)        \
    X(aclDestroyDataBuffer)       \
    X(aclmdlLoadFromFile)         \
    X(aclmdlUnload)               \
    X(aclmdlCreateDesc)           \
    X(aclmdlDestroyDesc)          \
    X(aclmdlGetDesc)              \
    X(aclmdlGetNumInputs)         \
    X(aclmdlGetNumOutputs)        \
    X(aclmdlGetInputSizeByIndex)  \
    X(aclmdlGetOutputSizeByIndex) \
    X(aclmdlCreateDataset)        \
    X(aclmdlDestroyDataset)       \
    X(aclmdlAddDatasetBuffer)     \
    X(aclmdlExecute)              \
    X(aclmdlExecuteAsync)

struct Table {
#define SLOT(name) decltype(&::name) name = nullptr;
    FUNCTIONS(SLOT)
#undef SLOT
} acl;

void open_library(const std::string &path) {
    void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
#define FILL(name)                                                          \
    acl.name = reinterpret_cast<decltype(acl.name)>(dlsym(library, #name)); \
    if (acl.name == nullptr) throw std::runtime_error(dlerror());
    FUNCTIONS(FILL)
#undef FILL
}

void check(aclError code, const char *function) {
    if (code != ACL_SUCCESS)
        throw std::runtime_error(std::string(function) + " returned " + std::to_string(code));
}
#define CHECK(call) check(acl.call, #call)

template <typename F>
double seconds(F &&work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class Dataset {
  public:
    Dataset() : dataset_(acl.aclmdlCreateDataset()) {}
    Dataset(const Dataset &) = delete;
    Dataset &operator=(const Dataset &) = delete;

    ~Dataset() {
        acl.aclmdlDestroyDataset(dataset_);
        for (aclDataBuffer *buffer : buffers_) acl.aclDestroyDataBuffer(buffer);
        for (void *block : memory_) acl.aclrtFree(block);
    }

    void add(size_t size) {
        void *block = nullptr;
        CHECK(aclrtMalloc(&block, size, ACL_MEM_MALLOC_HUGE_FIRST));
        memory_.push_back(block);
        buffers_.push_back(acl.aclCreateDataBuffer(block, size));
        CHECK(aclmdlAddDatasetBuffer(dataset_, buffers_.back()));
    }

    aclmdlDataset *get() const { return dataset_; }

  private:
    aclmdlDataset *dataset_;
    std::vector<aclDataBuffer *> buffers_;
    std::vector<void *> memory_;
};

class Model {
  public:
    explicit Model(const std::string &path) {
        CHECK(aclrtGetCurrentContext(&context_));
        CHECK(aclrtCreateStream(&stream_));
        CHECK(aclmdlLoadFromFile(path.c_str(), &id_));
        aclmdlDesc *desc = acl.aclmdlCreateDesc();
        CHECK(aclmdlGetDesc(desc, id_));
        for (size_t i = 0; i < acl.aclmdlGetNumInputs(desc); ++i)
            inputs_.add(acl.aclmdlGetInputSizeByIndex(desc, i));
        for (size_t i = 0; i < acl.aclmdlGetNumOutputs(desc); ++i)
            outputs_.add(acl.aclmdlGetOutputSizeByIndex(desc, i));
        acl.aclmdlDestroyDesc(desc);
    }

    Model(const Model &) = delete;
    Model &operator=(const Model &) = delete;

    ~Model() {
        acl.aclmdlUnload(id_);
        acl.aclrtDestroyStream(stream_);
    }

    void execute(long count) const {
        for (long i = 0; i < count; ++i) CHECK(aclmdlExecute(id_, inputs_.get(), outputs_.get()));
    }

    void execute_async(long count) const {
        for (long i = 0; i < count; ++i) {
            CHECK(aclmdlExecuteAsync(id_, inputs_.get(), outputs_.get(), stream_));
            CHECK(aclrtSynchronizeStream(stream_));
        }
    }

    void bind_context() const { CHECK(aclrtSetCurrentContext(context_)); }

  private:
    aclrtContext context_ = nullptr;
    aclrtStream stream_ = nullptr;
    uint32_t id_ = 0;
    Dataset inputs_, outputs_;
};

// One thread per model. The threads stay from turn to turn: a new one would first have to make
// itself known to the library and its engine.
class Crew {
  public:
    explicit Crew(std::vector<const Model *> models) {
        for (const Model *model : models) threads_.emplace_back([=] { work(*model); });
    }

    ~Crew() {
        begin(0);
        for (std::thread &thread : threads_) thread.join();
    }

    // Each thread executes its model `count` times, at least once.
    double run(long count) {
        return seconds([&] {
            begin(count);
            std::unique_lock lock(mutex_);
            moved_.wait(lock, [this] { return busy_ == 0; });
            if (failure_) std::rethrow_exception(failure_);
        });
    }

  private:
    void begin(long count) {
        {
            std::lock_guard lock(mutex_);
            count_ = count;
            busy_ = threads_.size();
            ++turn_;
        }
        moved_.notify_all();
    }

    void work(const Model &model) {
        for (long turn = 1;; ++turn) {
            long count = 0;
            {
                std::unique_lock lock(mutex_);
                moved_.wait(lock, [&] { return turn_ == turn; });
                count = count_;
            }
            if (count == 0) return;
            std::exception_ptr failure;
            try {
                model.bind_context();
                model.execute(count);
            } catch (...) {
                failure = std::current_exception();
            }
            std::lock_guard lock(mutex_);
            if (failure) failure_ = failure;
            if (--busy_ == 0) moved_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable moved_;
    long turn_ = 0;
    long count_ = 0;  // of this turn; 0 ends the threads
    size_t busy_ = 0;
    std::exception_ptr failure_;
    std::vector<std::thread> threads_;
};

// Passes a token to a waiting thread and back: what any asynchronous call costs at least, when the
// caller then waits for it.
class HandOver {
  public:
    HandOver() : worker_([this] { serve(); }) {}

    ~HandOver() {
        pass(Token::stop);
        worker_.join();
    }

    double run(long count) {
        return seconds([&] {
            for (long i = 0; i < count; ++i) {
                pass(Token::there);
                std::unique_lock lock(mutex_);
                moved_.wait(lock, [this] { return token_ == Token::here; });
            }
        });
    }

  private:
    enum class Token { here, there, stop };

    void pass(Token token) {
        {
            std::lock_guard lock(mutex_);
            token_ = token;
        }
        moved_.notify_one();
    }

    void serve() {
        for (;;) {
            {
                std::unique_lock lock(mutex_);
                moved_.wait(lock, [this] { return token_ != Token::here; });
                if (token_ == Token::stop) return;
            }
            pass(Token::here);
        }
    }

    std::mutex mutex_;
    std::condition_variable moved_;
    Token token_ = Token::here;
    std::thread worker_;  // last: it starts with everything above in place
};

double copy(uintptr_t destination, uintptr_t source, size_t size, long count) {
    return seconds([&] {
        for (long i = 0; i < count; ++i) {
            std::memcpy(reinterpret_cast<void *>(destination), reinterpret_cast<void *>(source),
                        size);
            asm volatile("" : : "r"(destination) : "memory");
        }
    });
}

}  // namespace

PYBIND11_MODULE(acl_direct, module) {
    using released = py::call_guard<py::gil_scoped_release>;
    module.def("open_library", &open_library, "Take the functions from this library.");
    module.def("copy", &copy, released(), "memcpy between two addresses, repeatedly.");
    py::class_<Crew>(module, "Crew", "One thread per model.")
        .def(py::init<std::vector<const Model *>>(), py::keep_alive<1, 2>())
        .def("run", &Crew::run, released(), "Each executes this many times; the seconds it took.");
    py::class_<HandOver>(module, "HandOver")
        .def(py::init<>())
        .def("run", &HandOver::run, released(), "There and back this many times.");
    py::class_<Model>(module, "Model")
        .def(py::init<const std::string &>())
        .def(
            "run", [](const Model &self, long n) { return seconds([&] { self.execute(n); }); },
            released(), "aclmdlExecute this many times; the seconds it took.")
        .def(
            "run_async",
            [](const Model &self, long n) { return seconds([&] { self.execute_async(n); }); },
            released(), "aclmdlExecuteAsync and synchronise, this many times.");
}
