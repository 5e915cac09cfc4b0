/* SPDX-License-Identifier: Apache-2.0
 * libdavit-cpus.so: tells a process that cannot see the CPU limit of its container how many CPUs it has. It is
 * preloaded (ld.so(8), LD_PRELOAD) and answers the few calls by which runtimes count. Free-standing: it needs no
 * library, no version of a symbol and no function that must be there, so that one file loads beside glibc of 2011,
 * today's and musl.
 *
 *   LD_PRELOAD ──► sysconf, get_nprocs, sched_getaffinity, pthread_getaffinity_np, JVM_ActiveProcessorCount
 *                      │
 *                      ├── the page says so (davit_cpus.h) ──► the count of the page
 *                      └── else ──► what the program would have got without it
 *
 * _SC_NPROCESSORS_CONF is never answered: a JVM of version 8 that reads 1 there leaves memory barriers out.
 */
#include "davit_cpus.h"

#include <stddef.h>

#define EXPORTED __attribute__((visibility("default")))
#define OPTIONAL __attribute__((weak))

/* What the C library may have. A reference that is not found is null. */
extern char** environ OPTIONAL;
extern int* __errno_location(void) OPTIONAL;
extern long __sysconf(int name) OPTIONAL; /* glibc */
extern void* dlsym(void* handle, const char* name) OPTIONAL;
extern unsigned long pthread_self(void) OPTIONAL;

/* From <unistd.h> of glibc and musl, <errno.h>, <fcntl.h>, <sys/mman.h> and <dlfcn.h>: no header of a C library is
 * included here, their inline functions would call it. */
enum {
    sc_nprocessors_onln = 84,
    error_invalid = 22,
    error_no_function = 38,
    open_read_close_on_exec = 02000000,
    protection_read = 1,
    map_shared = 1,
    at_current_directory = -100,
    longest_mask = 65536 / 8,
};
#define RTLD_NEXT_HANDLE ((void*)-1L)

/* ---- the kernel ------------------------------------------------------------------------------------------------- */

#if defined(__x86_64__)
enum {
    call_close = 3,
    call_mmap = 9,
    call_getpid = 39,
    call_gettid = 186,
    call_sched_getaffinity = 204,
    call_openat = 257
};

