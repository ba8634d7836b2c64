/* The system functions of DVPP under their older header name. */
#ifndef HI_DVPP_SYS_H_INCLUDED
#define HI_DVPP_SYS_H_INCLUDED

#include "hi_mpi_sys.h"

#endif
