// SPDX-License-Identifier: Apache-2.0
#include "settings/schema.hpp"

#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "base/suggest.hpp"
#include "base/text.hpp"
#include "settings/listen.hpp"
#include "settings/pool_schema.hpp"
#include "settings/validate.hpp"

namespace caisson::settings {
namespace {

constexpr std::array section_names = {std::string_view{"service"},  std::string_view{"access"},
                                      std::string_view{"log"},      std::string_view{"metrics"},
                                      std::string_view{"defaults"}, std::string_view{"pool"}};

constexpr Choice<std::string_view> log_levels[] = {{"trace", "trace"}, {"debug", "debug"}, {"info", "info"},
                                                   {"warn", "warn"},   {"error", "error"}, {"off", "off"}};
constexpr Choice<LogFormat> log_formats[] = {{"text", LogFormat::text}, {"json", LogFormat::json}};

void read_socket(Reader& in, std::filesystem::path& socket) {
    const Node* node = in.take("socket");
    if (!node) return;
    const auto* text = node->as<std::string>();
    if (!text) return in.wrong_type("socket", *node, "a path", "\"/run/caisson/caisson.sock\"");
    const auto path = in.resolved("socket", node->place, *text);
    if (!path) return;
    if (const auto fault = socket_path_fault(*path))
        return in.wrong("socket", node->place, "is too long: " + fault->what, fault->hint);
    socket = *path;
}

void read(Reader& in, Service& service) {
    read_socket(in, service.socket);
    in.path("plugin_dir", service.plugin_dir);
    in.flag("discover", service.discover);
    in.flag("watch", service.watch);
    in.duration("settle", service.settle, bounds::settle);
    in.path("state_dir", service.state_dir);
    in.count("crash_reports", service.crash_reports, bounds::crash_reports);
    in.count("max_sessions", service.max_sessions, bounds::sessions);
    in.count("max_sessions_per_user", service.max_sessions_per_user, bounds::sessions);
    in.duration("handshake_timeout", service.handshake_timeout, bounds::handshake_timeout);
    in.duration("drain", service.drain, bounds::drain);
    in.duration("upgrade_timeout", service.upgrade_timeout, bounds::upgrade_timeout);
    in.duration("idle_timeout", service.idle_timeout, bounds::idle_timeout);
}

void read_mode(Reader& in, std::string& mode) {
    const Node* node = in.take("mode");
    if (!node) return;
    const auto* text = node->as<std::string>();
    if (!text) return in.wrong_type("mode", *node, "octal digits in quotes", "\"0600\"");
    if (const auto fault = mode_fault(*text))
        return in.wrong("mode", node->place, "cannot be: " + fault->what, fault->hint);
    mode = *text;
}

/// A group is named as in access lists, but without "@".
void read_group(Reader& in, std::string& group) {
    const Node* node = in.take("group");
    if (!node) return;
    const auto* text = node->as<std::string>();
    if (!text) return in.wrong_type("group", *node, "the name of a group", "\"staff\"");
    if (text->starts_with('@') || *text == "*" || access_entry_fault(*text))
        return in.wrong("group", node->place, cat("is ", in_quotes(*text), ", which is no name of a group"),
                        "for example group = \"staff\"");
    group = *text;
}

void read(Reader& in, Access& access) {
    read_mode(in, access.mode);
    read_group(in, access.group);
    in.list("call", access.call);
    in.list("operate", access.operate);
    in.list("admin", access.admin);
}

void read(Reader& in, Log& log) {
    std::string_view level = log.level;
    in.choice<std::string_view>("level", level, log_levels);
    log.level = std::string{level};
    in.choice<LogFormat>("format", log.format, log_formats);
    in.path("file", log.file);
    in.count("plugin_lines", log.plugin_lines, bounds::plugin_lines);
    in.size("plugin_line_bytes", log.plugin_line_bytes, bounds::plugin_line_bytes);
}

void read_listen(Reader& in, std::string& listen) {
    const Node* node = in.take("listen");
    if (!node) return;
    const auto* text = node->as<std::string>();
    if (!text) return in.wrong_type("listen", *node, "an address in quotes", "\"127.0.0.1:9464\"");
    const auto parsed = parse_listen(*text);
    if (!parsed) return in.wrong("listen", node->place, parsed.error().what, parsed.error().hint);
    listen = *text;
    if (parsed->kind != Listen::Kind::path) return;
    const auto path = in.resolved("listen", node->place, *text);
    if (!path) return;
    if (const auto fault = socket_path_fault(*path))
        return in.wrong("listen", node->place, "is too long: " + fault->what, fault->hint);
    listen = path->native();
}

void read(Reader& in, Metrics& metrics) {
    read_listen(in, metrics.listen);
    in.list("hosts", metrics.hosts);
    in.flag("page", metrics.page);
    in.flag("operate", metrics.operate);
}

/// Where `dotted` stands in `table`, or the nearest table around it, or nowhere.
Place place_of(const Table* table, std::string_view dotted) {
    Place place;
    while (table) {
        const auto dot = dotted.find('.');
        const Member* member = table->find(dotted.substr(0, dot));
        if (!member) break;
        place = member->place;
        if (dot == std::string_view::npos) break;
        table = member->value.as<Table>();
        dotted.remove_prefix(dot + 1);
    }
    return place;
}

bool same_text(const Contradiction& left, const Contradiction& right) { return left.error.what == right.error.what; }

/// Says which values of `pool` contradict each other, but not again what [defaults] is blamed for already.
void report_contradictions(Reader& in, const Pool& pool, const Table& table, Place around,
                           const std::vector<Contradiction>& known) {
    for (const Contradiction& found : contradictions(pool)) {
        if (std::ranges::any_of(known, [&](const Contradiction& one) { return same_text(one, found); })) continue;
        const Place place = place_of(&table, found.key);
        in.problem(place.line > 0 ? place : around, found.error.what, found.error.hint);
    }
}

/// Reads a whole document: each step takes one kind of section.
class Document {
   public:
    Document(const Table& root, Reading& reading) : root_(root), reading_(reading) {}

