// SPDX-License-Identifier: Apache-2.0
// The harness's hand in C, because Python is too slow to hold a stopwatch. It starts a program as PID 1 of a new pid
// namespace with its own /proc and says when exec was called and when PID 1 was gone; times commands inside such a
// namespace; counts the lines that come out of a log relay, and is the floor of one.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct record {
    int64_t nanoseconds;
    int32_t pid;
    int32_t kind;
};

static void fail(const char* what) {
    fprintf(stderr, "launcher: cannot %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void report(int fifo, int kind, int64_t nanoseconds, int pid) {
    struct record record = {nanoseconds, pid, kind};
    if (write(fifo, &record, sizeof record) != sizeof record)
        fail("write to the FIFO");
}

/// pid1 FIFO COMMAND...: reports 'p' (pid outside), 'x' (the moment before exec) and 'e' (gone, with the wait status).
static int pid1(char** arguments) {
    int fifo = open(arguments[0], O_WRONLY | O_CLOEXEC);
    if (fifo < 0)
        fail("open the FIFO");
    // The container dies with the harness, whatever ends it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0)
        fail("make namespaces (this needs root)");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        fail("make mounts private");
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setsid();
        if (mount("proc", "/proc", "proc", 0, NULL) != 0)
            fail("mount /proc");
        report(fifo, 'x', now(), 0);
        execv(arguments[1], arguments + 1);
        fail("exec");
    }
    report(fifo, 'p', 0, pid);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    report(fifo, 'e', now(), status);
    return 0;
}

static void enter(const char* pid, const char* kind, int type) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/ns/%s", pid, kind);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, type) != 0)
        fail("enter the namespace");
}

/// Runs one command to its end; a status that is not 0 ends the launcher, because its time would mean nothing.
static void run_to_end(char** command) {
    int status = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        execv(command[0], command);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "launcher: %s ended with wait status %d\n", command[0], status);
        exit(1);
    }
}

/// time PID REPEAT COMMAND... [";" COMMAND...]: runs the commands one after the other inside the namespaces of PID,
/// and prints how many nanoseconds all of them took together; REPEAT times. Their output goes to /dev/null.
static int time_commands(char** arguments) {
    enter(arguments[0], "pid", CLONE_NEWPID);
    enter(arguments[0], "mnt", CLONE_NEWNS);
    long repeat = atol(arguments[1]);
    int answer = fcntl(1, F_DUPFD_CLOEXEC, 3);
    dup2(open("/dev/null", O_RDWR | O_CLOEXEC), 1);

    char** commands[256] = {arguments + 2};
    size_t count = 1;
    for (char** word = arguments + 2; *word; ++word)
        if (strcmp(*word, ";") == 0) {
            *word = NULL;
            commands[count++] = word + 1;
            if (count == sizeof commands / sizeof *commands)
                return 2;
        }
    for (long turn = 0; turn < repeat; ++turn) {
        int64_t began = now();
        for (size_t index = 0; index < count; ++index)
            run_to_end(commands[index]);
        dprintf(answer, "%lld\n", (long long)(now() - began));
    }
    return 0;
}

static uint64_t newlines(const unsigned char* text, size_t size) {
    uint64_t count = 0;
    for (size_t block = 0; block < size;) {
        // Counts in bytes first: the compiler then handles 16 or 32 of them at once.
        unsigned char partial[64] = {0};
        size_t end = block + 64 * 255 < size ? block + 64 * 255 : size;
        for (; block + 64 <= end; block += 64)
            for (int lane = 0; lane < 64; ++lane)
                partial[lane] = (unsigned char)(partial[lane] + (text[block + (size_t)lane] == '\n'));
        for (int lane = 0; lane < 64; ++lane)
            count += partial[lane];
        if (end == size)
            for (; block < size; ++block)
                count += text[block] == '\n';
    }
    return count;
}

/// sink LINES: reads stdin until LINES lines have come, its end, or 5 s of silence; prints lines, bytes and the moment
/// of the last byte.
static int sink(char** arguments) {
    static unsigned char buffer[65536];
    uint64_t wanted = strtoull(arguments[0], NULL, 10), lines = 0, bytes = 0;
    int64_t last = 0;
    // The first line may be far away: silence counts from the first byte on.
    int patience = -1;
    struct pollfd input = {.fd = 0, .events = POLLIN};
    while (lines < wanted && poll(&input, 1, patience) > 0) {
        ssize_t size = read(0, buffer, sizeof buffer);
        if (size <= 0)
            break;
        lines += newlines(buffer, (size_t)size);
        bytes += (uint64_t)size;
        last = now();
        patience = 5000;
    }
    printf("%llu %llu %lld\n", (unsigned long long)lines, (unsigned long long)bytes, (long long)last);
    return 0;
}

/// copy PROGRAM: the floor of a relay. Starts PROGRAM and carries what it writes to stdout, 64 KiB at a time, unseen.
static int copy(char** arguments) {
    static char buffer[65536];
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC) != 0)
        fail("open a pipe");
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        dup2(pipe_ends[1], 1);
        execv(arguments[0], arguments);
        fail("exec");
    }
    close(pipe_ends[1]);
    for (ssize_t size = 0; (size = read(pipe_ends[0], buffer, sizeof buffer)) > 0;)
        for (ssize_t done = 0, written = 0; done < size; done += written)
            if ((written = write(1, buffer + done, (size_t)(size - done))) < 0)
                fail("write");
    return 0;
}

int main(int count, char** arguments) {
    if (count >= 4 && strcmp(arguments[1], "pid1") == 0)
        return pid1(arguments + 2);
    if (count >= 5 && strcmp(arguments[1], "time") == 0)
        return time_commands(arguments + 2);
    if (count == 3 && strcmp(arguments[1], "sink") == 0)
        return sink(arguments + 2);
    if (count == 3 && strcmp(arguments[1], "copy") == 0)
        return copy(arguments + 2);
    fputs("usage: launcher pid1 FIFO COMMAND... | time PID REPEAT COMMAND... | sink LINES | copy PROGRAM\n", stderr);
    return 2;
}
