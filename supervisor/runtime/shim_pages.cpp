// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim_pages.h"

#include "os/files.h"
#include "os/shim_library.h"

#include <cstdlib>
#include <utility>

namespace davit::runtime {

model::Shim ShimPages::offer(model::ServiceIndex service) {
    const os::Reach reach = reach_of(host_.spec.services[service]);
    auto library = os::find_shim_library(reach);
    if (!library) {
        return {.library = {}, .page = {}, .problem = std::move(library.error().text)};
    }
    auto page = page_of(service, reach);
    if (!page) {
        return {.library = {}, .page = {}, .problem = std::move(page.error().text)};
    }
    return {.library = *std::move(library), .page = *std::move(page), .problem = {}};
}

Result<std::string> ShimPages::page_of(model::ServiceIndex service, os::Reach reach) {
    std::optional<Page>& page = pages_[service];
    // Somebody may have cleaned up: who has mapped the old one is told no more.
    if (!page || page->reach != reach || !os::find_path(page->file.path())) {
        const char* runtime_directory = std::getenv("XDG_RUNTIME_DIR");
        auto file = os::CpuPage::make(os::cpu_page_directories(
            host_.options.socket, runtime_directory == nullptr ? "" : runtime_directory, reach));
        if (!file) {
            return std::unexpected{std::move(file.error())};
        }
        page = Page{.file = *std::move(file), .reach = reach, .hooks = {}};
    }
    return page->file.path();
}

void ShimPages::write(model::ServiceIndex service, int cpus, const model::ShimHooks& hooks) {
    if (pages_[service]) {
        pages_[service]->hooks = hooks;
        write(service, cpus);
    }
}

void ShimPages::write(model::ServiceIndex service, int cpus) {
    if (!pages_[service]) {
        return;
    }
    const Page& page = *pages_[service];
    if (const auto written = page.file.write(cpus, page.hooks); !written) {
        host_.log.write(LogLevel::warn, written.error().text);
    }
}

void ShimPages::close_all() {
    for (std::optional<Page>& page : pages_) {
        page.reset();
    }
}

} // namespace davit::runtime
