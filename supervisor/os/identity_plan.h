// SPDX-License-Identifier: Apache-2.0
// Becoming somebody else between vfork and exec (or in a client, just before exec): system calls only, in the order in
// which each is still allowed. What needs a capability comes before the user changes, who takes the capabilities away:
//
//   oom score ─► nice ─► limits ─► groups ─► group ─► user ─► umask ─► no new privileges
#pragma once

#include "model/process_identity.h"
#include "os/spawn_stage.h"

#include <array>
#include <optional>
#include <sys/resource.h>
#include <sys/types.h>
#include <vector>

namespace davit::os {

/// A change in the kernel's own terms, made where memory may still be allocated.
class IdentityPlan {
public:
    explicit IdentityPlan(const model::IdentityChange& change);

    /// For the child: allocates nothing. False: `where` says the stage, errno why.
    bool take(volatile SpawnStage& stage, volatile unsigned& limit) const;

    /// The user changes. The kernel then forbids to look into this process's memory, which a vforked child shares.
    bool changes_user() const { return user_ || group_; }

private:
    struct Limit {
        int resource;
        rlimit value;
    };
    bool write_oom_score() const;

    std::optional<uid_t> user_;
    std::optional<gid_t> group_;
    std::optional<std::vector<gid_t>> groups_;
    std::optional<mode_t> umask_;
    std::vector<Limit> limits_;
    std::optional<int> nice_;
    std::array<char, 8> oom_score_{}; // "-1000"
    std::size_t oom_score_size_ = 0;  // 0: stays
    bool no_new_privileges_ = false;
};

} // namespace davit::os
