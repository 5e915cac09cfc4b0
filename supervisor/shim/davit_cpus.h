/* SPDX-License-Identifier: Apache-2.0
 * What davit and its preload library share: a page of memory in a file. davit writes it in place, the library maps it
 * and reads it at each call, so that a resize of the container is seen at once. The file is never truncated and never
 * renamed over: whoever has mapped it would read the old one for ever, or die of it. C and C++ include this.
 */
#ifndef DAVIT_CPUS_H
#define DAVIT_CPUS_H

#include <stdint.h>

#define DAVIT_CPUS_FILE_SIZE 4096
#define DAVIT_CPUS_MAGIC 0x74697664u /* "dvit" */
#define DAVIT_CPUS_VERSION 1u
/* The variable that names the file. */
#define DAVIT_CPUS_FILE_VARIABLE "DAVIT_CPUS_FILE"

/* What the library answers itself; all else is passed on. */
enum davit_cpus_hook {
    DAVIT_CPUS_JVM = 1u,      /* JVM_ActiveProcessorCount: Runtime.availableProcessors() */
    DAVIT_CPUS_ONLINE = 2u,   /* sysconf(_SC_NPROCESSORS_ONLN), get_nprocs(); never _SC_NPROCESSORS_CONF */
    DAVIT_CPUS_AFFINITY = 4u, /* sched_getaffinity, pthread_getaffinity_np of the own process */
};

/* The beginning of the file; the rest is zero. */
struct davit_cpus_page {
    uint32_t magic;
    uint32_t version;
    uint32_t cpus;  /* 0: nothing is answered */
    uint32_t hooks; /* of enum davit_cpus_hook */
};

#endif
