/* Runs a model once on files, the way a first AscendCL program is written: initialise, choose a
 * device, make a context and a stream, load, fill a dataset, execute, take the results, and give
 * everything back in the opposite order.
 *
 *     run_model MODEL OUTPUT_PREFIX INPUT...
 *
 * Input i is read from the i-th INPUT; output i is written to OUTPUT_PREFIX<i>.bin. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl/acl.h"

#define INFO_LOG(...) (printf("[INFO] "), printf(__VA_ARGS__), printf("\n"))
#define ERROR_LOG(...) \
    (fprintf(stderr, "[ERROR] "), fprintf(stderr, __VA_ARGS__), fprintf(stderr, "\n"))

/* Leaves the function with FAILURE, naming the call, its code and the library's own words. */
#define CHECK_ACL(call)                                                                  \
    do {                                                                                 \
        aclError code_ = (call);                                                         \
        if (code_ != ACL_SUCCESS) {                                                      \
            const char *text_ = aclGetRecentErrMsg();                                    \
            ERROR_LOG("%s failed, error %d: %s", #call, (int)code_, text_ ? text_ : ""); \
            return FAILURE;                                                              \
        }                                                                                \
    } while (0)

typedef enum { SUCCESS = 0, FAILURE = 1 } Result;

typedef struct {
    int32_t device;
    aclrtContext context;
    aclrtStream stream;
    aclrtRunMode runMode;
    uint32_t modelId;
    int loaded;
    aclmdlDesc *desc;
    aclmdlDataset *input;
    aclmdlDataset *output;
} App;

static Result InitResource(App *app) {
    CHECK_ACL(aclInit(NULL));
    CHECK_ACL(aclrtSetDevice(app->device));
    CHECK_ACL(aclrtCreateContext(&app->context, app->device));
    CHECK_ACL(aclrtCreateStream(&app->stream));
    CHECK_ACL(aclrtGetRunMode(&app->runMode));
    INFO_LOG("run mode: %s", app->runMode == ACL_HOST ? "host" : "device");
    return SUCCESS;
}

static Result LoadModel(App *app, const char *path) {
    CHECK_ACL(aclmdlLoadFromFile(path, &app->modelId));
    app->loaded = 1;
    app->desc = aclmdlCreateDesc();
    if (app->desc == NULL) {
        ERROR_LOG("no model description");
        return FAILURE;
    }
    CHECK_ACL(aclmdlGetDesc(app->desc, app->modelId));
    return SUCCESS;
}

static Result AddBuffer(aclmdlDataset *dataset, size_t size) {
    void *memory = NULL;
    CHECK_ACL(aclrtMalloc(&memory, size, ACL_MEM_MALLOC_HUGE_FIRST));
    aclDataBuffer *buffer = aclCreateDataBuffer(memory, size);
    if (buffer == NULL || aclmdlAddDatasetBuffer(dataset, buffer) != ACL_SUCCESS) {
        ERROR_LOG("cannot add a buffer of %zu bytes", size);
        (void)aclrtFree(memory);
        if (buffer != NULL) {
            (void)aclDestroyDataBuffer(buffer);
        }
        return FAILURE;
    }
    return SUCCESS;
}

static Result CreateDatasets(App *app) {
    app->input = aclmdlCreateDataset();
    app->output = aclmdlCreateDataset();
    if (app->input == NULL || app->output == NULL) {
        ERROR_LOG("no dataset");
        return FAILURE;
    }
    for (size_t i = 0; i < aclmdlGetNumInputs(app->desc); ++i) {
        if (AddBuffer(app->input, aclmdlGetInputSizeByIndex(app->desc, i)) != SUCCESS) {
            return FAILURE;
        }
    }
    for (size_t i = 0; i < aclmdlGetNumOutputs(app->desc); ++i) {
        if (AddBuffer(app->output, aclmdlGetOutputSizeByIndex(app->desc, i)) != SUCCESS) {
            return FAILURE;
        }
    }
    return SUCCESS;
}

static Result ReadInput(App *app, size_t index, const char *path) {
    aclDataBuffer *buffer = aclmdlGetDatasetBuffer(app->input, index);
    size_t size = aclGetDataBufferSizeV2(buffer);
    void *device = aclGetDataBufferAddr(buffer);
    void *host = device;
    /* On a card the device's memory is out of the host's reach: read into host memory, then copy.
     */
    if (app->runMode == ACL_HOST) {
        CHECK_ACL(aclrtMallocHost(&host, size));
    }
    FILE *file = fopen(path, "rb");
    size_t got = file != NULL ? fread(host, 1, size, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    Result result = got == size ? SUCCESS : FAILURE;
    if (result != SUCCESS) {
        ERROR_LOG("%s: input %zu needs %zu bytes, got %zu", path, index, size, got);
    }
    if (app->runMode == ACL_HOST) {
        if (result == SUCCESS) {
            CHECK_ACL(aclrtMemcpy(device, size, host, size, ACL_MEMCPY_HOST_TO_DEVICE));
        }
        CHECK_ACL(aclrtFreeHost(host));
    }
    return result;
}

static Result WriteOutput(App *app, size_t index, const char *prefix) {
    aclDataBuffer *buffer = aclmdlGetDatasetBuffer(app->output, index);
    size_t size = aclGetDataBufferSizeV2(buffer);
    void *device = aclGetDataBufferAddr(buffer);
    void *host = device;
    if (app->runMode == ACL_HOST) {
        CHECK_ACL(aclrtMallocHost(&host, size));
        CHECK_ACL(aclrtMemcpy(host, size, device, size, ACL_MEMCPY_DEVICE_TO_HOST));
    }
    char path[4096];
    snprintf(path, sizeof(path), "%s%zu.bin", prefix, index);
    FILE *file = fopen(path, "wb");
    size_t put = file != NULL ? fwrite(host, 1, size, file) : 0;
    Result result = file != NULL && fclose(file) == 0 && put == size ? SUCCESS : FAILURE;
    if (result != SUCCESS) {
        ERROR_LOG("cannot write %s", path);
    }
    if (app->runMode == ACL_HOST) {
        CHECK_ACL(aclrtFreeHost(host));
    }
    return result;
}

static Result ShowOutput(const App *app, size_t index) {
    aclmdlIODims dims;
    CHECK_ACL(aclmdlGetOutputDims(app->desc, index, &dims));
    printf("[INFO] output %zu %s:", index, aclmdlGetOutputNameByIndex(app->desc, index));
    for (size_t i = 0; i < dims.dimCount; ++i) {
        printf(" %lld", (long long)dims.dims[i]);
    }
    printf(", type %d, format %d\n", (int)aclmdlGetOutputDataType(app->desc, index),
           (int)aclmdlGetOutputFormat(app->desc, index));
    return SUCCESS;
}

static Result Execute(App *app, const char *prefix, int count, char **paths) {
    if (aclmdlGetNumInputs(app->desc) != (size_t)count) {
        ERROR_LOG("the model has %zu inputs, %d files are given", aclmdlGetNumInputs(app->desc),
                  count);
        return FAILURE;
    }
    for (int i = 0; i < count; ++i) {
        if (ReadInput(app, (size_t)i, paths[i]) != SUCCESS) {
            return FAILURE;
        }
    }
    CHECK_ACL(aclmdlExecute(app->modelId, app->input, app->output));
    for (size_t i = 0; i < aclmdlGetNumOutputs(app->desc); ++i) {
        if (ShowOutput(app, i) != SUCCESS || WriteOutput(app, i, prefix) != SUCCESS) {
            return FAILURE;
        }
    }
    return SUCCESS;
}

static void DestroyDataset(aclmdlDataset *dataset) {
    if (dataset == NULL) {
        return;
    }
    for (size_t i = 0; i < aclmdlGetDatasetNumBuffers(dataset); ++i) {
        aclDataBuffer *buffer = aclmdlGetDatasetBuffer(dataset, i);
        (void)aclrtFree(aclGetDataBufferAddr(buffer));
        (void)aclDestroyDataBuffer(buffer);
    }
    (void)aclmdlDestroyDataset(dataset);
}

static Result Destroy(App *app) {
    DestroyDataset(app->input);
    DestroyDataset(app->output);
    if (app->desc != NULL) {
        CHECK_ACL(aclmdlDestroyDesc(app->desc));
    }
    if (app->loaded) {
        CHECK_ACL(aclmdlUnload(app->modelId));
    }
    if (app->stream != NULL) {
        CHECK_ACL(aclrtDestroyStream(app->stream));
    }
    if (app->context != NULL) {
        CHECK_ACL(aclrtDestroyContext(app->context));
    }
    CHECK_ACL(aclrtResetDevice(app->device));
    CHECK_ACL(aclFinalize());
    return SUCCESS;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        ERROR_LOG("usage: %s MODEL OUTPUT_PREFIX INPUT...", argv[0]);
        return FAILURE;
    }
    App app;
    memset(&app, 0, sizeof(app));
    Result result = InitResource(&app);
    if (result == SUCCESS) {
        result = LoadModel(&app, argv[1]);
    }
    if (result == SUCCESS) {
        result = CreateDatasets(&app);
    }
    if (result == SUCCESS) {
        result = Execute(&app, argv[2], argc - 3, argv + 3);
    }
    if (Destroy(&app) != SUCCESS) {
        result = FAILURE;
    }
    INFO_LOG("%s", result == SUCCESS ? "run ok" : "run failed");
    return result;
}
