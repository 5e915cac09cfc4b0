// SPDX-License-Identifier: Apache-2.0
// Finds the JVM behind a `java` program and reads what it knows (model/jvm.h) from its libjvm.so. To find it takes some
// system calls; to read it tens of milliseconds, and more where it is not in memory yet: for clients, and for a child
// of PID 1 (os/jvm_look_up.h).
#pragma once

#include "model/jvm.h"
#include "model/result.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace davit::os {

/// Says whether a file is the one that was read before, and still as it was.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified = 0; // in nanoseconds
    friend auto operator<=>(const FileIdentity&, const FileIdentity&) = default;
};

/// A JVM whose library nobody has read yet.
struct JvmPlace {
    std::string java; // the real path of the program
    std::string home;
    std::string library; // its libjvm.so
    FileIdentity identity;
};

struct JvmLibrary {
    std::string java;    // the real path of the program
    std::string library; // its libjvm.so
    std::optional<int> version;
    model::JvmFacts facts;
};

/// As execvp(3) would find it, from `directory` (empty: davit's own): `program` with a slash is a path, else it is
/// looked for in `search_path` (as PATH is written). nullopt: there is no such executable file.
std::optional<std::string> find_program(const std::string& program, const std::string& search_path,
                                        const std::string& directory = {});

/// `program` is a path. Error: what it is instead of a JVM's launcher: "/opt/java.sh: a script: what it starts is not
/// known".
Result<JvmPlace> locate_jvm(const std::string& program);

/// Error: the library is no longer there, empty, or may not be read.
Result<JvmLibrary> read_jvm(const JvmPlace& place);

/// All three, one after the other.
Result<JvmLibrary> find_jvm(const std::string& program, const std::string& search_path);

} // namespace davit::os
