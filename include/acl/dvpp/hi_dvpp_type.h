/* The scalar types of DVPP under their older header name. */
#ifndef HI_DVPP_TYPE_H_INCLUDED
#define HI_DVPP_TYPE_H_INCLUDED

#include "hi_media_type.h"

#endif