static long kernel(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum {
    call_openat = 56,
    call_close = 57,
    call_sched_getaffinity = 123,
    call_getpid = 172,
    call_gettid = 178,
    call_mmap = 222
};

static long kernel(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#else
#error "no system calls are known for this architecture"
#endif

/* The kernel takes masks of whole words alone (sched_setaffinity(2)). They may lie anywhere and be of any type; the
 * first CPU is the lowest bit, both architectures are little-endian. */
typedef uint64_t word __attribute__((aligned(1), may_alias));

static int is_error(long result) {
    return result < 0 && result > -4096;
}

static void set_errno(int number) {
    if (__errno_location != NULL) {
        *__errno_location() = number;
    }
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

enum page_state { page_unknown, page_none, page_mapped };
static int page_state; /* of enum page_state, the page is written before it */
static const volatile struct davit_cpus_page* page;

static const char* value_of(const char* name) {
    for (char** variable = environ; *variable != NULL; ++variable) {
        const char* text = *variable;
        const char* letter = name;
        while (*letter != '\0' && *letter == *text) {
            ++letter;
            ++text;
        }
        if (*letter == '\0' && *text == '=') {
            return text + 1;
        }
    }
    return NULL;
}

static const volatile struct davit_cpus_page* map_file(const char* path) {
    const long file = kernel(call_openat, at_current_directory, (long)path, open_read_close_on_exec, 0, 0, 0);
    if (is_error(file)) {
        return NULL;
    }
    const long address = kernel(call_mmap, 0, DAVIT_CPUS_FILE_SIZE, protection_read, map_shared, file, 0);
    kernel(call_close, file, 0, 0, 0, 0, 0);
    return is_error(address) ? NULL : (const volatile struct davit_cpus_page*)address;
}

/* At the start of the program, if the C library has an environment by then: a library that needs none is initialised
 * before it. Else at the first call. Two threads may both map it, which does no harm. */
__attribute__((constructor)) static void find_page(void) {
    if (__atomic_load_n(&page_state, __ATOMIC_ACQUIRE) != page_unknown || &environ == NULL || environ == NULL) {
        return;
    }
    const char* path = value_of(DAVIT_CPUS_FILE_VARIABLE);
    const volatile struct davit_cpus_page* found = path == NULL ? NULL : map_file(path);
    __atomic_store_n(&page, found, __ATOMIC_RELAXED);
    __atomic_store_n(&page_state, found == NULL ? page_none : page_mapped, __ATOMIC_RELEASE);
}

/* The count where the page asks for this hook; 0: it does not. */
static unsigned answer_of(unsigned hook) {
    find_page();
    const volatile struct davit_cpus_page* here = __atomic_load_n(&page, __ATOMIC_RELAXED);
    if (here == NULL || here->magic != DAVIT_CPUS_MAGIC || here->version != DAVIT_CPUS_VERSION ||
        (here->hooks & hook) == 0) {
        return 0;
    }
    return here->cpus;
}

/* ---- what would have been called --------------------------------------------------------------------------------- */

static void* next(const char* name) {
    return dlsym == NULL ? NULL : dlsym(RTLD_NEXT_HANDLE, name);
}

static long plain_sysconf(int name) {
    if (__sysconf != NULL) {
        return __sysconf(name);
    }
    long (*function)(int) = NULL;
    *(void**)&function = next("sysconf");
    if (function != NULL) {
        return function(name);
    }
    set_errno(error_invalid);
    return -1;
}

/* The bytes of the mask that the kernel filled, the rest of it is zeroed as the C libraries do; or the negative error
 * number. */
static long plain_affinity(int process, size_t size, unsigned char* mask) {
    const size_t asked = size < 0x7fffffff ? size : 0x7fffffff;
    const long filled = kernel(call_sched_getaffinity, process, (long)asked, (long)mask, 0, 0, 0);
    if (is_error(filled)) {
        return filled;
    }
    for (size_t index = (size_t)filled; index < size; index += sizeof(word)) {
        *(volatile word*)(mask + index) = 0; /* volatile: a compiler would make it a call of memset */
    }
    return filled;
}

/* ---- masks ------------------------------------------------------------------------------------------------------- */

/* By hand: what a compiler knows for it may be a call of a library that is not there (__popcountdi2). */
static unsigned bits_in(uint64_t bits) {
    uint64_t sums = bits - ((bits >> 1) & 0x5555555555555555u);
    sums = (sums & 0x3333333333333333u) + ((sums >> 2) & 0x3333333333333333u);
    sums = (sums + (sums >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (unsigned)((sums * 0x0101010101010101u) >> 56);
}

/* Leaves the first `count` CPUs in the mask; writes nothing where it has no more. */
static void keep_first(unsigned char* mask, size_t size, unsigned count) {
    for (size_t index = 0; index < size; index += sizeof(word)) {
        word* here = (word*)(mask + index);
        const unsigned bits = bits_in(*here);
        if (bits <= count) {
            count -= bits;
            continue;
        }
        uint64_t surplus = *here;
        for (; count > 0; --count) {
            surplus &= surplus - 1;
        }
        *here &= ~surplus;
    }
}

static unsigned count_in(const unsigned char* mask, size_t size) {
    unsigned count = 0;
    for (size_t index = 0; index < size; index += sizeof(word)) {
        count += bits_in(*(const word*)(mask + index));
    }
    return count;
}

/* ---- the answers ------------------------------------------------------------------------------------------------- */

static int is_own(int process) {
    return process == 0 || process == kernel(call_getpid, 0, 0, 0, 0, 0, 0) ||
           process == kernel(call_gettid, 0, 0, 0, 0, 0, 0);
}

/* 0, or the negative error number. */
static long affinity(int process, size_t size, unsigned char* mask) {
    const long filled = plain_affinity(process, size, mask);
    if (is_error(filled)) {
        return filled;
    }
    const unsigned count = answer_of(DAVIT_CPUS_AFFINITY);
    if (count > 0 && is_own(process)) {
        keep_first(mask, (size_t)filled, count);
    }
    return 0;
}

EXPORTED long sysconf(int name) {
    if (name == sc_nprocessors_onln) {
        const unsigned count = answer_of(DAVIT_CPUS_ONLINE);
        if (count > 0) {
            return count;
        }
    }
    return plain_sysconf(name);
}

EXPORTED int get_nprocs(void) {
    const unsigned count = answer_of(DAVIT_CPUS_ONLINE);
    return count > 0 ? (int)count : (int)plain_sysconf(sc_nprocessors_onln);
}

EXPORTED int sched_getaffinity(int process, size_t size, unsigned char* mask) {
    const long result = affinity(process, size, mask);
    if (result == 0) {
        return 0;
    }
    set_errno((int)-result);
    return -1;
}

/* An error number is the result, errno stays. */
EXPORTED int pthread_getaffinity_np(unsigned long thread, size_t size, unsigned char* mask) {
    if (pthread_self != NULL && thread == pthread_self()) {
        return (int)-affinity(0, size, mask);
    }
    int (*function)(unsigned long, size_t, unsigned char*) = NULL;
    *(void**)&function = next("pthread_getaffinity_np");
    if (function == NULL) {
        return error_no_function;
    }
    const int result = function(thread, size, mask);
    const unsigned count = answer_of(DAVIT_CPUS_AFFINITY);
    if (result == 0 && count > 0) {
        keep_first(mask, size, count);
    }
    return result;
}

EXPORTED int JVM_ActiveProcessorCount(void) {
    const unsigned count = answer_of(DAVIT_CPUS_JVM);
    if (count > 0) {
        return (int)count;
    }
    int (*function)(void) = NULL;
    *(void**)&function = next("JVM_ActiveProcessorCount");
    if (function != NULL) {
        return function();
    }
    unsigned char mask[longest_mask];
    const long filled = plain_affinity(0, sizeof mask, mask);
    return is_error(filled) ? 1 : (int)count_in(mask, (size_t)filled);
}
