// SPDX-License-Identifier: Apache-2.0
#include "host/elf_check.hpp"

#include <elf.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string_view>

#include "base/text.hpp"

namespace caisson::host {
namespace {

struct Machine {
    std::uint16_t number;
    std::string_view name;
};
constexpr Machine machines[] = {
    {EM_X86_64, "x86-64"}, {EM_386, "x86"},       {EM_AARCH64, "64-bit ARM"},  {EM_ARM, "ARM"},
    {EM_RISCV, "RISC-V"},  {EM_PPC64, "PowerPC"}, {EM_PPC, "PowerPC"},         {EM_S390, "s390x"},
    {EM_MIPS, "MIPS"},     {EM_SPARCV9, "SPARC"}, {EM_LOONGARCH, "LoongArch"},
};

#if defined(__x86_64__)
constexpr std::uint16_t host_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t host_machine = EM_AARCH64;
#elif defined(__riscv)
constexpr std::uint16_t host_machine = EM_RISCV;
#else
#error "Say here which ELF machine this is"
#endif
static_assert(sizeof(void*) == 8, "the checks below read 64-bit ELF files");

std::string machine_name(std::uint16_t number, bool is_64_bit) {
    const auto* found = std::ranges::find(machines, number, &Machine::number);
    std::string name =
        found != std::end(machines) ? std::string{found->name} : cat("machine ", number, " (unknown to Caisson)");
    // These two have the width in their name.
    if (number == EM_X86_64 || number == EM_AARCH64) return name;
    return (is_64_bit ? "64-bit " : "32-bit ") + name;
}

/// What a text file most likely is, for people.
std::string describe(std::span<const std::byte> start) {
    const std::string_view text{reinterpret_cast<const char*>(start.data()), std::min<std::size_t>(start.size(), 64)};
    if (text.starts_with("#!")) return "a script";
    if (text.starts_with("!<arch>")) return "a static library (.a)";
    if (text.starts_with("INPUT") || text.starts_with("GROUP") || text.starts_with("/* GNU ld script")) {
        return "a linker script";
    }
    const bool printable = std::ranges::all_of(
        text, [](char c) { return std::isprint(static_cast<unsigned char>(c)) != 0 || c == '\n' || c == '\t'; });
    return printable ? "a text file" : "no ELF file";
}

std::unexpected<Error> truncated(std::string_view what, std::uint64_t end, std::uint64_t file_bytes) {
    return fail(cat("the file is truncated: its ", what, " would end at byte ", end, ", but it has ", file_bytes),
                "copy it again, and rename it into place when it is complete");
}

/// The end of a piece of the file; saturates, for the numbers come from the file.
std::uint64_t end_of(std::uint64_t offset, std::uint64_t size) {
    return offset > ~std::uint64_t{0} - size ? ~std::uint64_t{0} : offset + size;
}

Result<void> check_segments(std::span<const std::byte> start, const Elf64_Ehdr& header, std::uint64_t file_bytes) {
    if (header.e_phnum == 0 || header.e_phentsize != sizeof(Elf64_Phdr)) {
        return fail("the file has no program headers", "it is an object file or damaged; link it as a shared library");
    }
    const std::uint64_t table_end = end_of(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr));
    if (table_end > file_bytes) return truncated("table of segments", table_end, file_bytes);
    if (table_end > start.size()) return fail("the file's program headers stand where no linker puts them");

    bool dynamic = false;
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment;
        std::memcpy(&segment, start.data() + header.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type == PT_DYNAMIC) dynamic = true;
        const std::uint64_t end = end_of(segment.p_offset, segment.p_filesz);
        if (segment.p_type == PT_LOAD && end > file_bytes) return truncated("code and data", end, file_bytes);
    }
    if (!dynamic) return fail("the file is statically linked", "link it as a shared library (-shared)");
    if (header.e_shoff != 0) {
        const std::uint64_t end = end_of(header.e_shoff, std::uint64_t{header.e_shnum} * header.e_shentsize);
        if (end > file_bytes) return truncated("table of sections", end, file_bytes);
    }
    return {};
}

}  // namespace

Result<void> check_elf(std::span<const std::byte> start, std::uint64_t file_bytes) {
    if (file_bytes == 0) return fail("the file is empty", "copy the plugin again");
    if (start.size() < SELFMAG || std::memcmp(start.data(), ELFMAG, SELFMAG) != 0) {
        return fail(cat("it is ", describe(start), ", not a shared library"), "name the .so file that the linker made");
    }
    // Class and machine are readable even in files of the other class: both headers begin alike.
    Elf32_Ehdr common;
    if (start.size() < sizeof common) return truncated("ELF header", sizeof common, file_bytes);
    std::memcpy(&common, start.data(), sizeof common);
    const bool is_64_bit = common.e_ident[EI_CLASS] == ELFCLASS64;
    const bool big_endian = common.e_ident[EI_DATA] == ELFDATA2MSB;
    const auto swapped = static_cast<std::uint16_t>(common.e_machine << 8 | common.e_machine >> 8);
    const std::uint16_t machine = big_endian ? swapped : common.e_machine;
    if (!is_64_bit || big_endian || machine != host_machine) {
        return fail(cat("it is built for ", machine_name(machine, is_64_bit), big_endian ? ", big-endian" : "",
                        "; this host is ", machine_name(host_machine, true)),
                    "build the plugin for this machine");
    }
    Elf64_Ehdr header;
    if (start.size() < sizeof header) return truncated("ELF header", sizeof header, file_bytes);
    std::memcpy(&header, start.data(), sizeof header);
    if (header.e_type == ET_REL) return fail("it is an object file (.o)", "link it as a shared library (-shared)");
    if (header.e_type == ET_CORE) return fail("it is a core dump, not a shared library");
    if (header.e_type != ET_DYN) return fail("it is a program, not a shared library", "link it with -shared");
    return check_segments(start, header, file_bytes);
}

}  // namespace caisson::host
