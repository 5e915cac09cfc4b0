// SPDX-License-Identifier: Apache-2.0
// The body of exit_status.h: the table of Linux's signals, which is the same on x86 and ARM, and the two ways to say an
// end.
#include "model/exit_status.h"

#include "model/words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <csignal>

namespace davit::model {
namespace {

struct NamedSignal {
    int number;
    std::string_view name;
};

constexpr std::array named_signals{
    NamedSignal{SIGHUP, "HUP"},       NamedSignal{SIGINT, "INT"},       NamedSignal{SIGQUIT, "QUIT"},
    NamedSignal{SIGILL, "ILL"},       NamedSignal{SIGTRAP, "TRAP"},     NamedSignal{SIGABRT, "ABRT"},
    NamedSignal{SIGBUS, "BUS"},       NamedSignal{SIGFPE, "FPE"},       NamedSignal{SIGKILL, "KILL"},
    NamedSignal{SIGUSR1, "USR1"},     NamedSignal{SIGSEGV, "SEGV"},     NamedSignal{SIGUSR2, "USR2"},
    NamedSignal{SIGPIPE, "PIPE"},     NamedSignal{SIGALRM, "ALRM"},     NamedSignal{SIGTERM, "TERM"},
    NamedSignal{SIGSTKFLT, "STKFLT"}, NamedSignal{SIGCHLD, "CHLD"},     NamedSignal{SIGCONT, "CONT"},
    NamedSignal{SIGSTOP, "STOP"},     NamedSignal{SIGTSTP, "TSTP"},     NamedSignal{SIGTTIN, "TTIN"},
    NamedSignal{SIGTTOU, "TTOU"},     NamedSignal{SIGURG, "URG"},       NamedSignal{SIGXCPU, "XCPU"},
    NamedSignal{SIGXFSZ, "XFSZ"},     NamedSignal{SIGVTALRM, "VTALRM"}, NamedSignal{SIGPROF, "PROF"},
    NamedSignal{SIGWINCH, "WINCH"},   NamedSignal{SIGIO, "IO"},         NamedSignal{SIGPWR, "PWR"},
    NamedSignal{SIGSYS, "SYS"},
};

// The C library keeps 32 and 33 for itself; what users and runtimes call RTMIN is 34.
constexpr int realtime_min = 34;
constexpr int realtime_max = 64;

std::optional<int> number_in(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

std::optional<int> realtime_signal(std::string_view name) {
    if (name == "RTMIN") {
        return realtime_min;
    }
    if (name == "RTMAX") {
        return realtime_max;
    }
    const bool up = name.starts_with("RTMIN+");
    if (!up && !name.starts_with("RTMAX-")) {
        return std::nullopt;
    }
    const std::optional<int> offset = number_in(name.substr(6));
    if (!offset || *offset < 0 || *offset > realtime_max - realtime_min) {
        return std::nullopt;
    }
    return up ? realtime_min + *offset : realtime_max - *offset;
}

} // namespace

int container_code(const ExitStatus& status) {
    return status.signal == 0 ? status.code : 128 + status.signal;
}

std::string describe(const ExitStatus& status) {
    std::string text =
        status.signal == 0 ? "exit code " + std::to_string(status.code) : "SIG" + signal_name(status.signal);
    if (status.core_dumped) {
        text += ", core dumped";
    }
    if (status.out_of_memory) {
        text += ", out of memory";
        text += status.memory_limit > 0 ? " (container limit " + bytes_text(status.memory_limit) + ")" : "";
    }
    return text;
}

std::optional<int> signal_from_name(std::string_view name) {
    if (const std::optional<int> number = number_in(name)) {
        return *number >= 1 && *number <= realtime_max ? number : std::nullopt;
    }
    std::string upper{name};
    std::ranges::transform(upper, upper.begin(),
                           [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
    std::string_view bare = upper;
    if (bare.starts_with("SIG")) {
        bare.remove_prefix(3);
    }
    for (const NamedSignal& signal : named_signals) {
        if (signal.name == bare) {
            return signal.number;
        }
    }
    return realtime_signal(bare);
}

std::string signal_name(int signal) {
    for (const NamedSignal& named : named_signals) {
        if (named.number == signal) {
            return std::string{named.name};
        }
    }
    if (signal >= realtime_min && signal <= realtime_max) {
        return signal == realtime_min ? "RTMIN" : "RTMIN+" + std::to_string(signal - realtime_min);
    }
    return std::to_string(signal);
}

} // namespace davit::model
