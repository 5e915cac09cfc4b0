// SPDX-License-Identifier: Apache-2.0
#include "cli/timeline.h"

#include "api/protocol.h"
#include "cli/output.h"
#include "cli/plan.h"
#include "cli/terminal.h"
#include "cli/timeline_text.h"

namespace davit::cli {

int show_timeline(const Arguments& arguments, Environment environment) {
    Output output{"timeline",
                  std::chrono::steady_clock::now() + arguments.timeout.value_or(api::default_client_timeout)};
    const auto body = fetch_body(arguments, environment, output, std::string{api::timeline_path});
    if (!body) {
        return static_cast<int>(body.error());
    }
    const Charset charset = speaks_utf8(environment) ? Charset::utf8 : Charset::ascii;
    output.text(arguments.format == Format::json ? *body : timeline_text(*body, terminal_style(environment), charset));
    return static_cast<int>(api::ClientExit::done);
}

} // namespace davit::cli
