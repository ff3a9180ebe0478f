// SPDX-License-Identifier: Apache-2.0
#include "host/elf_check.hpp"

#include <elf.h>
#include <gmock/gmock.h>

#include <cstring>
#include <vector>

#include "wire/codec.hpp"

namespace caisson::host {
namespace {

using testing::HasSubstr;

std::string verdict(std::span<const std::byte> bytes, std::uint64_t file_bytes) {
    const auto checked = check_elf(bytes.first(std::min<std::size_t>(bytes.size(), elf_start_bytes)), file_bytes);
    return checked ? "good" : checked.error().text();
}

/// A file of a header and two segments.
class ElfCheckTest : public testing::Test {
   protected:
    ElfCheckTest() {
        std::memcpy(header_.e_ident, ELFMAG, SELFMAG);
        header_.e_ident[EI_CLASS] = ELFCLASS64;
        header_.e_ident[EI_DATA] = ELFDATA2LSB;
        header_.e_type = ET_DYN;
#if defined(__x86_64__)
        header_.e_machine = EM_X86_64;
#else
        header_.e_machine = EM_AARCH64;
#endif
        header_.e_phoff = sizeof header_;
        header_.e_phentsize = sizeof(Elf64_Phdr);
        header_.e_phnum = 2;
        segments_[0].p_type = PT_LOAD;
        segments_[0].p_filesz = file_bytes_;
        segments_[1].p_type = PT_DYNAMIC;
    }

    std::string check() {
        std::vector<std::byte> bytes(file_bytes_);
        std::memcpy(bytes.data(), &header_, sizeof header_);
        std::memcpy(bytes.data() + sizeof header_, segments_, sizeof segments_);
        return verdict(bytes, file_bytes_);
    }

    std::uint64_t file_bytes_ = 1000;
    Elf64_Ehdr header_{};
    Elf64_Phdr segments_[2]{};
};

TEST_F(ElfCheckTest, AcceptsALibrary) { EXPECT_EQ(check(), "good"); }

TEST_F(ElfCheckTest, NamesTruncation) {
    segments_[0].p_filesz = 1001;
    EXPECT_THAT(check(), HasSubstr("truncated: its code and data would end at byte 1001, but it has 1000"));
    segments_[0].p_filesz = ~std::uint64_t{0};
    segments_[0].p_offset = 8;
    EXPECT_THAT(check(), HasSubstr("truncated")) << "sums that overflow";
    segments_[0] = {};
    header_.e_shoff = 990;
    header_.e_shnum = 4;
    header_.e_shentsize = 64;
    EXPECT_THAT(check(), HasSubstr("table of sections"));
    header_.e_phoff = ~std::uint64_t{0} - 10;
    EXPECT_THAT(check(), HasSubstr("table of segments"));
}

TEST_F(ElfCheckTest, NamesOtherMachines) {
    header_.e_machine = EM_RISCV;
    EXPECT_THAT(check(), HasSubstr("built for 64-bit RISC-V; this host is"));
    header_.e_ident[EI_CLASS] = ELFCLASS32;
    header_.e_machine = EM_ARM;
    EXPECT_THAT(check(), HasSubstr("built for 32-bit ARM; this host is"));
    header_.e_ident[EI_DATA] = ELFDATA2MSB;
    header_.e_machine = static_cast<Elf64_Half>(EM_MIPS << 8);
    EXPECT_THAT(check(), HasSubstr("32-bit MIPS, big-endian"));
    header_.e_ident[EI_DATA] = ELFDATA2LSB;
    header_.e_machine = 0x7777;
    EXPECT_THAT(check(), HasSubstr("machine 30583"));
}

TEST_F(ElfCheckTest, NamesOtherKindsOfElf) {
    header_.e_type = ET_REL;
    EXPECT_THAT(check(), HasSubstr("object file"));
    header_.e_type = ET_EXEC;
    EXPECT_THAT(check(), HasSubstr("a program"));
    header_.e_type = ET_CORE;
    EXPECT_THAT(check(), HasSubstr("core dump"));
    header_.e_type = ET_DYN;
    segments_[1].p_type = PT_NULL;
    EXPECT_THAT(check(), HasSubstr("statically linked"));
    header_.e_phnum = 0;
    EXPECT_THAT(check(), HasSubstr("no program headers"));
}

TEST(ElfCheck, NamesWhatIsNoElf) {
    const auto of = [](std::string_view text) { return verdict(wire::bytes_of(text), text.size()); };
    EXPECT_THAT(of(""), HasSubstr("empty"));
    EXPECT_THAT(of("#!/bin/sh\n"), HasSubstr("a script"));
    EXPECT_THAT(of("!<arch>\n"), HasSubstr("a static library"));
    EXPECT_THAT(of("hello\n"), HasSubstr("a text file"));
    EXPECT_THAT(of(std::string_view{"\0\1\2\3\4", 5}), HasSubstr("no ELF file"));
    EXPECT_THAT(of("\x7F"
                   "ELF\2\1"),
                HasSubstr("truncated: its ELF header"));
}

}  // namespace
}  // namespace caisson::host
