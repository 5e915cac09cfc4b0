// SPDX-License-Identifier: Apache-2.0
// A directory that looks like a JDK: `bin/java` prints its arguments, and `lib/server/libjvm.so` holds the names of
// flags that davit looks for. It goes with its owner.
#pragma once

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unistd.h>

namespace davit::test {

class MadeUpJvm {
public:
    explicit MadeUpJvm(std::string_view name, std::initializer_list<std::string_view> flags = newest)
        : home_("/tmp/davit-jvm-" + std::to_string(::getpid()) + "-" + std::string{name}) {
        std::filesystem::remove_all(home_);
        std::filesystem::create_directories(home_ + "/bin");
        std::filesystem::create_directories(home_ + "/lib/server");
        std::filesystem::copy_file("/bin/echo", java());
        write("release", "JAVA_VERSION=\"17.0.1\"\n");
        write("lib/server/libjvm.so", library_with(flags));
    }
    MadeUpJvm(const MadeUpJvm&) = delete;
    MadeUpJvm& operator=(const MadeUpJvm&) = delete;
    ~MadeUpJvm() { std::filesystem::remove_all(home_); }

    const std::string& home() const { return home_; }
    std::string java() const { return home_ + "/bin/java"; }
    std::string library() const { return home_ + "/lib/server/libjvm.so"; }
    void write(const std::string& name, std::string_view text) const {
        std::ofstream{home_ + "/" + name, std::ios::binary | std::ios::trunc} << text;
    }

    static std::string library_with(std::initializer_list<std::string_view> flags) {
        std::string library;
        for (const std::string_view flag : flags) {
            library.append(1, '\0').append(flag).append(1, '\0');
        }
        return library;
    }

    static constexpr std::initializer_list<std::string_view> newest = {"UseSerialGC", "ActiveProcessorCount",
                                                                       "UseContainerSupport", "/cpu.max"};
    static constexpr std::initializer_list<std::string_view> oldest = {"UseSerialGC"};

private:
    std::string home_;
};

} // namespace davit::test
