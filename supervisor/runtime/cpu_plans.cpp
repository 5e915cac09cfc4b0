// SPDX-License-Identifier: Apache-2.0
#include "runtime/cpu_plans.h"

#include "os/spawn.h"

#include <algorithm>
#include <utility>

namespace davit::runtime {

/// Everything as it was at the launch: a reload may come between.
struct CpuPlans::Work {
    model::ServiceIndex service;
    model::CpusSpec settings;
    std::vector<std::string> argv;
    Variables environment;
    std::vector<model::PossibleJvm> jvms;
    model::Shim shim; // of a service that asks for it
    std::size_t unread = 0;
    Ready ready;
};

std::optional<model::ServiceCpus> CpuPlans::plan(model::ServiceIndex service, const model::ServiceSpec& spec,
                                                 const Variables& environment, Ready ready) {
    std::vector<std::string> argv = values_of(spec.command);
    const model::CpuLaunch launch{.settings = spec.cpus, .argv = argv, .environment = environment};
    const model::Shim shim = spec.cpus.shim == model::ShimSetting::on ? pages_.offer(service) : model::Shim{};
    if (!model::needs_jvms(launch, host_.cpu_count(), shim)) {
        return decide(service, launch, {}, shim);
    }
    std::vector<os::JvmPlace> places; // of `jvms`
    std::vector<model::PossibleJvm> jvms = possible_jvms(spec, environment, places);
    const auto is_unread = [](const model::PossibleJvm& jvm) { return !jvm.facts && jvm.problem.empty(); };
    if (std::ranges::none_of(jvms, is_unread)) {
        return decide(service, launch, jvms, shim);
    }
    const auto work = std::make_shared<Work>(Work{.service = service,
                                                  .settings = spec.cpus,
                                                  .argv = std::move(argv),
                                                  .environment = environment,
                                                  .jvms = std::move(jvms),
                                                  .shim = shim,
                                                  .ready = std::move(ready)});
    waiting_.insert_or_assign(service, work);
    work->unread = static_cast<std::size_t>(std::ranges::count_if(work->jvms, is_unread));
    for (std::size_t index = 0; index < work->jvms.size(); ++index) {
        if (is_unread(work->jvms[index])) {
            read(work, index, places[index]);
        }
    }
    return std::nullopt;
}

/// What the service runs itself, if that is a JVM. Else what a script would take: those that are there.
std::vector<model::PossibleJvm> CpuPlans::possible_jvms(const model::ServiceSpec& spec, const Variables& environment,
                                                        std::vector<os::JvmPlace>& places) const {
    using Place = model::PossibleJvm::Place;
    const std::string directory = spec.working_dir ? spec.working_dir->value : std::string{};
    const std::string search_path{os::search_path_in(environment)};
    const auto leader = os::find_program(spec.command.front().value, search_path, directory);
    if (leader && os::locate_jvm(*leader)) {
        return {possible_jvm(Place::leader, *leader, places)};
    }
    std::vector<model::PossibleJvm> jvms;
    const auto add = [&](Place place, const std::string& program) {
        if (const auto found = os::find_program(program, search_path, directory)) {
            jvms.push_back(possible_jvm(place, *found, places));
        }
    };
    for (const auto& [place, name] : {std::pair{Place::java_home, "JAVA_HOME"}, {Place::jre_home, "JRE_HOME"}}) {
        if (const auto home = model::value_in(environment, name); home && !home->empty()) {
            add(place, std::string{*home} + "/bin/java");
        }
    }
    add(Place::search_path, "java");
    return jvms;
}

model::PossibleJvm CpuPlans::possible_jvm(model::PossibleJvm::Place place, const std::string& program,
                                          std::vector<os::JvmPlace>& places) const {
    model::PossibleJvm jvm{.place = place, .program = program, .version = {}, .facts = {}, .problem = {}};
    const auto located = os::locate_jvm(program);
    places.push_back(located.value_or(os::JvmPlace{}));
    if (!located) {
        jvm.problem = located.error().text;
        return jvm;
    }
    jvm.program = located->java;
    if (const auto known = look_ups_.known(*located)) {
        jvm.version = known->version;
        jvm.facts = known->facts;
    }
    return jvm;
}

void CpuPlans::read(const std::shared_ptr<Work>& work, std::size_t jvm, const os::JvmPlace& place) {
    const std::weak_ptr<Work> asker{work};
    look_ups_.ask(place, asker, [this, asker, jvm](const Result<os::JvmLibrary>& library) {
        if (const auto present = asker.lock()) {
            take(*present, jvm, library);
        }
    });
}

void CpuPlans::take(Work& work, std::size_t jvm, const Result<os::JvmLibrary>& library) {
    model::PossibleJvm& read = work.jvms[jvm];
    if (library) {
        read.version = library->version;
        read.facts = library->facts;
    } else {
        read.problem = library.error().text;
    }
    if (--work.unread > 0) {
        return;
    }
    waiting_.erase(work.service);
    work.ready(decide(work.service, {.settings = work.settings, .argv = work.argv, .environment = work.environment},
                      work.jvms, work.shim));
}

model::ServiceCpus CpuPlans::decide(model::ServiceIndex service, const model::CpuLaunch& launch,
                                    const std::vector<model::PossibleJvm>& jvms, model::Shim shim) {
    const bool is_asked_for = launch.settings.shim == model::ShimSetting::on;
    const model::CpuCount& count = host_.cpu_count();
    model::ServiceCpus plan = model::cpus_of_service(launch, count, jvms, shim);
    if (plan.shim && !is_asked_for) {
        // Few need it, so it is looked for only now.
        shim = pages_.offer(service);
        plan = model::cpus_of_service(launch, count, jvms, shim);
    }
    if (plan.shim) {
        pages_.write(service, plan.cpus, *plan.shim);
    }
    return plan;
}

void CpuPlans::cancel(model::ServiceIndex service) {
    waiting_.erase(service);
    look_ups_.end_unwanted();
}

void CpuPlans::stop_everything() {
    waiting_.clear();
    look_ups_.cancel_all();
    pages_.close_all();
}

} // namespace davit::runtime
