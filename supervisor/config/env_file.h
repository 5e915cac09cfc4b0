// SPDX-License-Identifier: Apache-2.0
// The text of an `envFile`: one NAME=value a line, as docker --env-file and systemd's EnvironmentFile take it where
// the two agree, and where they do not, what a person means who writes it:
//
//   # a comment                     blank lines and lines that begin with # are nothing; a # later belongs to the value
//   NAME = value with spaces        blanks around name and value are nothing; a line may end with CR LF
//   NAME='literal $x \n'            single quotes go, nothing in them is special
//   NAME="a \"word\" $x"            double quotes go; \" \\ \$ \` give the second character, other \ stay
//   NAME=                           empty
//
// Nothing is put in place of `$x`, in quotes or not. A line without `=`, `export NAME=...`, a name that no Pod could
// have, an open quote and text after a closing one are errors. No message shows a value: it may be a secret.
#pragma once

#include "config/problem.h"
#include "model/spec.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace davit::config {

inline constexpr std::size_t largest_env_file = 64UL * 1024;

/// In the order of the file; a name that comes again keeps its place, its later value counts, and that is warned of.
/// `file` numbers it among the files of `problems`.
std::vector<model::EnvVariable> parse_env_file(std::string_view text, std::uint32_t file, Problems& problems);

} // namespace davit::config
