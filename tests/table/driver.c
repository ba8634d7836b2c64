/* Drives the function table as an embedder would: each argument is one step. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl_fast/table.h"

#define THREADS 8

static pthread_barrier_t barrier;

static void *first_call(void *unused) {
    void *memory = NULL;
    (void)unused;
    pthread_barrier_wait(&barrier);
    return (void *)(size_t)aclfast_table_get()->aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST);
}

static void race(void) {
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, first_call, NULL);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        printf("code %d\n", (int)(size_t)result);
    }
}

static void call(const char *name) {
    const aclfast_table *table = aclfast_table_get();
    void *memory = NULL;
    if (strcmp(name, "aclrtMalloc") == 0) {
        printf("code %d\n", table->aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    } else if (strcmp(name, "aclmdlExecuteAsyncV2") == 0) {
        printf("code %d\n", table->aclmdlExecuteAsyncV2(1, NULL, NULL, NULL, NULL));
    } else if (strcmp(name, "acldvppMalloc") == 0) {
        printf("code %d\n", table->acldvppMalloc(&memory, 64));
    } else if (strcmp(name, "aclmdlGetTensorRealName") == 0) {
        printf("text %s\n", table->aclmdlGetTensorRealName(NULL, "x") ? "given" : "null");
    } else if (strcmp(name, "aclGetDataBufferSizeV2") == 0) {
        printf("size %zu\n", table->aclGetDataBufferSizeV2(NULL));
    } else if (strcmp(name, "acltdtGetDataTypeFromItem") == 0) {
        printf("type %d\n", (int)table->acltdtGetDataTypeFromItem(NULL));
    } else if (strcmp(name, "aclAppLog") == 0) {
        table->aclAppLog(ACL_INFO, "f", "file.c", 7, "%s is %d", "answer", 42);
        puts("logged");
    } else {
        exit(2);
    }
}

int main(int count, char **steps) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < count; i++) {
        char *step = steps[i], *argument = strchr(step, '=');
        if (argument) *argument++ = 0;
        if (strcmp(step, "load") == 0) {
            printf("load %d\n", aclfast_load());
        } else if (strcmp(step, "has") == 0) {
            printf("has %d\n", aclfast_has(argument));
        } else if (strcmp(step, "call") == 0) {
            call(argument);
        } else if (strcmp(step, "missing") == 0) {
            const char *text = aclfast_last_missing();
            printf("missing %s\n", text ? text : "-");
        } else if (strcmp(step, "error") == 0) {
            printf("error %s\n", aclfast_load_error());
        } else if (strcmp(step, "log") == 0) {
            printf("%s", aclfast_search_log());
        } else if (strcmp(step, "info") == 0) {
            aclfast_backend info;
            aclfast_backend_info(&info);
            printf("info %s|%s|%s|%s\n", info.kind, info.library, info.choice, info.layers);
        } else if (strcmp(step, "softnpu") == 0) {
            aclfast_set_softnpu_dir(argument);
        } else if (strcmp(step, "library") == 0) {
            setenv("ACL_FAST_LIBRARY", argument, 1);
        } else if (strcmp(step, "race") == 0) {
            race();
        } else {
            return 2;
        }
    }
    return 0;
}
