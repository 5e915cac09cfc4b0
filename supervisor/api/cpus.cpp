// SPDX-License-Identifier: Apache-2.0
#include "api/cpus.h"

#include "api/json_writer.h"

namespace davit::api {
namespace {

void write_strings(JsonWriter& json, const std::vector<std::string>& texts) {
    json.begin_array();
    for (const std::string& text : texts) {
        json.string(text);
    }
    json.end_array();
}

void write_number(JsonWriter& json, std::optional<int> number) {
    if (number) {
        json.number(*number);
    } else {
        json.null();
    }
}

void write_count(JsonWriter& json, const model::CpuCount& count, const model::CpusSpec& settings) {
    json.key("cpus").number(model::count_for(count, settings));
    if (count.quota) {
        json.key("quota").decimal(*count.quota).key("quotaFrom").string(count.quota_from);
    } else {
        json.key("quota").null().key("quotaFrom").null();
    }
    json.key("cpuset");
    write_number(json, count.cpuset);
    json.key("affinity").number(count.affinity);
    json.key("round").string(model::to_string(settings.rounding)).key("notes");
    write_strings(json, count.notes);
    json.key("count");
    write_number(json, settings.count);
    json.key("env");
    write_strings(json, settings.env);
}

void write_service(JsonWriter& json, const model::ServiceSpec& spec, const model::Service& service,
                   const model::ServiceCpus& given) {
    json.begin_object().key("name").string(spec.name).key("pid");
    const bool runs = service.process == model::Process::alive;
    write_number(json, runs ? std::optional{service.pid} : std::nullopt);
    json.key("cpus").number(given.cpus).key("shim").boolean(given.shim.has_value()).key("reasons");
    write_strings(json, given.reasons);
    json.end_object();
}

} // namespace

std::string cpus_json(const runtime::Supervisor& supervisor) {
    const model::PodSpec& spec = supervisor.spec();
    JsonWriter json;
    json.begin_object();
    write_count(json, supervisor.cpu_count(), spec.cpus);
    json.key("services").begin_array();
    for (model::ServiceIndex index = 0; index < spec.services.size(); ++index) {
        const model::ServiceCpus* given = supervisor.cpus_of(index);
        if (given != nullptr && !spec.services[index].removed) {
            write_service(json, spec.services[index], supervisor.pod().services[index], *given);
        }
    }
    json.end_array().end_object();
    return json.take() + "\n";
}

} // namespace davit::api
