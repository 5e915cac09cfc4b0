// SPDX-License-Identifier: Apache-2.0
// The one executable. Picks the face: `davit run` is PID 1 (app/), everything else is a client of it (cli/).
#include "app/run.h"
#include "cli/cli.h"
#include "cli/system_sources.h"

#include <cstdlib>
#include <exception>
#include <string_view>
#include <unistd.h>

/// What the standard library calls when nobody catches an exception. Its own prints the name of the type as it was
/// written, for which it brings 44 KB into the binary.
void __gnu_cxx::__verbose_terminate_handler() {
    try {
        if (const std::exception_ptr escaped = std::current_exception()) {
            std::rethrow_exception(escaped);
        }
    } catch (const std::exception& error) {
        const std::string_view text = error.what();
        constexpr std::string_view begin = "davit error ended by an exception: ";
        [[maybe_unused]] const auto written = ::write(STDERR_FILENO, begin.data(), begin.size()) +
                                              ::write(STDERR_FILENO, text.data(), text.size()) +
                                              ::write(STDERR_FILENO, "\n", 1);
    } catch (...) {
    }
    std::abort();
}

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view{argv[1]} == "run") {
        return davit::app::run(argc, argv, davit::cli::run_help(), davit::cli::system_sources());
    }
    return davit::cli::run_client(argc, argv);
}
