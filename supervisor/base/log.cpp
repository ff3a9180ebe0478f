// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace caisson {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::trace:
            return spdlog::level::trace;
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warn:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
        case LogLevel::off:
            return spdlog::level::off;
    }
    return spdlog::level::info;
}

// Text: "message  key=value key=value"; a value with spaces stands in quotes.
std::string as_text(std::string_view message, std::span<const LogField> fields) {
    std::string line = printable(message);
    for (const LogField& field : fields) {
        append(line, ' ');
        append(line, field.key);
        append(line, '=');
        if (const auto* text = std::get_if<std::string_view>(&field.value)) {
            const bool plain = !text->empty() && text->find_first_of(" \"=") == std::string_view::npos;
            if (!plain) append(line, '"');
            append(line, printable(*text));
            if (!plain) append(line, '"');
        } else {
            std::visit([&](auto value) { append(line, value); }, field.value);
        }
    }
    return line;
}

// JSON: the members of the object after those that the pattern writes (time and level).
std::string as_json(std::string_view message, std::span<const LogField> fields) {
    const auto quoted = [](std::string_view text) {
        return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    };
    std::string line = cat("\"message\":", quoted(message));
    for (const LogField& field : fields) {
        append(line, cat(",\"", field.key, "\":"));
        if (const auto* text = std::get_if<std::string_view>(&field.value))
            append(line, quoted(*text));
        else
            std::visit([&](auto value) { append(line, value); }, field.value);
    }
    return line;
}

}  // namespace

struct Log::Impl {
    std::shared_ptr<spdlog::details::thread_pool> writer;
    std::shared_ptr<spdlog::async_logger> logger;
    bool json = false;
    std::uint64_t said_dropped = 0;

    // The logger goes first: its sink is flushed by the writer, which then drains its queue and ends.
    ~Impl() {
        if (logger) logger->flush();
    }
};

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Log::Log(Log&&) noexcept = default;
Log& Log::operator=(Log&&) noexcept = default;
Log::~Log() = default;

Result<Log> Log::open(const LogOptions& options) {
    auto impl = std::make_unique<Impl>();
    impl->json = options.json;
    spdlog::sink_ptr sink;
    try {
        if (options.file.empty())
            sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
        else
            sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file.string());
        // The default overflow of a full queue is to wait for room: a slow terminal would stop the supervisor.
        impl->writer = std::make_shared<spdlog::details::thread_pool>(limits::log_queue_lines, 1);
    } catch (const std::exception& error) {
        return fail(cat("cannot open the log ", options.file.string(), ": ", std::string_view{error.what()}),
                    "check log.file");
    }
    impl->logger = std::make_shared<spdlog::async_logger>("caisson", std::move(sink), impl->writer,
                                                          spdlog::async_overflow_policy::overrun_oldest);
    const char* pattern =
        options.json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v";
    impl->logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
    impl->logger->set_level(to_spdlog(options.level));
    impl->logger->flush_on(spdlog::level::info);
    return Log{std::move(impl)};
}

Log Log::silent() { return Log{nullptr}; }

void Log::write(LogLevel level, std::string_view message, Fields fields) {
    put(level, message, {fields.begin(), fields.size()});
}

void Log::event(std::string_view name, LogLevel level, std::string_view message, Fields fields) {
    std::vector<LogField> all{{"event", name}};
    all.insert(all.end(), fields.begin(), fields.end());
    put(level, message, all);
}

void Log::put(LogLevel level, std::string_view message, std::span<const LogField> fields) {
    if (!impl_ || !impl_->logger->should_log(to_spdlog(level))) return;
    const auto line = impl_->json ? as_json(message, fields) : as_text(message, fields);
    impl_->logger->log(to_spdlog(level), spdlog::string_view_t{line.data(), line.size()});
    if (const auto now = dropped(); now != impl_->said_dropped) {
        const auto count = now - std::exchange(impl_->said_dropped, now);
        write(LogLevel::warn, "log lines dropped: the writer is behind", {{"count", count}});
    }
}

void Log::set_level(LogLevel level) {
    if (impl_) impl_->logger->set_level(to_spdlog(level));
}

std::uint64_t Log::dropped() const { return impl_ ? impl_->writer->overrun_counter() : 0; }

}  // namespace caisson
