// SPDX-License-Identifier: Apache-2.0
// The page from which the preload library of one service reads the CPU count (shim/davit_cpus.h says what is in it): a
// file that processes map, so that they see a new count at once. Only davit's user can write it. It is written in place
// and stays until davit ends; davit itself does not map it: a service of the same user that truncates it must not be
// able to end PID 1.
#pragma once

#include "model/result.h"
#include "model/service_cpus.h"
#include "os/fd.h"
#include "os/reach.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::os {

/// Directories where it can be, best first: beside davit's socket (`davits_place`), `runtime_directory`
/// ($XDG_RUNTIME_DIR; may be empty), /dev/shm. A directory that processes of that reach may not enter is none.
std::vector<std::string> cpu_page_directories(std::string_view davits_place, std::string_view runtime_directory,
                                              Reach reach);

class CpuPage {
public:
    /// A fresh file in the first of `directories` that can be had, which answers nothing yet. A directory in which
    /// others can replace files is none. Error: what was wrong with each.
    static Result<CpuPage> make(const std::vector<std::string>& directories);

    CpuPage(CpuPage&& other) noexcept = default;
    CpuPage& operator=(CpuPage&& other) noexcept;
    /// Removes the file; who has mapped it keeps what it said last.
    ~CpuPage() { remove(); }

    const std::string& path() const { return path_; }
    /// From now on it answers `cpus` (0: nothing) to these questions.
    Result<void> write(int cpus, const model::ShimHooks& hooks) const;

private:
    static Result<CpuPage> make_in(const std::string& directory);
    CpuPage(Fd file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
    void remove();

    Fd file_;
    std::string path_;
};

} // namespace davit::os