    [[nodiscard]] Settings read_all() {
        read_section("service", settings_.service);
        read_section("access", settings_.access);
        read_section("log", settings_.log);
        read_section("metrics", settings_.metrics);
        read_default_pool();
        if (const Member* member = root_.find("pool")) read_pools(*member);
        report_unknown_sections();
        return std::move(settings_);
    }

   private:
    /// The table of a section, if it is there and is one.
    const Table* section_table(std::string_view name) {
        const Member* member = root_.find(name);
        if (!member) return nullptr;
        const auto* table = member->value.as<Table>();
        if (!table)
            report(member->value.place,
                   cat(in_quotes(name), " is ", describe(member->value), ", but must be a section"),
                   cat("write [", name, "] on a line of its own, and its keys below"));
        return table;
    }

    template <class T>
    void read_section(const std::string& name, T& value) {
        const Section section{.name = name, .label = name};
        Reader reader{reading_, section, section_table(name)};
        read(reader, value);
        reader.finish();
    }

    void read_default_pool() {
        const Section section{.name = "defaults", .label = "defaults"};
        const Table* table = section_table("defaults");
        Reader reader{reading_, section, table};
        read_defaults(reader, settings_.defaults);
        reader.finish();
        if (!table) return;
        default_contradictions_ = contradictions(settings_.defaults);
        report_contradictions(reader, settings_.defaults, *table, root_.find("defaults")->place, {});
    }

    void read_pools(const Member& pools) {
        const auto* table = pools.value.as<Table>();
        if (!table)
            return report(pools.value.place,
                          cat("\"pool\" is ", describe(pools.value), ", but each pool must be a section of its own"),
                          "write [pool.NAME] on a line of its own, and its keys below");
        if (table->members.size() > limits::pools)
            return report(pools.place,
                          cat("there are ", table->members.size(), " pools, above the bound of ", limits::pools),
                          "each costs descriptors and memory; run a second service");
        for (const Member& member : table->members) read_pool(member);
    }

    void read_pool(const Member& member) {
        const std::string& name = member.key;
        const Section section{
            .name = "pool." + name, .label = "pool " + printable(name), .scope = Scope::pool, .pool = name};
        const std::size_t problems_before = reading_.problems.size();
        const auto* table = member.value.as<Table>();
        Reader reader{reading_, section, table};
        if (!is_pool_name(name))
            reader.problem(
                member.place,
                cat(in_quotes(name), " is no name of a pool: it has a-z, 0-9, _ and -, at least one and at most ",
                    bounds::pool_name_bytes),
                cat("for example [pool.", near_pool_name(name), ']'));
        Pool pool = settings_.discovered(name, name);
        if (table) {
            read_named_pool(reader, pool);
            reader.finish();
            report_contradictions(reader, pool, *table, member.place, default_contradictions_);
        } else {
            reader.problem(member.value.place, cat("is ", describe(member.value), ", but must be a section"),
                           cat("write [pool.", is_pool_name(name) ? name : "NAME", "] on a line of its own"));
        }
        if (reading_.problems.size() == problems_before)
            settings_.pools.push_back(std::move(pool));
        else
            settings_.rejected[name] = pool.plugin;
    }

    void report_unknown_sections() {
        for (const Member& member : root_.members) {
            if (std::ranges::find(section_names, member.key) != section_names.end()) continue;
            const auto meant = nearest(member.key, section_names);
            const bool is_section = member.value.as<Table>() || member.value.as<Array>();
            const std::string hint = meant        ? cat("did you mean \"", *meant, "\"?")
                                     : is_section ? "there are service, access, log, metrics, defaults and pool.NAME"
                                                  : "every key stands in a section, such as [service]";
            report(member.place, cat("unknown ", is_section ? "section " : "key ", in_quotes(member.key)), hint);
        }
    }

    void report(Place place, std::string what, std::string hint) {
        reading_.problems.push_back({reading_.file, place, Scope::file, {}, std::move(what), std::move(hint)});
    }

    const Table& root_;
    Reading& reading_;
    Settings settings_;
    std::vector<Contradiction> default_contradictions_;
};

}  // namespace

Settings read_settings(const Table& root, Reading& reading) { return Document{root, reading}.read_all(); }

std::set<std::string> known_keys() {
    // A pool with a method, and no other keys, asks for every key that there is.
    const auto around = [](const char* key, Table inner) {
        Table table;
        table.members.push_back({key, {}, {{}, std::move(inner)}});
        return table;
    };
    const Table root = around("pool", around("NAME", around("methods", around("METHOD", {}))));
    Reading reading;
    static_cast<void>(read_settings(root, reading));
    return std::move(reading.known);
}

}  // namespace caisson::settings
