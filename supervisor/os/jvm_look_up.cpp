// SPDX-License-Identifier: Apache-2.0
#include "os/jvm_look_up.h"

#include "os/errno_text.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <type_traits>
#include <unistd.h>

namespace davit::os {
namespace {

/// Much less than a pipe holds (4096 at least, pipe(7)).
constexpr std::size_t longest_error = 1024;

/// What the child writes first; after it, where `is_known` is 0, the text of an error.
struct Answer {
    unsigned char is_known = 0;
    unsigned char has_version = 0;
    int version = 0;
    model::JvmFacts facts;
};
static_assert(std::is_trivially_copyable_v<Answer>);

/// A child that hangs in a dead disk must not hold anybody's pipe or socket open.
void close_all_but(int kept) {
    ::dup2(kept, STDIN_FILENO);
    if (::syscall(SYS_close_range, STDIN_FILENO + 1, ~0U, 0) == 0) {
        return;
    }
    rlimit limit{};
    constexpr rlim_t most = 65536;
    const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
    const int end = static_cast<int>(known && limit.rlim_cur < most ? limit.rlim_cur : most);
    for (int descriptor = STDIN_FILENO + 1; descriptor < end; ++descriptor) {
        ::close(descriptor);
    }
}

[[noreturn]] void be_child(const JvmPlace& place, int answer_end) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_all_but(answer_end);
    const auto library = read_jvm(place);
    Answer answer;
    std::string error;
    if (library) {
        answer.is_known = 1;
        answer.has_version = library->version ? 1 : 0;
        answer.version = library->version.value_or(0);
        answer.facts = library->facts;
    } else {
        error = library.error().text.substr(0, longest_error);
    }
    std::string bytes(reinterpret_cast<const char*>(&answer), sizeof answer);
    bytes += error;
    const bool written = ::write(STDIN_FILENO, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
    ::_exit(written ? EXIT_SUCCESS : EXIT_FAILURE);
}

} // namespace

Result<JvmLookUp> begin_jvm_look_up(const JvmPlace& place) {
    Pipe pipe = open_pipe();
    if (!pipe.read) {
        return failure("cannot make a pipe: " + errno_text(errno));
    }
    // The whole program is one thread, so the child may go on in it like any other; it comes back to nobody.
    const pid_t child = ::fork();
    if (child < 0) {
        return failure("cannot make a process: " + errno_text(errno));
    }
    if (child == 0) {
        be_child(place, pipe.write.get());
    }
    ::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);
    return JvmLookUp{.child = child, .answer = std::move(pipe.read)};
}

Result<JvmLibrary> take_answer(const JvmLookUp& look_up, const JvmPlace& place) {
    char bytes[sizeof(Answer) + longest_error];
    const ssize_t size = ::read(look_up.answer.get(), bytes, sizeof bytes);
    Answer answer;
    if (size < static_cast<ssize_t>(sizeof answer)) {
        return failure(place.library + ": the look at it ended without a word");
    }
    __builtin_memcpy(&answer, bytes, sizeof answer);
    if (answer.is_known == 0) {
        return failure(std::string{bytes + sizeof answer, static_cast<std::size_t>(size) - sizeof answer});
    }
    return JvmLibrary{.java = place.java,
                      .library = place.library,
                      .version = answer.has_version != 0 ? std::optional{answer.version} : std::nullopt,
                      .facts = answer.facts};
}

} // namespace davit::os
