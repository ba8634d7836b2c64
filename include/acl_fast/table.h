/* The function table of acl_fast: every function of the C interface, wherever it comes from.
 *
 * The table is usable at once. A slot that is called before anything is loaded finds the backend
 * first; a function that the backend lacks returns ACL_ERROR_FEATURE_UNSUPPORTED, or NULL or 0 if
 * it does not return a status, and leaves its reason to aclfast_last_missing(). */
#ifndef ACL_FAST_TABLE_H_INCLUDED
#define ACL_FAST_TABLE_H_INCLUDED

#include "acl_fast/table_gen.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum aclfast_status {
    ACLFAST_OK = 0,
    ACLFAST_NO_BACKEND = 1,  /* no library was found, or each was refused */
    ACLFAST_BAD_SETTING = 2, /* an environment variable has a value that means nothing */
} aclfast_status;

/* What was chosen, and why. The strings live as long as the process. */
typedef struct aclfast_backend {
    const char *kind;    /* "cann", "softnpu", or "" while nothing is loaded */
    const char *library; /* path of the core library */
    const char *choice;  /* one sentence that says why this one */
    const char *layers;  /* names of the layers, outermost first, comma separated */
} aclfast_backend;

/* Finds the backend and fills the table. Thread safe; what is loaded stays for the process, a
 * failure may be tried again. */
aclfast_status aclfast_load(void);

/* Never NULL, and the same address for the whole process. */
const aclfast_table *aclfast_table_get(void);

/* 1: the backend has the function, 0: it does not (or, softnpu, only exports its name), or nothing
 * could be loaded, -1: no such name in the interface. Loads the backend. */
int aclfast_has(const char *name);

/* A function of the loaded core library that is not part of the interface, such as softnpu's own;
 * NULL while nothing is loaded. */
void *aclfast_symbol(const char *name);

/* Does not load anything. */
void aclfast_backend_info(aclfast_backend *info);

/* Every place tried so far with its outcome, one line each. */
const char *aclfast_search_log(void);

/* The reason why nothing is loaded, or "". This text and the search log are valid until the thread
 * asks for either again. */
const char *aclfast_load_error(void);

/* Why the latest call of a missing function on this thread failed, or NULL. Reading clears it; the
 * text is valid until the thread calls a missing function again. */
const char *aclfast_last_missing(void);

/* Folder of softnpu's libraries. Default: softnpu/lib64 beside the module that holds the table. */
void aclfast_set_softnpu_dir(const char *folder);

#ifdef __cplusplus
}
#endif

#endif
