// SPDX-License-Identifier: Apache-2.0
// What `davit logs` prints of the stream of GET /v1/logs: the lines as they were written, with the name of their
// service in front where there are several.
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>

namespace davit::cli {

enum class LogNames : std::uint8_t { hidden, shown };

class LogText {
public:
    explicit LogText(LogNames names) : names_(names) {}

    struct Part {
        std::string output;
        std::string note; // for stderr
    };
    /// Of one object of the stream.
    Part take(const boost::json::object& object);

private:
    LogNames names_;
    std::string open_line_; // service and stream of a line that goes on
};

} // namespace davit::cli
