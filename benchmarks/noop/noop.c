/* The no-op ABI library: an AscendCL whose every call is a cheap success.
 *
 * What a binding costs shows only when the call behind it costs nothing. The few functions whose
 * results a program looks at are written here: one device, one model with a single float[8] input
 * and output, memory from aligned_alloc, queues on which everything is complete at once.
 * build.py adds a `return 0` for every other function of api/functions.toml. */

#include <stdlib.h>
#include <string.h>

#include "acl/acl.h"

#pragma GCC visibility push(default)

enum { ELEMENTS = 8, ALIGNMENT = 128, MAX_BUFFERS = 4 };

struct aclDataBuffer {
    void *data;
    size_t size;
};

struct aclmdlDataset {
    size_t count;
    aclDataBuffer *buffers[MAX_BUFFERS];
};

static aclrtContext current_context;

/* A fresh address that nothing looks into: what a handle is to its user. */
static void *new_handle(void) {
    return malloc(1);
}

static aclError allocate(void **pointer, size_t size) {
    size_t padded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    *pointer = aligned_alloc(ALIGNMENT, padded);
    return *pointer != NULL ? ACL_SUCCESS : ACL_ERROR_RT_MEMORY_ALLOCATION;
}

static aclError release(void *pointer) {
    free(pointer);
    return ACL_SUCCESS;
}

/* Device and context */

aclError aclrtGetDeviceCount(uint32_t *count) {
    *count = 1;
    return ACL_SUCCESS;
}

aclError aclrtGetRunMode(aclrtRunMode *mode) {
    *mode = ACL_DEVICE;
    return ACL_SUCCESS;
}

const char *aclrtGetSocName(void) {
    return "NoOp";
}

aclError aclrtGetVersion(int32_t *major, int32_t *minor, int32_t *patch) {
    *major = 1;
    *minor = 14;
    *patch = 0;
    return ACL_SUCCESS;
}

aclError aclrtGetDevice(int32_t *device) {
    *device = 0;
    return ACL_SUCCESS;
}

aclError aclrtGetMemInfo(aclrtMemAttr attribute, size_t *free_bytes, size_t *total) {
    (void)attribute;
    *free_bytes = *total = (size_t)1 << 33;
    return ACL_SUCCESS;
}

aclError aclrtSetDevice(int32_t device) {
    static char primary;
    (void)device;
    current_context = &primary;
    return ACL_SUCCESS;
}

aclError aclrtCreateContext(aclrtContext *context, int32_t device) {
    (void)device;
    *context = current_context = new_handle();
    return ACL_SUCCESS;
}

aclError aclrtDestroyContext(aclrtContext context) {
    return release(context);
}

aclError aclrtSetCurrentContext(aclrtContext context) {
    current_context = context;
    return ACL_SUCCESS;
}

aclError aclrtGetCurrentContext(aclrtContext *context) {
    *context = current_context;
    return ACL_SUCCESS;
}

/* Streams and events: everything submitted is complete */

aclError aclrtCreateStream(aclrtStream *stream) {
    *stream = new_handle();
    return ACL_SUCCESS;
}

aclError aclrtCreateStreamWithConfig(aclrtStream *stream, uint32_t priority, uint32_t flag) {
    (void)priority, (void)flag;
    return aclrtCreateStream(stream);
}

aclError aclrtDestroyStream(aclrtStream stream) {
    return release(stream);
}

aclError aclrtDestroyStreamForce(aclrtStream stream) {
    return release(stream);
}

aclError aclrtStreamQuery(aclrtStream stream, aclrtStreamStatus *status) {
    (void)stream;
    *status = ACL_STREAM_STATUS_COMPLETE;
    return ACL_SUCCESS;
}

aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout) {
    (void)stream, (void)timeout;
    return ACL_SUCCESS;
}

aclError aclrtCreateEvent(aclrtEvent *event) {
    *event = new_handle();
    return ACL_SUCCESS;
}

aclError aclrtCreateEventWithFlag(aclrtEvent *event, uint32_t flag) {
    (void)flag;
    return aclrtCreateEvent(event);
}

aclError aclrtCreateEventExWithFlag(aclrtEvent *event, uint32_t flag) {
    (void)flag;
    return aclrtCreateEvent(event);
}

aclError aclrtDestroyEvent(aclrtEvent event) {
    return release(event);
}

aclError aclrtQueryEvent(aclrtEvent event, aclrtEventStatus *status) {
    (void)event;
    *status = ACL_EVENT_STATUS_COMPLETE;
    return ACL_SUCCESS;
}

aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus *status) {
    (void)event;
    *status = ACL_EVENT_RECORDED_STATUS_COMPLETE;
    return ACL_SUCCESS;
}

/* Memory */

aclError aclrtMalloc(void **pointer, size_t size, aclrtMemMallocPolicy policy) {
    (void)policy;
    return allocate(pointer, size);
}

aclError aclrtMallocAlign32(void **pointer, size_t size, aclrtMemMallocPolicy policy) {
    (void)policy;
    return allocate(pointer, size);
}

aclError aclrtMallocCached(void **pointer, size_t size, aclrtMemMallocPolicy policy) {
    (void)policy;
    return allocate(pointer, size);
}

aclError aclrtMallocHost(void **pointer, size_t size) {
    return allocate(pointer, size);
}

aclError aclrtFree(void *pointer) {
    return release(pointer);
}

aclError aclrtFreeHost(void *pointer) {
    return release(pointer);
}

aclError aclrtMemcpy(void *destination, size_t capacity, const void *source, size_t count,
                     aclrtMemcpyKind kind) {
    (void)capacity, (void)kind;
    memcpy(destination, source, count);
    return ACL_SUCCESS;
}

aclError aclrtMemcpyAsync(void *destination, size_t capacity, const void *source, size_t count,
                          aclrtMemcpyKind kind, aclrtStream stream) {
    (void)stream;
    return aclrtMemcpy(destination, capacity, source, count, kind);
}

/* Data buffers and datasets */

aclDataBuffer *aclCreateDataBuffer(void *data, size_t size) {
    aclDataBuffer *buffer = malloc(sizeof *buffer);
    if (buffer != NULL) *buffer = (aclDataBuffer){data, size};
    return buffer;
}

aclError aclDestroyDataBuffer(const aclDataBuffer *buffer) {
    return release((void *)buffer);
}

aclError aclUpdateDataBuffer(aclDataBuffer *buffer, void *data, size_t size) {
    *buffer = (aclDataBuffer){data, size};
    return ACL_SUCCESS;
}

void *aclGetDataBufferAddr(const aclDataBuffer *buffer) {
    return buffer->data;
}

uint32_t aclGetDataBufferSize(const aclDataBuffer *buffer) {
    return (uint32_t)buffer->size;
}

size_t aclGetDataBufferSizeV2(const aclDataBuffer *buffer) {
    return buffer->size;
}

aclmdlDataset *aclmdlCreateDataset(void) {
    return calloc(1, sizeof(aclmdlDataset));
}

aclError aclmdlDestroyDataset(const aclmdlDataset *dataset) {
    return release((void *)dataset);
}

aclError aclmdlAddDatasetBuffer(aclmdlDataset *dataset, aclDataBuffer *buffer) {
    if (dataset->count == MAX_BUFFERS) return ACL_ERROR_INVALID_PARAM;
    dataset->buffers[dataset->count++] = buffer;
    return ACL_SUCCESS;
}

size_t aclmdlGetDatasetNumBuffers(const aclmdlDataset *dataset) {
    return dataset->count;
}

aclDataBuffer *aclmdlGetDatasetBuffer(const aclmdlDataset *dataset, size_t index) {
    return index < dataset->count ? dataset->buffers[index] : NULL;
}

/* The model: float y[8] = f(float x[8]) */

static aclError loaded(uint32_t *model) {
    static uint32_t last;
    *model = ++last;
    return ACL_SUCCESS;
}

aclError aclmdlLoadFromFile(const char *path, uint32_t *model) {
    (void)path;
    return loaded(model);
}

aclError aclmdlLoadFromMem(const void *data, size_t size, uint32_t *model) {
    (void)data, (void)size;
    return loaded(model);
}

aclError aclmdlLoadFromFileWithMem(const char *path, uint32_t *model, void *work, size_t work_size,
                                   void *weights, size_t weights_size) {
    (void)path, (void)work, (void)work_size, (void)weights, (void)weights_size;
    return loaded(model);
}

aclError aclmdlLoadFromMemWithMem(const void *data, size_t size, uint32_t *model, void *work,
                                  size_t work_size, void *weights, size_t weights_size) {
    (void)data, (void)size, (void)work, (void)work_size, (void)weights, (void)weights_size;
    return loaded(model);
}

aclmdlConfigHandle *aclmdlCreateConfigHandle(void) {
    return new_handle();
}

aclError aclmdlDestroyConfigHandle(aclmdlConfigHandle *handle) {
    return release(handle);
}

aclError aclmdlLoadWithConfig(const aclmdlConfigHandle *handle, uint32_t *model) {
    (void)handle;
    return loaded(model);
}

