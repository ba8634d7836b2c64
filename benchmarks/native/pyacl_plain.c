/* The counterpart of acl_fast.pyacl: what one would write by hand for each function, parsing the
 * arguments with PyArg_ParseTuple and releasing the GIL around a call through a pointer from dlsym.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dlfcn.h>
#include <stdint.h>

#include "acl/acl.h"

// clang-format off: one function a line
#define EACH(X)               \
    X(aclmdlExecuteAsync)     \
    X(aclrtMemcpyAsync)       \
    X(aclGetDataBufferAddr)   \
    X(aclGetDataBufferSizeV2) \
    X(aclCreateDataBuffer)    \
    X(aclmdlCreateDataset)    \
    X(aclrtSynchronizeStream) \
    X(aclrtSetCurrentContext)
// clang-format on

#define DECLARE(name) static __typeof__(&name) name##_pointer;
EACH(DECLARE)

static PyObject *open_library(PyObject *module, PyObject *args) {
    const char *path;
    (void)module;
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return PyErr_Format(PyExc_OSError, "%s", dlerror());
#define LOAD(name) name##_pointer = (__typeof__(&name))dlsym(library, #name);
    EACH(LOAD)
    Py_RETURN_NONE;
}

typedef unsigned long long number;
#define POINTER(type, value) ((type)(uintptr_t)(value))

static PyObject *execute_async(PyObject *module, PyObject *args) {
    unsigned int model;
    number input, output, stream;
    aclError rc;
    (void)module;
    if (!PyArg_ParseTuple(args, "IKKK", &model, &input, &output, &stream)) return NULL;
    Py_BEGIN_ALLOW_THREADS rc =
        aclmdlExecuteAsync_pointer(model, POINTER(const aclmdlDataset *, input),
                                   POINTER(aclmdlDataset *, output), POINTER(aclrtStream, stream));
    Py_END_ALLOW_THREADS return PyLong_FromLong(rc);
}

static PyObject *memcpy_async(PyObject *module, PyObject *args) {
    number dst, dest_max, src, count, stream;
    int kind;
    aclError rc;
    (void)module;
    if (!PyArg_ParseTuple(args, "KKKKiK", &dst, &dest_max, &src, &count, &kind, &stream)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS rc =
        aclrtMemcpyAsync_pointer(POINTER(void *, dst), dest_max, POINTER(const void *, src), count,
                                 (aclrtMemcpyKind)kind, POINTER(aclrtStream, stream));
    Py_END_ALLOW_THREADS return PyLong_FromLong(rc);
}

static PyObject *get_data_buffer_addr(PyObject *module, PyObject *args) {
    number buffer;
    void *address;
    (void)module;
    if (!PyArg_ParseTuple(args, "K", &buffer)) return NULL;
    Py_BEGIN_ALLOW_THREADS address =
        aclGetDataBufferAddr_pointer(POINTER(const aclDataBuffer *, buffer));
    Py_END_ALLOW_THREADS return PyLong_FromUnsignedLongLong((uintptr_t)address);
}

static PyObject *get_data_buffer_size_v2(PyObject *module, PyObject *args) {
    number buffer;
    size_t size;
    (void)module;
    if (!PyArg_ParseTuple(args, "K", &buffer)) return NULL;
    Py_BEGIN_ALLOW_THREADS size =
        aclGetDataBufferSizeV2_pointer(POINTER(const aclDataBuffer *, buffer));
    Py_END_ALLOW_THREADS return PyLong_FromSize_t(size);
}

static PyObject *create_data_buffer(PyObject *module, PyObject *args) {
    number data, size;
    void *buffer;
    (void)module;
    if (!PyArg_ParseTuple(args, "KK", &data, &size)) return NULL;
    Py_BEGIN_ALLOW_THREADS buffer = aclCreateDataBuffer_pointer(POINTER(void *, data), size);
    Py_END_ALLOW_THREADS return PyLong_FromUnsignedLongLong((uintptr_t)buffer);
}

static PyObject *create_dataset(PyObject *module, PyObject *args) {
    void *dataset;
    (void)module;
    if (!PyArg_ParseTuple(args, "")) return NULL;
    Py_BEGIN_ALLOW_THREADS dataset = aclmdlCreateDataset_pointer();
    Py_END_ALLOW_THREADS return PyLong_FromUnsignedLongLong((uintptr_t)dataset);
}

#define ONE_HANDLE(python, c_name, type)                                     \
    static PyObject *python(PyObject *module, PyObject *args) {              \
        number handle;                                                       \
        aclError rc;                                                         \
        (void)module;                                                        \
        if (!PyArg_ParseTuple(args, "K", &handle)) return NULL;              \
        Py_BEGIN_ALLOW_THREADS rc = c_name##_pointer(POINTER(type, handle)); \
        Py_END_ALLOW_THREADS return PyLong_FromLong(rc);                     \
    }
ONE_HANDLE(synchronize_stream, aclrtSynchronizeStream, aclrtStream)
ONE_HANDLE(set_context, aclrtSetCurrentContext, aclrtContext)

#define METHOD(name) {#name, name, METH_VARARGS, NULL}
static PyMethodDef methods[] = {
    METHOD(open_library),       METHOD(execute_async),           METHOD(memcpy_async),
    METHOD(create_dataset),     METHOD(get_data_buffer_size_v2), METHOD(create_data_buffer),
    METHOD(synchronize_stream), METHOD(get_data_buffer_addr),    METHOD(set_context),
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pyacl_plain",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_pyacl_plain(void) {
    return PyModule_Create(&definition);
}
