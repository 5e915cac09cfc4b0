// SPDX-License-Identifier: Apache-2.0
// A datagram of sd_notify: what is made of it is short, clean, and the same again.
#include "model/notification.h"

#include "target.h"

namespace davit::fuzz {

namespace {

void demand_short_and_clean(const std::optional<std::string>& text) {
    if (text && !text->empty()) {
        demand_readable(*text);
        demand(text->size() <= model::longest_status + 64, "what is shown is short");
    }
}

void demand_possible(const std::optional<Duration>& length) {
    demand(!length || (*length >= Duration::zero() && *length <= model::longest_notified_time),
           "a length is one that can be added to a moment");
}

} // namespace

void run(std::string_view input) {
    input = input.substr(0, model::longest_notification);
    const model::Notification said = model::parse_notification(input);
    demand(said == model::parse_notification(input), "the same datagram says the same");
    demand_short_and_clean(said.status);
    demand_short_and_clean(said.error);
    demand_possible(said.extend);
    demand_possible(said.watchdog);
    demand(said.said_ready || said.word != model::SelfWord::ready, "who is ready said so");
    model::Notification twice = said;
    model::add(twice, said);
    demand(twice.status == said.status && twice.word == said.word && twice.ready == said.ready,
           "saying it twice says no more");
}

} // namespace davit::fuzz
