// SPDX-License-Identifier: Apache-2.0
// A stream of lines that a client follows at its own pace: events, or the output of services. What it is too slow for
// is lost to it and told as a number; davit never waits for it and keeps nothing for it alone.
#pragma once

#include "api/router.h"
#include "api/status.h"
#include "runtime/journal.h"
#include "runtime/log_reader.h"
#include "runtime/supervisor.h"

#include <functional>
#include <memory>
#include <string>

namespace davit::api {

class Feed {
public:
    virtual ~Feed() = default;
    virtual bool has_unread() const = 0;
    /// The next of it as NDJSON, in bounded pieces.
    virtual std::string next_lines() = 0;
};

/// `wake` is called when there is more; it must do no more than wake somebody.
std::unique_ptr<Feed> follow_events(runtime::Supervisor& supervisor, std::function<View()> view,
                                    std::function<void()> wake);
/// Begins with a line `{"service": ..., "note": ...}` for each service whose output davit does not have.
std::unique_ptr<Feed> read_logs(runtime::Supervisor& supervisor, const LogsCall& call,
                                const std::function<void()>& wake);

} // namespace davit::api
