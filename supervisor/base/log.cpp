// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "base/log_writer.hpp"
#include "base/system.hpp"
#include "base/text.hpp"

namespace caisson {
namespace {

using Fields = std::span<const LogField>;

constexpr std::string_view json_pattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})";
constexpr std::string_view text_pattern = "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v";

spdlog::level::level_enum to_spdlog(LogLevel level) {
    constexpr std::array levels{spdlog::level::trace, spdlog::level::debug, spdlog::level::info,
                                spdlog::level::warn,  spdlog::level::err,   spdlog::level::off};
    return levels[static_cast<std::size_t>(level)];
}

std::string quoted(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Text: "message key=value key=value"; a value with spaces stands in quotes.
std::string as_text(std::string_view event, std::string_view message, Fields fields) {
    std::string line = printable(message);
    const auto add = [&](const LogField& field) {
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
    };
    if (!event.empty()) add({"event", event});
    for (const LogField& field : fields) add(field);
    return line;
}

// The members of a JSON object, without its braces.
std::string json_members(Fields fields) {
    std::string line;
    for (const LogField& field : fields) {
        append(line, cat(line.empty() ? "\"" : ",\"", field.key, "\":"));
        if (const auto* text = std::get_if<std::string_view>(&field.value))
            append(line, quoted(*text));
        else
            std::visit([&](auto value) { append(line, value); }, field.value);
    }
    return line;
}

// JSON: what stands after the members that the pattern writes (time and level).
std::string as_json(std::string_view event, std::string_view message, Fields fields) {
    std::string line = cat("\"message\":", quoted(message));
    if (!event.empty()) append(line, cat(",\"event\":", quoted(event)));
    if (!fields.empty()) append(line, cat(',', json_members(fields)));
    return line;
}

// The journal: fields as add_to_journal takes them. Values have no zero byte in them.
std::string as_journal(LogLevel level, std::string_view event, std::string_view message, Fields fields) {
    constexpr std::array<char, 6> priorities{'7', '7', '6', '4', '3', '3'};  // of syslog: debug, info, warning, error
    std::string entry =
        cat("MESSAGE=", as_text({}, message, fields), '\0', "PRIORITY=", priorities[static_cast<std::size_t>(level)],
            '\0', "SYSLOG_IDENTIFIER=caisson", '\0');
    const auto add = [&](const LogField& field) {
        append(entry, "CAISSON_");
        for (const char c : field.key) append(entry, static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
        append(entry, '=');
        if (const auto* text = std::get_if<std::string_view>(&field.value))
            append(entry, printable(*text));
        else
            std::visit([&](auto value) { append(entry, value); }, field.value);
        append(entry, '\0');
    };
    if (!event.empty()) add({"event", event});
    for (const LogField& field : fields) add(field);
    return entry;
}

std::string_view pool_in(Fields fields) {
    const auto pool = std::ranges::find(fields, std::string_view{"pool"}, &LogField::key);
    const auto* const name = pool == fields.end() ? nullptr : std::get_if<std::string_view>(&pool->value);
    return name == nullptr ? std::string_view{} : *name;
}

/// How a line is written.
enum class Shape : std::uint8_t { text, json, journal };

std::string line_of(Shape shape, std::string_view event, LogLevel level, std::string_view message, Fields fields) {
    switch (shape) {
        case Shape::text:
            return as_text(event, message, fields);
        case Shape::json:
            return as_json(event, message, fields);
        case Shape::journal:
            return as_journal(level, event, message, fields);
    }
    return {};
}

/// The end of spdlog's queue, on the thread of its own.
class Sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
   public:
    Sink(LogWriter writer, Shape shape) : writer_(std::move(writer)), shape_(shape) {}

    void watch(spdlog::details::thread_pool& queue) { queue_ = &queue; }
    [[nodiscard]] LogWriter& writer() { return writer_; }

   protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const auto excuse = [&](std::string_view what, std::uint64_t count, std::string_view why) {
            std::vector<LogField> fields{{"count", count}};
            if (!why.empty()) fields.emplace_back("why", why);
            const auto text = line_of(shape_, {}, LogLevel::warn, what, fields);
            return formatted({message.time, {}, {}, spdlog::level::warn, {text.data(), text.size()}});
        };
        if (queue_ != nullptr) writer_.note_overrun(queue_->overrun_counter(), excuse);
        writer_.write(formatted(message), excuse);
    }
    void flush_() override {}

   private:
    [[nodiscard]] std::string formatted(const spdlog::details::log_msg& message) {
        if (shape_ == Shape::journal) return {message.payload.data(), message.payload.size()};
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        return {line.data(), line.size()};
    }

    LogWriter writer_;
    Shape shape_;
    spdlog::details::thread_pool* queue_ = nullptr;
};

}  // namespace

