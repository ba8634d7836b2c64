/* The counterpart: what one would write by hand, a C extension function that parses four integers,
 * releases the GIL and calls aclmdlExecuteAsync through a pointer from dlsym. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "launch.h"

static execute_async_t execute_async_pointer;

static PyObject *open_library(PyObject *module, PyObject *args) {
    const char *path;
    (void)module;
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return PyErr_Format(PyExc_OSError, "%s", dlerror());
    execute_async_pointer = (execute_async_t)dlsym(library, "aclmdlExecuteAsync");
    if (execute_async_pointer == NULL) return PyErr_Format(PyExc_OSError, "%s", dlerror());
    Py_RETURN_NONE;
}

static PyObject *execute_async(PyObject *module, PyObject *args) {
    unsigned int model;
    unsigned long long input, output, stream;
    aclError rc;
    (void)module;
    if (!PyArg_ParseTuple(args, "IKKK", &model, &input, &output, &stream)) return NULL;
    Py_BEGIN_ALLOW_THREADS rc =
        execute_async_pointer(model, (const aclmdlDataset *)(uintptr_t)input,
                              (aclmdlDataset *)(uintptr_t)output, (aclrtStream)(uintptr_t)stream);
    Py_END_ALLOW_THREADS return PyLong_FromLong(rc);
}

static PyMethodDef methods[] = {
    {"open_library", open_library, METH_VARARGS, "Take aclmdlExecuteAsync from this library."},
    {"execute_async", execute_async, METH_VARARGS, "Call it with model, input, output, stream."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "execute_async",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_execute_async(void) {
    return PyModule_Create(&definition);
}
