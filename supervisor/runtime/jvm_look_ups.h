// SPDX-License-Identifier: Apache-2.0
// What is known of the JVMs on this machine. A libjvm.so is read once, by a child of davit (os/jvm_look_up.h), and
// remembered as long as the file stays the same; a child that takes too long is killed, and nothing is remembered.
//
//   known? ── yes ──► at once
//      └──── no ────► ask ──► a child reads ──► told
//                      └────► 2 s are over ──► told: "... was not read within 2 s"
#pragma once

#include "os/child_reaper.h"
#include "os/jvm_look_up.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace davit::runtime {

class JvmLookUps {
public:
    using Told = std::function<void(const Result<os::JvmLibrary>& library)>;

    JvmLookUps(boost::asio::io_context& loop, os::ChildReaper& reaper) : loop_(loop), reaper_(reaper) {}
    ~JvmLookUps() { cancel_all(); }
    JvmLookUps(const JvmLookUps&) = delete;
    JvmLookUps& operator=(const JvmLookUps&) = delete;

    std::optional<os::JvmLibrary> known(const os::JvmPlace& place) const;
    /// `told` is called once, later, from the loop. Who asks for one that is being read gets the same answer.
    /// `asker` lives as long as the answer is wanted (see end_unwanted).
    void ask(const os::JvmPlace& place, std::weak_ptr<const void> asker, Told told);
    /// Ends the children that read for nobody any more.
    void end_unwanted();
    /// Ends the children; nobody is told.
    void cancel_all();

private:
    struct Listener {
        std::weak_ptr<const void> asker;
        Told told;
    };
    struct Running {
        os::JvmPlace place;
        os::JvmLookUp look_up;
        boost::asio::steady_timer deadline;
        std::vector<Listener> listeners;
    };
    struct Known {
        std::optional<int> version;
        model::JvmFacts facts;
    };

    void begin(const os::JvmPlace& place, Listener listener);
    void end(const os::JvmLookUp& look_up);
    void take(const os::FileIdentity& identity);
    void give_up(const os::FileIdentity& identity);
    void remember(const os::FileIdentity& identity, const os::JvmLibrary& library);

    boost::asio::io_context& loop_;
    os::ChildReaper& reaper_;
    std::map<os::FileIdentity, Known> known_;
    std::map<os::FileIdentity, std::unique_ptr<Running>> running_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0); // a posted answer must not outlive who is told
};

} // namespace davit::runtime
