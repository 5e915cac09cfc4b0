// SPDX-License-Identifier: Apache-2.0
// Makes the plan of model/service_cpus.h for each launch: counts, finds the JVMs that could be meant, has those read
// that nobody has read yet, and offers the preload library. PID 1 waits for none of it: a launch whose JVM is known
// goes on at once, another one when a child has read it.
#pragma once

#include "model/service_cpus.h"
#include "os/jvm_library.h"
#include "runtime/driver_host.h"
#include "runtime/jvm_look_ups.h"
#include "runtime/shim_pages.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace davit::runtime {

class CpuPlans {
public:
    using Ready = std::function<void(const model::ServiceCpus& cpus)>;

    explicit CpuPlans(DriverHost& host) : host_(host), look_ups_(host.loop, host.reaper), pages_(host) {}

    /// `environment` is the service's without anything of this. nullopt: a JVM has to be read first, and `ready` is
    /// called once, later, from the loop.
    std::optional<model::ServiceCpus> plan(model::ServiceIndex service, const model::ServiceSpec& spec,
                                           const Variables& environment, Ready ready);

    /// Of a plan that waits: it is not told any more, and a JVM that nobody else waits for is not read to its end.
    void cancel(model::ServiceIndex service);

    ShimPages& pages() { return pages_; }
    /// The end of davit.
    void stop_everything();

private:
    struct Work; // a plan that waits for JVMs that are being read

    std::vector<model::PossibleJvm> possible_jvms(const model::ServiceSpec& spec, const Variables& environment,
                                                  std::vector<os::JvmPlace>& places) const;
    model::PossibleJvm possible_jvm(model::PossibleJvm::Place place, const std::string& program,
                                    std::vector<os::JvmPlace>& places) const;
    void read(const std::shared_ptr<Work>& work, std::size_t jvm, const os::JvmPlace& place);
    void take(Work& work, std::size_t jvm, const Result<os::JvmLibrary>& library);
    model::ServiceCpus decide(model::ServiceIndex service, const model::CpuLaunch& launch,
                              const std::vector<model::PossibleJvm>& jvms, model::Shim shim);

    DriverHost& host_;
    JvmLookUps look_ups_;
    std::map<model::ServiceIndex, std::shared_ptr<Work>> waiting_;
    ShimPages pages_;
};

} // namespace davit::runtime
