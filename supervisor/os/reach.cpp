// SPDX-License-Identifier: Apache-2.0
#include "os/reach.h"

#include <sys/stat.h>

namespace davit::os {

bool everybody_may_enter(const std::string& path) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        struct stat status{};
        if (::stat(path.substr(0, slash).c_str(), &status) != 0 || (status.st_mode & S_IXOTH) == 0) {
            return false;
        }
    }
    return true;
}

} // namespace davit::os
