#include "softnpu/model/openvino.hpp"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>

#include "softnpu/core/config.hpp"
#include "softnpu/core/device.hpp"

namespace softnpu::ov {
namespace {

namespace fs = std::filesystem;

constexpr const char *kLibrary = "libopenvino_c.so";
constexpr size_t kLongestText = 2000;

// The folder that holds libsoftnpu.so itself.
fs::path own_folder() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<void *>(&own_folder), &info) == 0 || info.dli_fname == nullptr)
        return {};
    std::error_code ignored;
    const fs::path path = fs::absolute(info.dli_fname, ignored);
    return path.parent_path();
}

// The wheel ships only the versioned name (libopenvino_c.so.2641), distributions both.
fs::path library_in(const fs::path &folder) {
    std::error_code error;
    if (fs::exists(folder / kLibrary, error)) return folder / kLibrary;
    fs::path newest;
    for (const auto &entry : fs::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        if (name.rfind(std::string(kLibrary) + ".", 0) == 0 && entry.path() > newest)
            newest = entry.path();
    }
    return newest;
}

void *open_in(const fs::path &folder, std::string &tried) {
    const fs::path file = library_in(folder);
    if (file.empty()) {
        tried += "\n  " + folder.string() + ": no " + kLibrary + "* in it";
        return nullptr;
    }
    void *handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) tried += "\n  " + std::string(dlerror());
    return handle;
}

// Opens the library; appends one line per failed attempt to `tried`. A folder that was chosen is
// the only one looked at: another version than the one asked for must not slip in.
void *open_library(std::string &tried) {
    if (const char *chosen = std::getenv("SOFTNPU_OPENVINO"); chosen != nullptr && *chosen != 0)
        return open_in(chosen, tried);
    if (const fs::path own = own_folder(); !own.empty())
        if (void *handle = open_in((own / "../../../openvino/libs").lexically_normal(), tried))
            return handle;
    if (void *handle = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL)) return handle;
    tried += "\n  " + std::string(dlerror());
    return nullptr;
}

// Element types are numbers that moved between OpenVINO releases: an older library would take one
// for another without a complaint, so ask it for the size of each that we pass.
void check_element_types(const Api &api) {
    constexpr struct {
        Element element;
        size_t bytes;
    } kSizes[] = {{Element::boolean, 1}, {Element::bf16, 2}, {Element::f16, 2}, {Element::f32, 4},
                  {Element::f64, 8},     {Element::i8, 1},   {Element::i16, 2}, {Element::i32, 4},
                  {Element::i64, 8},     {Element::u8, 1},   {Element::u16, 2}, {Element::u32, 4},
                  {Element::u64, 8}};
    for (const auto &row : kSizes) {
        int64_t one = 1;
        Tensor *tensor = nullptr;
        size_t bytes = 0;
        const bool made = api.tensor_create(row.element, Shape{1, &one}, &tensor) == kOk;
        if (made) api.tensor_get_byte_size(tensor, &bytes);
        if (made) api.tensor_free(tensor);
        if (bytes == row.bytes) continue;
        Version version{};
        std::string text = "unknown";
        if (api.get_openvino_version(&version) == kOk) text = version.build;
        api.version_free(&version);
        throw Missing("OpenVINO " + text +
                      " numbers its element types differently from the releases softnpu knows "
                      "(2025 and later); install the openvino package that acl_fast asks for");
    }
}

struct Library {
    Api api;
    Core *core = nullptr;

