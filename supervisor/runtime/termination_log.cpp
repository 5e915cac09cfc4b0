// SPDX-License-Identifier: Apache-2.0
#include "runtime/termination_log.h"

#include "os/files.h"

namespace davit::runtime {
namespace {

/// terminationMessagePath of a Pod's container, when it says nothing else.
constexpr const char* kubelets_file = "/dev/termination-log";

} // namespace

Result<void> write_termination_log(const std::string& asked_for, std::string_view text) {
    const Result<bool> written = os::overwrite_file(asked_for.empty() ? kubelets_file : asked_for, text);
    if (!written) {
        return std::unexpected{written.error()};
    }
    if (!*written && !asked_for.empty()) {
        return os::write_file_atomically(asked_for, text);
    }
    return {};
}

} // namespace davit::runtime
