// SPDX-License-Identifier: Apache-2.0
// Runs a target over files, without libFuzzer: the corpus as a test, or one input that was found.
//   fuzz_TARGET FILE|FOLDER...
#include "target.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_in(const fs::path& named) {
    if (!fs::is_directory(named)) {
        return {named};
    }
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::directory_iterator{named}) {
        files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

std::string content_of(const fs::path& path) {
    std::ifstream stream{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

} // namespace

int main(int argc, char** argv) {
    int replayed = 0;
    for (int index = 1; index < argc; ++index) {
        for (const fs::path& path : files_in(argv[index])) {
            std::fprintf(stderr, "%s\n", path.c_str()); // the last one is the culprit
            davit::fuzz::run(content_of(path));
            ++replayed;
        }
    }
    std::printf("%d inputs\n", replayed);
    return replayed > 0 ? 0 : 1;
}
