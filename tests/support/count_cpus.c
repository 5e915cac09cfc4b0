// SPDX-License-Identifier: Apache-2.0
// Prints what a program can learn about its CPUs, one "name value" a line; with an argument again for each line of
// stdin.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static void* count_in_thread(void* mask) {
    pthread_getaffinity_np(*(pthread_t*)mask, sizeof(cpu_set_t), (cpu_set_t*)((char*)mask + sizeof(pthread_t)));
    return NULL;
}

static int affinity_of(pid_t process) {
    cpu_set_t mask;
    memset(&mask, 0xff, sizeof mask);
    return sched_getaffinity(process, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : -errno;
}

static int affinity_of_main_thread_seen_by_another(void) {
    char argument[sizeof(pthread_t) + sizeof(cpu_set_t)];
    pthread_t self = pthread_self();
    pthread_t thread;
    memcpy(argument, &self, sizeof self);
    pthread_create(&thread, NULL, count_in_thread, argument);
    pthread_join(thread, NULL);
    return CPU_COUNT((cpu_set_t*)(argument + sizeof self));
}

static void print_counts(void) {
    cpu_set_t mask;
    printf("sysconf %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
    printf("configured %ld\n", sysconf(_SC_NPROCESSORS_CONF));
    printf("get_nprocs %d\n", get_nprocs());
    printf("affinity %d\n", affinity_of(0));
    printf("affinity_of_own_pid %d\n", affinity_of(getpid()));
    printf("affinity_of_parent %d\n", affinity_of(getppid()));
    printf("affinity_of_nobody %d\n", affinity_of(0x3fffffff));
    printf("pthread %d\n", pthread_getaffinity_np(pthread_self(), sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : -1);
    printf("pthread_of_another %d\n", affinity_of_main_thread_seen_by_another());
    printf("too_small %d\n", pthread_getaffinity_np(pthread_self(), 1, &mask));
    errno = 0;
    printf("unknown %ld", sysconf(98765));
    printf(" errno %d\n", errno);
    printf("page_size %ld\n", sysconf(_SC_PAGESIZE));
    printf("end\n");
    fflush(stdout);
}

int main(int count, char** arguments) {
    (void)arguments;
    print_counts();
    char line[8];
    while (count > 1 && fgets(line, sizeof line, stdin) != NULL) {
        print_counts();
    }
    return 0;
}
