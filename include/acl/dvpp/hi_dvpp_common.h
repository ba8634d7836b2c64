/* The common types of DVPP under their older header name. */
#ifndef HI_DVPP_COMMON_H_INCLUDED
#define HI_DVPP_COMMON_H_INCLUDED

#include "hi_media_common.h"

#endif
