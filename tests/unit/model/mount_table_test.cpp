// SPDX-License-Identifier: Apache-2.0
#include "model/mount_table.h"

#include "support/catch.h"

namespace davit::model {
namespace {

constexpr std::string_view table = "22 1 0:20 / / rw,relatime - overlay overlay rw\n"
                                   "30 22 0:24 / /var/lib rw - ext4 /dev/sda1 rw\n"
                                   "31 30 0:40 /pods/a /var/lib/davit rw,noexec shared:3 master:1 - nfs4 server:/x rw\n"
                                   "32 22 0:41 / /with\\040blank rw - fuse.sshfs me@there: rw\n"
                                   "33 22 0:42 / /twice rw - nfs server:/y rw\n"
                                   "34 33 0:43 / /twice rw - tmpfs tmpfs rw\n";

std::string type_at(std::string_view path) {
    const auto mount = mount_of(table, path);
    return mount ? mount->type : "none";
}

} // namespace

TEST_CASE("a path is held by the deepest mount above it, and by the last of two at one place", "[mount_table]") {
    CHECK(type_at("/") == "overlay");
    CHECK(type_at("/var/library") == "overlay");
    CHECK(type_at("/var/lib") == "ext4");
    CHECK(type_at("/var/lib/davit") == "nfs4");
    CHECK(type_at("/var/lib/davit/state") == "nfs4");
    CHECK(type_at("/with blank/state") == "fuse.sshfs");
    CHECK(type_at("/twice/state") == "tmpfs");
    CHECK_FALSE(mount_of("", "/x"));
}

TEST_CASE("a line of the mount table is taken apart, and what is none is not", "[mount_table]") {
    const auto mount = parse_mount("31 30 0:40 /pods/a /var/lib rw,noexec shared:3 - cgroup cgroup rw,cpu,cpuacct");
    REQUIRE(mount);
    CHECK(mount->root == "/pods/a");
    CHECK(mount->point == "/var/lib");
    CHECK(mount->type == "cgroup");
    CHECK(mount->super_options == "rw,cpu,cpuacct");
    CHECK_FALSE(parse_mount(""));
    CHECK_FALSE(parse_mount("31 30 0:40 / /var/lib rw"));
    CHECK_FALSE(parse_mount("31 30 0:40 pods /var/lib rw - ext4 x rw"));
    CHECK_FALSE(parse_mount(" - - - - - - "));
}

TEST_CASE("filesystems whose server may be away are known by their types", "[mount_table]") {
    for (const std::string_view type : {"nfs", "nfs4", "cifs", "ceph", "9p", "fuse", "fuse.glusterfs"}) {
        CHECK(is_served_from_outside(type));
    }
    for (const std::string_view type : {"ext4", "xfs", "tmpfs", "overlay", "virtiofs", "fusectl", ""}) {
        CHECK_FALSE(is_served_from_outside(type));
    }
}

} // namespace davit::model
