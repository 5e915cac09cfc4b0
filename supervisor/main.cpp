// SPDX-License-Identifier: Apache-2.0
// The one executable. Picks the face: `davit run` is PID 1 (app/), everything else is a client of it (cli/).
#include "app/run.h"
#include "cli/cli.h"
#include "cli/system_sources.h"

#include <string_view>

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view{argv[1]} == "run") {
        return davit::app::run(argc, argv, davit::cli::run_help(), davit::cli::system_sources());
    }
    return davit::cli::run_client(argc, argv);
}
