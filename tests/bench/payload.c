// SPDX-License-Identifier: Apache-2.0
// The program that every supervisor of the benchmark starts. It says when its first instruction ran, then does what
// BENCH_MODE asks for: stay, once, chain, orphans, write. It has no libc, so that what is measured is the supervisor:
// the start of a static glibc costs more than an exec. Moments are CLOCK_MONOTONIC nanoseconds, written as records of
// 16 bytes (see `struct record`, shared with launcher.c and harness.py) to the FIFO that BENCH_FIFO names.
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/wait.h>

#if defined(__x86_64__)
__asm__(".globl _start\n_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call payload_main\n");

static inline long call(long number, long a, long b, long c, long d, long e) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: mov x29, #0\n mov x0, sp\n bl payload_main\n");

static inline long call(long number, long a, long b, long c, long d, long e) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}
#else
#error "payload.c knows x86_64 and aarch64"
#endif

struct record {
    long long nanoseconds;
    int pid;
    int kind;
};

static const char* fifo_path;
static char** environment;
static const char* own_path;

static _Noreturn void leave(int code) {
    for (;;)
        call(__NR_exit_group, code, 0, 0, 0, 0);
}

static long long now(void) {
    struct __kernel_timespec time;
    call(__NR_clock_gettime, CLOCK_MONOTONIC, (long)&time, 0, 0, 0);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/// Writes one record; without a FIFO it does nothing.
static void report(int kind, long long nanoseconds) {
    struct record record = {nanoseconds, (int)call(__NR_getpid, 0, 0, 0, 0, 0), kind};
    if (!fifo_path)
        return;
    long fd = call(__NR_openat, AT_FDCWD, (long)fifo_path, O_WRONLY | O_CLOEXEC, 0, 0);
    call(__NR_write, fd, (long)&record, sizeof record, 0, 0);
    call(__NR_close, fd, 0, 0, 0, 0);
}

static int same(const char* left, const char* right) {
    while (*left && *left == *right) {
        ++left;
        ++right;
    }
    return *left == *right;
}

/// The value of `name` ("NAME=") in the environment, or null.
static const char* variable(const char* name) {
    for (char** entry = environment; *entry; ++entry) {
        const char* text = *entry;
        const char* wanted = name;
        while (*wanted && *wanted == *text) {
            ++wanted;
            ++text;
        }
        if (!*wanted)
            return *text ? text : 0;
    }
    return 0;
}

static long number(const char* text) {
    long value = 0;
    for (; text && *text >= '0' && *text <= '9'; ++text)
        value = value * 10 + (*text - '0');
    return value;
}

static unsigned long signals(int first, int second) {
    return 1UL << (first - 1) | 1UL << (second - 1);
}

static int wait_for_signal(void) {
    unsigned long set = signals(SIGTERM, SIGUSR1);
    long signal;
    do
        signal = call(__NR_rt_sigtimedwait, (long)&set, 0, 0, sizeof set, 0);
    while (signal < 0);
    return (int)signal;
}

/// Waits for SIGTERM, says when it came, ends.
static _Noreturn void stay(void) {
    while (wait_for_signal() != SIGTERM) {
    }
    report('t', now());
    leave(0);
}

/// Starts this program again in `mode`, as cheaply as Linux can, and returns its pid.
static long start(char* mode) {
    char* arguments[] = {(char*)own_path, mode, 0};
    long pid = call(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        call(__NR_execve, (long)own_path, (long)arguments, (long)environment, 0, 0);
        leave(127);
    }
    return pid;
}

/// The floor of a chain: `count` programs, each started when the one before has ended, then one that stays.
static _Noreturn void chain(long count) {
    for (long link = 0; link < count; ++link)
        call(__NR_wait4, start("once"), 0, 0, 0, 0);
    call(__NR_wait4, start("stay"), 0, 0, 0, 0);
    leave(0);
}

/// Leaves `count` children behind, 50 at a time: their parent is gone before they end, so that only PID 1 can wait.
static void orphans(long count) {
    for (long made = 0; made < count; made += 50) {
        int gate[2];
        char byte;
        call(__NR_pipe2, (long)gate, O_CLOEXEC, 0, 0, 0);
        long parent = call(__NR_clone, SIGCHLD, 0, 0, 0, 0);
        if (parent == 0) {
            for (int child = 0; child < 50; ++child)
                if (call(__NR_clone, SIGCHLD, 0, 0, 0, 0) == 0) {
                    call(__NR_close, gate[1], 0, 0, 0, 0);
                    call(__NR_read, gate[0], (long)&byte, 1, 0, 0);
                    leave(0);
                }
            leave(0);
        }
        call(__NR_wait4, parent, 0, 0, 0, 0);
        call(__NR_close, gate[0], 0, 0, 0, 0);
        call(__NR_close, gate[1], 0, 0, 0, 0);
    }
}

/// Writes at least `bytes` to stdout in lines of `length` bytes, as a program with a full buffer of 64 KiB does: lines
/// may be split between two writes.
static void write_lines(long bytes, long length) {
    static char buffer[2 * 65536 + 4096];
    long period = length * ((65536 + length - 1) / length);
    for (long index = 0; index < (long)sizeof buffer; ++index)
        buffer[index] = index % length == length - 1 ? '\n' : (char)('a' + index % 26);
    long lines_left = (bytes + length - 1) / length * length;
    long position = 0;
    while (lines_left > 0) {
        long size = lines_left < 65536 ? lines_left : 65536;
        long written = call(__NR_write, 1, (long)(buffer + position), size, 0, 0);
        if (written <= 0)
            leave(1);
        lines_left -= written;
        position = (position + written) % period;
    }
}

__attribute__((used)) static _Noreturn void payload_main(long* stack) {
    long long began = now();
    long count = stack[0];
    char** arguments = (char**)(stack + 1);
    environment = arguments + count + 1;
    unsigned long set = signals(SIGTERM, SIGUSR1);
    call(__NR_rt_sigprocmask, SIG_BLOCK, (long)&set, 0, sizeof set, 0);
    own_path = variable("BENCH_PAYLOAD=");
    fifo_path = variable("BENCH_FIFO=");
    const char* mode = variable("BENCH_MODE=");
    if (count > 1 && (same(arguments[1], "once") || same(arguments[1], "stay")))
        mode = arguments[1]; // other arguments are a supervisor's own idea
    if (!mode)
        mode = "stay";
    if (same(mode, "chain"))
        chain(number(variable("BENCH_COUNT=")));

    report('m', began);
    if (same(mode, "once"))
        leave(0);
    if (same(mode, "orphans") && wait_for_signal() == SIGUSR1) {
        orphans(number(variable("BENCH_COUNT=")));
        report('o', now());
    }
    if (same(mode, "write") && wait_for_signal() == SIGUSR1) {
        report('b', now());
        write_lines(number(variable("BENCH_BYTES=")), number(variable("BENCH_LINE=")));
        report('w', now());
    }
    stay();
}
