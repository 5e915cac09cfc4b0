// SPDX-License-Identifier: Apache-2.0
// What services need that get the preload library: the library itself, and for each such service a page with its CPU
// count. A page is made when it is first asked for and stays until davit ends: what an earlier start left behind may
// still read it.
#pragma once

#include "model/service_cpus.h"
#include "os/cpu_page.h"
#include "runtime/driver_host.h"

#include <optional>
#include <string>
#include <vector>

namespace davit::runtime {

class ShimPages {
public:
    explicit ShimPages(DriverHost& host) : host_(host), pages_(host.spec.services.size()) {}

    /// The library and a page as this service could have them, or why it cannot. A dozen system calls: only where it is
    /// likely to be used.
    model::Shim offer(model::ServiceIndex service);
    /// What the page of a service says from now on, at a launch. Nothing happens where it has none.
    void write(model::ServiceIndex service, int cpus, const model::ShimHooks& hooks);
    /// The same after a resize: the hooks stay.
    void write(model::ServiceIndex service, int cpus);
    /// Removes all of them: davit is at its end.
    void close_all();
    /// A reload brought services with places behind the present ones.
    void make_room(std::size_t services) { pages_.resize(services); }

private:
    struct Page {
        os::CpuPage file;
        os::Reach reach; // another one needs another place
        model::ShimHooks hooks;
    };

    Result<std::string> page_of(model::ServiceIndex service, os::Reach reach);

    DriverHost& host_;
    std::vector<std::optional<Page>> pages_; // as in PodSpec
};

} // namespace davit::runtime
