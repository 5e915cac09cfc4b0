// SPDX-License-Identifier: Apache-2.0
// Reads the table of states and events out of a machine's header, so that a test can hold the code against
// what the header says: the comment is the specification, and it cannot go stale.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace davit::test {

struct HeaderTable {
    std::vector<std::string> columns;
    std::vector<std::string> rows;
    std::map<std::string, std::map<std::string, std::string>> cells; // by row, by column
};

/// The table between the lines `// table: begin` and `// table: end` of a header below supervisor/: the first
/// line names the columns, the others begin with the row's name; words are separated by blanks.
HeaderTable read_header_table(const std::string& header);

} // namespace davit::test
