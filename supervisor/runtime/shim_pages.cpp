// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim_pages.h"

#include "os/shim_library.h"

#include <cstdlib>
#include <string_view>
#include <utility>

namespace davit::runtime {

Result<Shim> ShimPages::open(model::ServiceIndex service, int cpus) {
    const os::Reach reach = reach_of(host_.spec.services[service]);
    auto library = os::find_shim_library(reach);
    if (!library) {
        return std::unexpected{library.error()};
    }
    std::optional<Page>& page = pages_[service];
    const auto count = static_cast<unsigned>(cpus);
    if (!page || page->reach != reach || !page->file.write(count)) {
        const char* runtime_directory = std::getenv("XDG_RUNTIME_DIR");
        auto file =
            os::CpuPage::make(os::cpu_page_directories(host_.options.socket,
                                                       runtime_directory == nullptr ? "" : runtime_directory, reach),
                              count);
        if (!file) {
            return std::unexpected{file.error()};
        }
        page = Page{.file = *std::move(file), .reach = reach};
    }
    return Shim{.library = *std::move(library), .page = page->file.path()};
}

void ShimPages::write(model::ServiceIndex service, int cpus) {
    if (!pages_[service]) {
        return;
    }
    if (const auto written = pages_[service]->file.write(static_cast<unsigned>(cpus)); !written) {
        host_.log.write(LogLevel::warn, written.error().text);
    }
}

void ShimPages::close_all() {
    for (std::optional<Page>& page : pages_) {
        page.reset();
    }
}

} // namespace davit::runtime
