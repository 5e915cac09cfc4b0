// SPDX-License-Identifier: Apache-2.0
// What a user says about the CPU count (`cpus` in the configuration), for the whole pod and for each service. A service
// has what the pod has, key by key, where it says nothing itself.
#pragma once

#include "model/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::model {

enum class CpuRounding : std::uint8_t { ceil, floor };
std::string_view to_string(CpuRounding rounding);

enum class JavaSetting : std::uint8_t { automatic, never };

/// Who gets the preload library: JVMs that count wrong and know no flag; each process of the service; nobody.
enum class ShimSetting : std::uint8_t { automatic, on, off };

struct CpusSpec {
    std::optional<int> count; // fixed; nullopt: computed
    CpuRounding rounding = CpuRounding::ceil;
    JavaSetting java = JavaSetting::automatic;
    std::vector<std::string> env; // names of variables that are set to the count where the user has not set them
    ShimSetting shim = ShimSetting::automatic;
    Duration watch = std::chrono::seconds{1}; // how often a resize is looked for where somebody needs to know
    std::optional<int> on_change;             // the signal that its main process gets; nullopt: none
    friend bool operator==(const CpusSpec&, const CpusSpec&) = default;
};

} // namespace davit::model
