/* All of the second DVPP interface. */
#ifndef HI_DVPP_H_INCLUDED
#define HI_DVPP_H_INCLUDED

#include "hi_dvpp_pngd.h"
#include "hi_dvpp_vb.h"
#include "hi_dvpp_vdec.h"
#include "hi_dvpp_venc.h"
#include "hi_dvpp_vpc.h"
#include "hi_media_common.h"
#include "hi_media_type.h"
#include "hi_mpi_sys.h"
#include "hi_region.h"

#endif
