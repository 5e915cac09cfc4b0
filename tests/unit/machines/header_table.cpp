// SPDX-License-Identifier: Apache-2.0
#include "header_table.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace davit::test {
namespace {

std::vector<std::string> words_of(const std::string& comment_line) {
    std::istringstream line{comment_line.substr(2)};
    std::vector<std::string> words;
    for (std::string word; line >> word;) {
        words.push_back(word);
    }
    return words;
}

} // namespace

HeaderTable read_header_table(const std::string& header) {
    std::ifstream file{std::string{DAVIT_SOURCE_DIRECTORY} + "/supervisor/" + header};
    HeaderTable table;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.find("// table: end") != std::string::npos) {
            return table;
        }
        if (line.find("// table: begin") != std::string::npos) {
            inside = true;
            continue;
        }
        if (!inside) {
            continue;
        }
        std::vector<std::string> words = words_of(line);
        if (table.columns.empty()) {
            table.columns = std::move(words);
            continue;
        }
        table.rows.push_back(words.front());
        for (std::size_t column = 0; column + 1 < words.size(); ++column) {
            table.cells[words.front()][table.columns.at(column)] = words[column + 1];
        }
    }
    throw std::runtime_error("no table in " + header);
}

} // namespace davit::test
