// SPDX-License-Identifier: Apache-2.0
// Nanoseconds of a call of sysconf(_SC_NPROCESSORS_ONLN) and of sched_getaffinity(2), as a program that asks for the
// number of CPUs makes them. Linked dynamically: a preload library answers where there is one.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(void) {
    enum { calls = 20000 };
    cpu_set_t mask;
    long sum = 0;
    const double began = now();
    for (int call = 0; call < calls; ++call)
        sum += sysconf(_SC_NPROCESSORS_ONLN);
    const double middle = now();
    for (int call = 0; call < calls; ++call)
        sum += sched_getaffinity(0, sizeof mask, &mask);
    const double end = now();
    printf("%f %f %ld\n", (middle - began) / calls, (end - middle) / calls, sum / calls);
    return 0;
}
