// SPDX-License-Identifier: Apache-2.0
// A file descriptor with one owner, closed when the owner goes. Everything in davit that holds a descriptor
// holds it this way; functions that only use one take a plain int.
#pragma once

#include <sys/types.h>
#include <utility>

namespace davit::os {

class Fd {
public:
    Fd() = default;
    /// Takes `descriptor` over; negative: none.
    explicit Fd(int descriptor) : descriptor_(descriptor) {}
    Fd(Fd&& other) noexcept : descriptor_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~Fd() { reset(); }

    explicit operator bool() const { return descriptor_ >= 0; }
    int get() const { return descriptor_; }
    /// Gives it away: the caller closes it.
    int release() { return std::exchange(descriptor_, -1); }
    void reset(int descriptor = -1);

private:
    int descriptor_ = -1;
};

/// A pipe, close-on-exec at both ends.
struct Pipe {
    Fd read;
    Fd write;
};

/// Ends without descriptors when none is to be had (errno says why).
Pipe open_pipe();

bool is_terminal(int descriptor);

/// Makes `user` the owner of a pipe or terminal, so that its processes can open it again by name (/dev/stdout,
/// /dev/pts/0). Without the right to (CAP_CHOWN) it stays as it is: what was inherited open works all the same.
void give_to_user(int descriptor, uid_t user);

/// Lets processes of other users open the pipe at `descriptor` again for writing (/dev/stdout), whoever owns it; nobody
/// gets the right to read from it. Only an anonymous pipe, which is reached through a descriptor alone: a terminal, a
/// file and a FIFO with a name belong to somebody else and stay as they are, and so does a pipe of another user.
void let_others_write(int descriptor);

/// The same pipe, terminal, socket or file (`2>&1`).
bool is_same_file(int left, int right);

} // namespace davit::os