struct Log::Impl {
    Shape shape = Shape::text;
    LogLevel level = LogLevel::info;
    std::shared_ptr<Sink> sink;
    std::shared_ptr<spdlog::details::thread_pool> queue;
    std::shared_ptr<spdlog::async_logger> logger;
    LogRing ring{limits::log_records, limits::log_record_bytes};
    std::function<void(const LogRecord&)> listener;

    // The queue goes first: its thread writes what is in it, and then ends.
    ~Impl() {
        if (sink) sink->writer().close();
        logger.reset();
        queue.reset();
    }
};

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Log::Log(Log&&) noexcept = default;
Log& Log::operator=(Log&&) noexcept = default;
Log::~Log() = default;

Result<Log> Log::open(const LogOptions& options) {
    auto writer = LogWriter::open(options.file, options.journal);
    if (!writer) return fail(writer.error().what, "check log.file");
    auto impl = std::make_unique<Impl>();
    const bool journal = options.journal && options.file.empty();
    impl->shape = journal ? Shape::journal : options.json ? Shape::json : Shape::text;
    impl->level = options.level;
    impl->sink = std::make_shared<Sink>(std::move(*writer), impl->shape);
    impl->sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        std::string{options.json ? json_pattern : text_pattern}, spdlog::pattern_time_type::utc));
    try {
        impl->queue = std::make_shared<spdlog::details::thread_pool>(limits::log_queue_lines, 1);
    } catch (const std::exception& error) {
        return fail(cat("cannot start the log's thread: ", std::string_view{error.what()}));
    }
    impl->sink->watch(*impl->queue);
    // The default for a full queue is to wait for room: a slow terminal would stop the supervisor.
    impl->logger = std::make_shared<spdlog::async_logger>("caisson", impl->sink, impl->queue,
                                                          spdlog::async_overflow_policy::overrun_oldest);
    impl->logger->set_level(spdlog::level::trace);
    return Log{std::move(impl)};
}

Log Log::silent() { return Log{nullptr}; }

void Log::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
    put({}, level, message, {fields.begin(), fields.size()});
}

void Log::event(std::string_view name, LogLevel level, std::string_view message,
                std::initializer_list<LogField> fields) {
    put(name, level, message, {fields.begin(), fields.size()});
}

void Log::put(std::string_view event, LogLevel level, std::string_view message, std::span<const LogField> fields) {
    if (!impl_) return;
    const bool written = level >= impl_->level;
    if (!written && event.empty()) return;
    if (written) {
        const auto line = line_of(impl_->shape, event, level, message, fields);
        impl_->logger->log(to_spdlog(level), spdlog::string_view_t{line.data(), line.size()});
    }
    const auto& record = impl_->ring.add({.time = sys::wall_time(),
                                          .level = level,
                                          .event = std::string{event},
                                          .pool = std::string{pool_in(fields)},
                                          .message = std::string{message},
                                          .fields = cat('{', json_members(fields), '}')});
    if (impl_->listener) impl_->listener(record);
}

void Log::set_level(LogLevel level) {
    if (impl_) impl_->level = level;
}

std::uint64_t Log::dropped() const {
    return impl_ ? impl_->queue->overrun_counter() + impl_->sink->writer().lost() : 0;
}

const LogRing& Log::records() const {
    static const LogRing none{0, 0};
    return impl_ ? impl_->ring : none;
}

void Log::on_record(std::function<void(const LogRecord&)> listener) {
    if (impl_) impl_->listener = std::move(listener);
}

}  // namespace caisson