static aclError query(size_t *work_size, size_t *weights_size) {
    *work_size = *weights_size = ALIGNMENT;
    return ACL_SUCCESS;
}

aclError aclmdlQuerySize(const char *path, size_t *work_size, size_t *weights_size) {
    (void)path;
    return query(work_size, weights_size);
}

aclError aclmdlQuerySizeFromMem(const void *data, size_t size, size_t *work_size,
                                size_t *weights_size) {
    (void)data, (void)size;
    return query(work_size, weights_size);
}

aclmdlDesc *aclmdlCreateDesc(void) {
    return new_handle();
}

aclError aclmdlDestroyDesc(aclmdlDesc *desc) {
    return release(desc);
}

size_t aclmdlGetNumInputs(aclmdlDesc *desc) {
    (void)desc;
    return 1;
}

size_t aclmdlGetNumOutputs(aclmdlDesc *desc) {
    (void)desc;
    return 1;
}

size_t aclmdlGetInputSizeByIndex(aclmdlDesc *desc, size_t index) {
    (void)desc, (void)index;
    return ELEMENTS * sizeof(float);
}

size_t aclmdlGetOutputSizeByIndex(aclmdlDesc *desc, size_t index) {
    return aclmdlGetInputSizeByIndex(desc, index);
}

static aclError describe(const char *name, aclmdlIODims *dims) {
    memset(dims, 0, sizeof *dims);
    strcpy(dims->name, name);
    dims->dimCount = 2;
    dims->dims[0] = 1;
    dims->dims[1] = ELEMENTS;
    return ACL_SUCCESS;
}

aclError aclmdlGetInputDims(const aclmdlDesc *desc, size_t index, aclmdlIODims *dims) {
    (void)desc, (void)index;
    return describe("x", dims);
}

aclError aclmdlGetInputDimsV2(const aclmdlDesc *desc, size_t index, aclmdlIODims *dims) {
    return aclmdlGetInputDims(desc, index, dims);
}

aclError aclmdlGetOutputDims(const aclmdlDesc *desc, size_t index, aclmdlIODims *dims) {
    (void)desc, (void)index;
    return describe("y", dims);
}

aclError aclmdlGetCurOutputDims(const aclmdlDesc *desc, size_t index, aclmdlIODims *dims) {
    return aclmdlGetOutputDims(desc, index, dims);
}

const char *aclmdlGetInputNameByIndex(const aclmdlDesc *desc, size_t index) {
    (void)desc, (void)index;
    return "x";
}

const char *aclmdlGetOutputNameByIndex(const aclmdlDesc *desc, size_t index) {
    (void)desc, (void)index;
    return "y";
}

const char *aclmdlGetTensorRealName(const aclmdlDesc *desc, const char *name) {
    (void)desc;
    return name;
}

/* No gear input: the name is looked up in every model, and only dynamic ones have it. */
aclError aclmdlGetInputIndexByName(const aclmdlDesc *desc, const char *name, size_t *index) {
    (void)desc;
    if (strcmp(name, "x") != 0) return ACL_ERROR_INVALID_PARAM;
    *index = 0;
    return ACL_SUCCESS;
}

aclFormat aclmdlGetInputFormat(const aclmdlDesc *desc, size_t index) {
    (void)desc, (void)index;
    return ACL_FORMAT_ND;
}

aclFormat aclmdlGetOutputFormat(const aclmdlDesc *desc, size_t index) {
    (void)desc, (void)index;
    return ACL_FORMAT_ND;
}

aclDataType aclmdlGetInputDataType(const aclmdlDesc *desc, size_t index) {
    (void)desc, (void)index;
    return ACL_FLOAT;
}

aclDataType aclmdlGetOutputDataType(const aclmdlDesc *desc, size_t index) {
    (void)desc, (void)index;
    return ACL_FLOAT;
}

aclError aclmdlGetDynamicBatch(const aclmdlDesc *desc, aclmdlBatch *batch) {
    (void)desc;
    memset(batch, 0, sizeof *batch);
    return ACL_SUCCESS;
}

aclError aclmdlGetDynamicHW(const aclmdlDesc *desc, size_t index, aclmdlHW *gears) {
    (void)desc, (void)index;
    memset(gears, 0, sizeof *gears);
    return ACL_SUCCESS;
}

aclError aclmdlGetInputDynamicGearCount(const aclmdlDesc *desc, size_t index, size_t *count) {
    (void)desc, (void)index;
    *count = 0;
    return ACL_SUCCESS;
}
