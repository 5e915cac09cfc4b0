// SPDX-License-Identifier: Apache-2.0
// Turns the JSON of `status` into what a person reads: the table of `davit status`, and the paragraphs of
// `davit why`. Pure: text in, text out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace davit::cli {

struct TableStyle {
    std::size_t width = 0; // of the terminal; 0: not a terminal, lines may have any length
    bool in_colour = false;
};

/// `status` is the answer with `explain`. What does not parse is given back as it is.
std::string status_table(std::string_view status, const TableStyle& style);

/// Why the container is as it is.
std::string pod_paragraph(std::string_view status);
/// Why the services of the answer are as they are.
std::string service_paragraph(std::string_view status);

/// For a value in the query of an address.
std::string query_escaped(std::string_view text);

/// The name of the service that is main in the answer to `status`; empty: none is.
std::string main_service(std::string_view status);

} // namespace davit::cli