    Library() {
        std::string tried;
        void *handle = open_library(tried);
        if (handle == nullptr)
            throw Missing("softnpu runs models with OpenVINO, which was not found. Tried:" + tried +
                          "\n`pip install openvino`, or set SOFTNPU_OPENVINO to the folder that "
                          "holds libopenvino_c.so");
#define SOFTNPU_OPENVINO_LOAD(name, result, parameters)                            \
    api.name = reinterpret_cast<result(*) parameters>(dlsym(handle, "ov_" #name)); \
    if (api.name == nullptr)                                                       \
        throw Missing("the OpenVINO library lacks ov_" #name                       \
                      " (too old?); install the openvino "                         \
                      "package that acl_fast asks for");
        SOFTNPU_OPENVINO_FUNCTIONS(SOFTNPU_OPENVINO_LOAD)
#undef SOFTNPU_OPENVINO_LOAD
        check_element_types(api);
        const Status status = api.core_create(&core);
        if (status != kOk)
            throw Missing(std::string("OpenVINO could not start: ") + api.get_last_err_msg());
        // Registered after the library's own exit handlers, so tasks end before its objects do.
        quiesce_at_exit();
    }
};

// Never destroyed: it must outlive every static destructor. A failed attempt is retried by the next
// caller, who may have set SOFTNPU_OPENVINO meanwhile.
std::atomic<const Library *> g_library{nullptr};

const Library &library() {
    if (const Library *known = g_library.load(std::memory_order_acquire)) return *known;
    static std::mutex opening;
    const std::lock_guard lock(opening);
    if (g_library.load(std::memory_order_relaxed) == nullptr)
        g_library.store(new Library(), std::memory_order_release);
    return *g_library.load(std::memory_order_relaxed);
}

// A port without any name is legal in OpenVINO IR; then the result is empty.
std::string name_of(const Port *port) {
    std::string text;
    char *name = nullptr;
    if (api().port_get_any_name(port, &name) == kOk) text = name;
    api().free(name);
    return text;
}

PortInfo describe(const Port *port) {
    PortInfo info;
    info.name = name_of(port);
    check(api().port_get_element_type(port, &info.element), "reading an element type");
    PartialShape shape{};
    check(api().port_get_partial_shape(port, &shape), "reading a shape");
    info.has_rank = shape.rank.min == shape.rank.max;
    if (info.has_rank) info.dims.assign(shape.dims, shape.dims + shape.rank.min);
    api().partial_shape_free(&shape);
    return info;
}

}  // namespace

const Api &api() {
    return library().api;
}
const Core *core() {
    return library().core;
}

std::string last_error(Status status) {
    const char *message = api().get_last_err_msg();  // a copy that is ours; the other is static
    const std::unique_ptr<const char, decltype(api().free)> owner(message, api().free);
    const bool is_given = message != nullptr && *message != 0;
    const char *detail = is_given ? message : api().get_error_info(status);
    std::string text;
    for (const char *at = detail; *at != 0 && text.size() < kLongestText; ++at) {
        const auto byte = static_cast<unsigned char>(*at);
        const bool is_plain = byte >= 0x20 && byte < 0x7f;
        if (is_plain || (byte == '\n' && !text.empty() && text.back() != '\n')) {
            text += *at;
        } else if (byte != '\n') {
            text += '?';
        }
    }
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

void raise(Status status, const char *what) {
    throw Error(std::string("OpenVINO failed while ") + what + ": " + last_error(status));
}

std::string version() {
    Version version{};
    check(api().get_openvino_version(&version), "asking for its version");
    const std::string text = version.build;
    api().version_free(&version);
    return text;
}

Owner<Compiled> compile(const Network *network, const char *what) {
    const std::string threads = std::to_string(config().threads);
    Compiled *compiled = nullptr;
    // Without pinning: with it, every execution binds the calling thread to a core and lets it go
    // again, which takes longer than a small network and moves the program's own threads about.
    check(api().core_compile_model(core(), network, "CPU", 10, &compiled, "PERFORMANCE_HINT",
                                   "LATENCY", "NUM_STREAMS", "1", "INFERENCE_NUM_THREADS",
                                   threads.c_str(), "INFERENCE_PRECISION_HINT", "f32",
                                   "ENABLE_CPU_PINNING", "NO"),
          what);
    return Owner<Compiled>(compiled);
}

std::vector<PortInfo> inputs(const Network *network) {
    size_t count = 0;
    check(api().model_inputs_size(network, &count), "counting inputs");
    std::vector<PortInfo> ports;
    for (size_t i = 0; i < count; ++i) {
        Port *port = nullptr;
        check(api().model_const_input_by_index(network, i, &port), "reading an input");
        ports.push_back(describe(Owner<Port>(port).get()));
    }
    return ports;
}

std::vector<PortInfo> outputs(const Network *network) {
    size_t count = 0;
    check(api().model_outputs_size(network, &count), "counting outputs");
    std::vector<PortInfo> ports;
    for (size_t i = 0; i < count; ++i) {
        Port *port = nullptr;
        check(api().model_const_output_by_index(network, i, &port), "reading an output");
        ports.push_back(describe(Owner<Port>(port).get()));
    }
    return ports;
}

std::vector<Source> sources(const Compiled *compiled) {
    // A name belongs to one tensor, and the ports of a tensor have the same names.
    std::map<std::string, Source> known;
    size_t count = 0;
    check(api().compiled_model_inputs_size(compiled, &count), "counting inputs");
    for (size_t i = 0; i < count; ++i) {
        Port *port = nullptr;
        check(api().compiled_model_input_by_index(compiled, i, &port), "reading an input");
        known.emplace(name_of(Owner<Port>(port).get()), Source{Source::Kind::input, i});
    }
    check(api().compiled_model_outputs_size(compiled, &count), "counting outputs");
    std::vector<Source> found(count);
    for (size_t i = 0; i < count; ++i) {
        Port *port = nullptr;
        check(api().compiled_model_output_by_index(compiled, i, &port), "reading an output");
        const std::string name = name_of(Owner<Port>(port).get());
        if (name.empty()) continue;
        const auto [at, is_new] = known.emplace(name, Source{Source::Kind::output, i});
        if (!is_new) found[i] = at->second;
    }
    return found;
}

Owner<Tensor> wrap(Element element, const int64_t *dims, size_t rank, void *memory) {
    Tensor *tensor = nullptr;
    const Shape shape{static_cast<int64_t>(rank), const_cast<int64_t *>(dims)};
    check(api().tensor_create_from_host_ptr(element, shape, memory, &tensor), "binding memory");
    return Owner<Tensor>(tensor);
}

std::vector<int64_t> shape_of(const Tensor *tensor) {
    Shape shape{};
    check(api().tensor_get_shape(tensor, &shape), "reading a tensor's shape");
    std::vector<int64_t> dims(shape.dims, shape.dims + shape.rank);
    check(api().shape_free(&shape), "freeing a shape");
    return dims;
}

void *data_of(const Tensor *tensor) {
    void *data = nullptr;
    check(api().tensor_data(tensor, &data), "reading a tensor's address");
    return data;
}

size_t bytes_of(const Tensor *tensor) {
    size_t bytes = 0;
    check(api().tensor_get_byte_size(tensor, &bytes), "reading a tensor's size");
    return bytes;
}

}  // namespace softnpu::ov
