// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbolizer.hpp"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>

#include "base/fd.hpp"
#include "base/system.hpp"

namespace caisson::symbolizer {
namespace {

/// Calls that one address can be inlined from. Deeper nests are cut.
constexpr std::size_t max_inlined = 16;
/// Nesting of entries that is followed.
constexpr int max_depth = 64;

void remove_all(std::string& text, std::string_view part) {
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at)) text.erase(at, part.size());
}

/// The name as its author knows it.
std::string readable(const char* symbol) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> plain{abi::__cxa_demangle(symbol, nullptr, nullptr, &status),
                                                       std::free};
    std::string name = plain ? plain.get() : symbol;
    remove_all(name, "(anonymous namespace)::");
    remove_all(name, "[abi:cxx11]");
    return name;
}

/// True for entries that have no code of their own and functions inside.
bool holds_functions(int tag) {
    return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_class_type ||
           tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

/// True for entries that stand for a stretch of code.
bool is_code(int tag) {
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
           tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
}

/// Appends the entries around one instruction, innermost first. libdw's dwarf_getscopes() does not look into
/// namespaces, where clang puts its functions.
bool find_scopes(Dwarf_Die* parent, Dwarf_Addr address, std::vector<Dwarf_Die>& scopes, int depth = 0) {
    Dwarf_Die child;
    if (depth > max_depth || dwarf_child(parent, &child) != 0) return false;
    do {
        const int tag = dwarf_tag(&child);
        if (holds_functions(tag)) {
            if (find_scopes(&child, address, scopes, depth + 1)) return true;
        } else if (is_code(tag) && dwarf_haspc(&child, address) == 1) {
            find_scopes(&child, address, scopes, depth + 1);
            scopes.push_back(child);
            return true;
        }
    } while (dwarf_siblingof(&child, &child) == 0);
    return false;
}

bool has_parameters(Dwarf_Die* function) {
    Dwarf_Die origin;
    Dwarf_Attribute attribute;
    if (dwarf_attr(function, DW_AT_abstract_origin, &attribute) != nullptr &&
        dwarf_formref_die(&attribute, &origin) != nullptr) {
        function = &origin;
    }
    Dwarf_Die child;
    for (int more = dwarf_child(function, &child); more == 0; more = dwarf_siblingof(&child, &child)) {
        if (dwarf_tag(&child) == DW_TAG_formal_parameter) return true;
    }
    return false;
}

/// The name of a function or an inlined instance of one.
std::string name_of(Dwarf_Die* function) {
    Dwarf_Attribute attribute;
    for (const unsigned which : {unsigned{DW_AT_linkage_name}, unsigned{DW_AT_MIPS_linkage_name}}) {
        if (dwarf_attr_integrate(function, which, &attribute) == nullptr) continue;
        if (const char* name = dwarf_formstring(&attribute)) return readable(name);
    }
    const char* name = dwarf_diename(function);
    if (name == nullptr) return {};
    return std::string{name} + (has_parameters(function) ? "(…)" : "()");
}

/// A path without the folder that the compiler ran in. With -ffile-prefix-map sources are named relative to their tree,
/// and the folder of the build, put before them, names a file that does not exist.
std::string without_build_folder(const char* path, Dwarf_Die* unit) {
    const std::string_view whole = path;
    Dwarf_Attribute attribute;
    const char* folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
    if (folder == nullptr || *folder == '\0') return std::string{whole};
    const std::string prefix = std::string{folder} + "/";
    return std::string{whole.starts_with(prefix) ? whole.substr(prefix.size()) : whole};
}

/// Where an inlined function was called, which is the place of the function around it.
void set_call_place(Place& place, Dwarf_Die* instance, Dwarf_Die* unit) {
    Dwarf_Attribute attribute;
    Dwarf_Word number = 0;
    if (dwarf_formudata(dwarf_attr(instance, DW_AT_call_line, &attribute), &number) == 0) {
        place.line = static_cast<int>(number);
    }
    Dwarf_Files* files = nullptr;
    if (dwarf_formudata(dwarf_attr(instance, DW_AT_call_file, &attribute), &number) != 0) return;
    if (dwarf_getsrcfiles(unit, &files, nullptr) != 0) return;
    if (const char* file = dwarf_filesrc(files, number, nullptr, nullptr))
        place.file = without_build_folder(file, unit);
}

/// One file with its debug information, if it has any.
class Module {
   public:
    /// `image` is a descriptor of its bytes, or there is none: then the file is opened.
    explicit Module(const std::string& path, int image = -1) {
        // O_NONBLOCK and the check: the path comes from memory that a plugin could write, and may name a FIFO.
        Fd file{image >= 0 ? ::fcntl(image, F_DUPFD_CLOEXEC, 0)
                           : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
        struct stat status{};
        if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return;
        session_.reset(dwfl_begin(&callbacks()));
        if (!session_) return;
        dwfl_report_begin(session_.get());
        module_ = dwfl_report_offline(session_.get(), path.c_str(), path.c_str(), file.get());
        if (module_ != nullptr) static_cast<void>(file.release());  // libdwfl has taken it
        dwfl_report_end(session_.get(), nullptr, nullptr);
        GElf_Addr bias = 0;
        if (module_ != nullptr && dwfl_module_getelf(module_, &bias) != nullptr) bias_ = bias;
    }

    [[nodiscard]] Resolved resolve(std::uint64_t offset) {
        if (module_ == nullptr) return {{Place{}}};
        const Dwarf_Addr address = offset + bias_;
        Resolved resolved;
        Dwarf_Addr unit_bias = 0;
        if (Dwarf_Die* unit = unit_at(address, unit_bias)) {
            resolved.places = places_around(unit, address - unit_bias);
        }
        if (resolved.places.empty()) resolved.places.emplace_back();
        // The symbol table knows the function's full name even where debug information has none.
        if (const char* symbol = symbol_at(address)) resolved.places.back().function = readable(symbol);
        return resolved;
    }

   private:
    struct EndSession {
        void operator()(Dwfl* session) const { dwfl_end(session); }
    };

    static const Dwfl_Callbacks& callbacks() {
        static const Dwfl_Callbacks offline = {.find_elf = dwfl_build_id_find_elf,
                                               .find_debuginfo = dwfl_standard_find_debuginfo,
                                               .section_address = dwfl_offline_section_address,
                                               .debuginfo_path = nullptr};
        return offline;
    }

    const char* symbol_at(Dwarf_Addr address) {
        GElf_Off distance = 0;
        GElf_Sym symbol;
        const char* name = dwfl_module_addrinfo(module_, address, &distance, &symbol, nullptr, nullptr, nullptr);
        // The nearest symbol before an address is not always the function around it: in a stripped library the next
        // exported one may be far away.
        if (name == nullptr || *name == '\0' || GELF_ST_TYPE(symbol.st_info) != STT_FUNC) return nullptr;
        return symbol.st_size == 0 || distance < symbol.st_size ? name : nullptr;
    }

    /// The compilation unit that has the instruction.
    Dwarf_Die* unit_at(Dwarf_Addr address, Dwarf_Addr& bias) {
        if (Dwarf_Die* unit = dwfl_module_addrdie(module_, address, &bias)) return unit;
        // The above needs .debug_aranges, which clang leaves out.
        Dwarf_Die* unit = nullptr;
        while ((unit = dwfl_module_nextcu(module_, unit, &bias)) != nullptr) {
            if (dwarf_haspc(unit, address - bias) == 1) return unit;
        }
        return nullptr;
    }

    static Place line_at(Dwarf_Die* unit, Dwarf_Addr address) {
        Place place;
        Dwarf_Line* line = dwarf_getsrc_die(unit, address);
        if (line == nullptr) return place;
        static_cast<void>(dwarf_lineno(line, &place.line));
        if (const char* file = dwarf_linesrc(line, nullptr, nullptr)) place.file = without_build_folder(file, unit);
        return place;
    }

    /// From the instruction outwards: each inlined call, then the function that has the machine code.
    static std::vector<Place> places_around(Dwarf_Die* unit, Dwarf_Addr address) {
        std::vector<Dwarf_Die> scopes;
        find_scopes(unit, address, scopes);
        std::vector<Place> places;
        Place here = line_at(unit, address);
        for (Dwarf_Die& scope : scopes) {
            const int tag = dwarf_tag(&scope);
            if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
            here.function = name_of(&scope);
            places.push_back(here);
            if (tag == DW_TAG_subprogram || places.size() > max_inlined) break;
            here = {};
            set_call_place(here, &scope, unit);
        }
        if (places.empty()) places.push_back(here);
        return places;
    }

    std::unique_ptr<Dwfl, EndSession> session_;
    Dwfl_Module* module_ = nullptr;  // of the session
    Dwarf_Addr bias_ = 0;            // between the file's addresses and the session's
};

std::string path_of(const std::string& module) {
    return module.contains('/') ? module : (sys::program_dir() / module).string();
}

}  // namespace

std::vector<Resolved> resolve(const std::vector<Address>& addresses, const Image& image) {
    std::map<std::string, Module> modules;
    std::vector<Resolved> resolved;
    resolved.reserve(addresses.size());
    for (const Address& address : addresses) {
        const bool loaded = !image.module.empty() && address.module == image.module;
        auto [found, fresh] =
            modules.try_emplace(address.module, path_of(address.module), loaded ? image.descriptor : -1);
        const bool before = address.is_return && address.offset > 0;
        resolved.push_back(found->second.resolve(address.offset - (before ? 1 : 0)));
    }
    return resolved;
}

}  // namespace caisson::symbolizer
