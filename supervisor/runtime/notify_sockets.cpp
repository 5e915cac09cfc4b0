// SPDX-License-Identifier: Apache-2.0
#include "runtime/notify_sockets.h"

#include "model/notification.h"

namespace davit::runtime {
NotifySockets::NotifySockets(DriverHost& host, const os::SessionScan& scan, QueryOf query_of)
    : host_(host), scan_(scan), query_of_(std::move(query_of)), slots_(host.spec.services.size()) {}

Result<std::string> NotifySockets::open(model::ServiceIndex service, unsigned attempt) {
    close(service); // first: its path is the new one's
    auto socket = std::make_unique<os::NotifySocket>(
        host_.loop,
        [this, service, attempt](std::span<const os::NotifyDatagram> datagrams) { take(service, attempt, datagrams); });
    const model::ServiceSpec& spec = host_.spec.services[service];
    auto place = socket->open(os::notify_places(host_.options.socket, spec.name, service, reach_of(spec)));
    if (place) {
        slots_[service].socket = std::move(socket);
    }
    return place;
}

void NotifySockets::close(model::ServiceIndex service) {
    slots_[service].socket.reset();
}

void NotifySockets::close_all() {
    for (Slot& slot : slots_) {
        slot.socket.reset();
    }
}

void NotifySockets::take(model::ServiceIndex service, unsigned attempt, std::span<const os::NotifyDatagram> datagrams) {
    model::Notification said;
    for (const os::NotifyDatagram& datagram : datagrams) {
        if (is_taken(service, datagram)) {
            model::add(said, model::parse_notification(datagram.text));
        }
    }
    for (const std::string_view name : said.unused) {
        tell_once(service, name, "sent " + std::string{name} + " to its notify socket: davit does not use it");
    }
    if (said != model::Notification{}) {
        host_.post(model::ServiceFact{service, model::Notified{attempt, std::move(said)}});
    }
}

bool NotifySockets::is_taken(model::ServiceIndex service, const os::NotifyDatagram& datagram) {
    if (datagram.is_cut) {
        tell_once(service, "length",
                  "sent more than " + std::to_string(model::longest_notification) +
                      " bytes at once to its notify socket: not taken");
        return false;
    }
    if (!scan_.may_have_sent(query_of_(service), datagram.sender)) {
        tell_once(service, "sender",
                  "has nothing to do with pid " + std::to_string(datagram.sender) + " of uid " +
                      std::to_string(datagram.uid) + ", which sent to its notify socket: not taken");
        return false;
    }
    return true;
}

void NotifySockets::tell_once(model::ServiceIndex service, std::string_view subject, const std::string& text) {
    if (slots_[service].told.emplace(subject).second) {
        host_.log.write(LogLevel::warn, host_.spec.services[service].name + " " + text);
    }
}

} // namespace davit::runtime
