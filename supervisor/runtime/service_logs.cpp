// SPDX-License-Identifier: Apache-2.0
#include "runtime/service_logs.h"

#include "model/json_text.h"

namespace davit::runtime {

std::unique_ptr<os::LogRelay> ServiceLogs::relay_for(model::ServiceIndex service, const model::ServiceSpec& spec,
                                                     std::function<void(std::string_view line)> on_line) {
    os::LogRelayOptions options{.prefix = {}, .json_label = {}, .on_line = std::move(on_line), .on_end = {}};
    if (host_.spec.keeps_output_of(spec)) {
        options.kept = &ring_of(service);
        places_[service].attempt_began = options.kept->mark();
    }
    switch (spec.log_mode) {
    case model::LogMode::prefix: options.prefix = "[" + spec.name + "] "; break;
    case model::LogMode::json: options.json_label = model::json_member("service", spec.name); break;
    case model::LogMode::discard: options.loss = os::LogLoss::always; break;
    case model::LogMode::file: {
        const auto file = file_for(places_[service], spec);
        options.owned = file;
        return std::make_unique<os::LogRelay>(host_.loop, *file, *file, std::move(options));
    }
    case model::LogMode::raw:
    case model::LogMode::plain: break;
    }
    return std::make_unique<os::LogRelay>(host_.loop, host_.output, host_.error, std::move(options));
}

os::LogRing& ServiceLogs::ring_of(model::ServiceIndex service) {
    auto& ring = places_[service].ring;
    if (!ring) {
        ring = std::make_unique<os::LogRing>(last_number_);
    }
    return *ring;
}

std::vector<std::string> ServiceLogs::last_lines(model::ServiceIndex service, std::size_t count) const {
    const Place& place = places_[service];
    return place.ring ? place.ring->last_lines(count, place.attempt_began) : std::vector<std::string>{};
}

std::uint64_t ServiceLogs::dropped_lines() const {
    std::uint64_t lines = dropped_by_earlier_files_;
    for (const Place& place : places_) {
        lines += place.file ? place.file->dropped_lines() : 0;
    }
    return lines;
}

/// One writer a file, also across attempts: only it knows how much is in there.
std::shared_ptr<os::LogOutput> ServiceLogs::file_for(Place& place, const model::ServiceSpec& spec) {
    if (place.file && place.file_spec == spec.log_file) {
        return place.file;
    }
    if (place.file) {
        dropped_by_earlier_files_ += place.file->dropped_lines();
    }
    place.file_spec = spec.log_file;
    place.file = open_file(spec);
    return place.file;
}

std::shared_ptr<os::LogOutput> ServiceLogs::open_file(const model::ServiceSpec& spec) {
    struct Told {
        std::weak_ptr<os::LogOutput> output;
        std::uint64_t dropped_before = 0;
        std::uint64_t dropped() const {
            const auto file = output.lock();
            return file ? file->dropped_lines() : 0;
        }
    };
    const auto told = std::make_shared<Told>();
    os::LogFile::Observer observer{
        .failed =
            [this, told, name = spec.name](std::string_view reason) {
                told->dropped_before = told->dropped();
                host_.log.write(LogLevel::warn,
                                name + ": " + std::string{reason} + "; its lines are dropped until that works again");
            },
        .recovered =
            [this, told, name = spec.name, path = spec.log_file.path.written] {
                const std::uint64_t lines = told->dropped() - told->dropped_before;
                host_.log.write(LogLevel::info, name + ": " + path + " is written again, " + std::to_string(lines) +
                                                    (lines == 1 ? " line was dropped" : " lines were dropped"));
            }};
    auto file = std::make_unique<os::LogFile>(os::LogFilePlan{.path = spec.log_file.path.value,
                                                              .max_bytes = spec.log_file.max_bytes,
                                                              .max_files = spec.log_file.max_files},
                                              std::move(observer));
    auto output = std::make_shared<os::LogOutput>(host_.loop, std::move(file));
    told->output = output;
    return output;
}

} // namespace davit::runtime
