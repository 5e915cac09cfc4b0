// SPDX-License-Identifier: Apache-2.0
#include "os/cpu_page.h"

#include "os/errno_text.h"
#include "os/unix_address.h"
#include "shim/davit_cpus.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace davit::os {
namespace {

constexpr mode_t everybody_reads = 0644;
/// Names that are tried; one is enough but where somebody knows the random number.
constexpr int most_names = 8;

using Page = std::array<std::byte, DAVIT_CPUS_FILE_SIZE>;

std::uint32_t bits_of(const model::ShimHooks& hooks) {
    return (hooks.jvm ? DAVIT_CPUS_JVM : 0U) | (hooks.online ? DAVIT_CPUS_ONLINE : 0U) |
           (hooks.affinity ? DAVIT_CPUS_AFFINITY : 0U);
}

Page page_of(int cpus, const model::ShimHooks& hooks) {
    const davit_cpus_page beginning{.magic = DAVIT_CPUS_MAGIC,
                                    .version = DAVIT_CPUS_VERSION,
                                    .cpus = static_cast<std::uint32_t>(cpus),
                                    .hooks = bits_of(hooks)};
    Page page{};
    std::memcpy(page.data(), &beginning, sizeof beginning);
    return page;
}

std::string fresh_name() {
    std::uint64_t number = 0;
    if (::getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        number = static_cast<std::uint64_t>(now.tv_nsec) ^ static_cast<std::uint64_t>(::getpid()) << 32;
    }
    std::array<char, 40> text;
    std::snprintf(text.data(), text.size(), "davit-cpus-%016llx", static_cast<unsigned long long>(number));
    return text.data();
}

/// Whoever may write to a directory may put another file in the place of ours, but where each may only remove its own.
bool others_may_replace_files(int directory) {
    struct stat about{};
    return ::fstat(directory, &about) != 0 ||
           ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (about.st_mode & S_ISVTX) == 0) ||
           (about.st_uid != 0 && about.st_uid != ::geteuid());
}

/// All of it at once: on a full filesystem the write fails, not the first program that reads the page.
Result<void> write_first(int file) {
    const Page page = page_of(0, {});
    const ssize_t size = ::pwrite(file, page.data(), page.size(), 0);
    if (size != static_cast<ssize_t>(page.size())) {
        return failure(size < 0 ? errno_text(errno) : "only a part of it could be written");
    }
    // The mask of davit's own files may take rights away.
    if (::fchmod(file, everybody_reads) != 0) {
        return failure(errno_text(errno));
    }
    return {};
}

Fd open_fresh(int directory, std::string& name) {
    for (int tried = 0; tried < most_names; ++tried) {
        name = fresh_name();
        Fd file{::openat(directory, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, everybody_reads)};
        if (file || errno != EEXIST) {
            return file;
        }
    }
    return {};
}

} // namespace

std::vector<std::string> cpu_page_directories(std::string_view davits_place, std::string_view runtime_directory,
                                              Reach reach) {
    std::vector<std::string> directories;
    const auto add = [&](std::string directory) {
        if (directory.starts_with('/') && (reach == Reach::own_user || everybody_may_enter(directory + "/"))) {
            directories.push_back(std::move(directory));
        }
    };
    if (const auto slash = davits_place.rfind('/');
        !is_abstract_place(davits_place) && slash != std::string_view::npos && slash > 0) {
        add(std::string{davits_place.substr(0, slash)});
    }
    add(std::string{runtime_directory});
    add("/dev/shm");
    return directories;
}

Result<CpuPage> CpuPage::make_in(const std::string& path) {
    const Fd directory{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!directory) {
        return failure(path + ": " + errno_text(errno));
    }
    if (others_may_replace_files(directory.get())) {
        return failure(path + ": others can replace files in it");
    }
    std::string name;
    Fd file = open_fresh(directory.get(), name);
    if (!file) {
        return failure(path + ": " + errno_text(errno));
    }
    CpuPage page{std::move(file), path + "/" + name};
    if (const auto written = write_first(page.file_.get()); !written) {
        return failure(path + ": " + written.error().text);
    }
    return page;
}

Result<CpuPage> CpuPage::make(const std::vector<std::string>& directories) {
    std::string problems;
    for (const std::string& directory : directories) {
        if (auto page = make_in(directory)) {
            return page;
        } else {
            problems += (problems.empty() ? "" : "; ") + page.error().text;
        }
    }
    return failure("no place for the page of the CPU count: " +
                   (problems.empty() ? "no directory that its reader may enter" : problems));
}

CpuPage& CpuPage::operator=(CpuPage&& other) noexcept {
    if (this != &other) {
        remove();
        file_ = std::move(other.file_);
        path_ = std::move(other.path_);
    }
    return *this;
}

void CpuPage::remove() {
    if (file_) {
        ::unlink(path_.c_str());
        file_.reset();
    }
}

Result<void> CpuPage::write(int cpus, const model::ShimHooks& hooks) const {
    const Page page = page_of(cpus, hooks);
    // Bytes that stay the same are the same at every moment: no reader sees a page in between.
    if (::pwrite(file_.get(), page.data(), sizeof(davit_cpus_page), 0) != sizeof(davit_cpus_page)) {
        return failure("cannot write " + path_ + ": " + errno_text(errno));
    }
    return {};
}

} // namespace davit::os
