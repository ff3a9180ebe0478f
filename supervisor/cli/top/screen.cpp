// SPDX-License-Identifier: Apache-2.0
#include "cli/top/screen.hpp"

#define NCURSES_NOMACROS 1
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): ncurses asks for it
#define _XOPEN_SOURCE_EXTENDED 1
#include <fcntl.h>
#include <ncursesw/curses.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwctype>

#include "base/fd.hpp"
#include "base/text.hpp"

namespace caisson::cli::top {
namespace {

// Between the bytes of one key on a slow line; a lone Escape is one after this.
constexpr int escape_delay_ms = 50;

// ---- when the process dies ------------------------------------------------------------------------------------------

// What a dying process writes and sets so that the terminal is usable. A signal handler gets no pointer of ours, and
// may call next to nothing: everything is prepared here.
struct Emergency {
    int terminal = -1;
    termios modes{};
    std::array<char, 256> text{};
    std::size_t size = 0;
};
Emergency emergency;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

constexpr std::array deadly_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};

void on_deadly_signal(int number) {
    (void)!::write(emergency.terminal, emergency.text.data(), emergency.size);
    ::tcsetattr(emergency.terminal, TCSANOW, &emergency.modes);
    ::raise(number);  // its handler is reset
}

// Appends a capability of the terminal, without its notes on delays, which only real terminals of glass needed.
void prepare(const char* capability) {
    const char* const text = ::tigetstr(capability);
    if (text == nullptr || text == reinterpret_cast<const char*>(-1)) return;  // NOLINT(performance-no-int-to-ptr)
    for (const char* at = text; *at != '\0' && emergency.size < emergency.text.size(); ++at) {
        if (at[0] == '$' && at[1] == '<' && std::strchr(at, '>') != nullptr)
            at = std::strchr(at, '>');
        else
            emergency.text[emergency.size++] = *at;
    }
}

class DeathWatch {
   public:
    DeathWatch(int terminal, const termios& modes) {
        emergency = {.terminal = terminal, .modes = modes};
        for (const auto* capability : {"rmkx", "sgr0", "cnorm", "rmcup"}) prepare(capability);
        struct sigaction action{};
        action.sa_handler = on_deadly_signal;
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        for (std::size_t i = 0; i < deadly_signals.size(); ++i) ::sigaction(deadly_signals[i], &action, &before_[i]);
    }
    DeathWatch(const DeathWatch&) = delete;
    DeathWatch& operator=(const DeathWatch&) = delete;
    ~DeathWatch() {
        for (std::size_t i = 0; i < deadly_signals.size(); ++i) ::sigaction(deadly_signals[i], &before_[i], nullptr);
    }

   private:
    std::array<struct sigaction, deadly_signals.size()> before_{};
};

// ---- looks ----------------------------------------------------------------------------------------------------------

using Looks = std::array<attr_t, role_count>;  // by Role

Looks looks_without_colours() {
    return {A_NORMAL, A_BOLD, A_BOLD, A_BOLD | A_UNDERLINE, A_REVERSE, A_NORMAL, A_BOLD, A_BOLD | A_UNDERLINE, A_BOLD};
}

Looks looks_with_colours() {
    constexpr short red = 1;
    constexpr short yellow = 2;
    constexpr short cyan = 3;
    ::init_pair(red, COLOR_RED, -1);
    ::init_pair(yellow, COLOR_YELLOW, -1);
    ::init_pair(cyan, COLOR_CYAN, -1);
    const auto pair = [](short number) { return static_cast<attr_t>(COLOR_PAIR(number)); };
    return {A_NORMAL,           A_BOLD, pair(cyan),   pair(cyan) | A_BOLD | A_UNDERLINE,
            A_REVERSE,          A_DIM,  pair(yellow), pair(red) | A_BOLD,
            pair(cyan) | A_BOLD};
}

Looks looks() {
    const char* const none = std::getenv("NO_COLOR");
    const bool wanted = none == nullptr || *none == '\0';
    if (!wanted || !::has_colors() || ::start_color() == ERR || ::use_default_colors() == ERR)
        return looks_without_colours();
    return looks_with_colours();
}

// ---- keys -----------------------------------------------------------------------------------------------------------

Key key_of_code(wint_t code) {
    using enum Key::Name;
    switch (code) {
        case KEY_UP:
            return {up};
        case KEY_DOWN:
            return {down};
        case KEY_PPAGE:
            return {page_up};
        case KEY_NPAGE:
            return {page_down};
        case KEY_HOME:
            return {home};
        case KEY_END:
            return {end};
        case KEY_BTAB:
            return {tab};
        case KEY_ENTER:
            return {enter};
        case KEY_BACKSPACE:
        case KEY_DC:
            return {erase};
        case KEY_F(1):
            return {character, U'h'};
        default:
            return {unknown};
    }
}

Key key_of_character(wint_t code) {
    using enum Key::Name;
    switch (code) {
        case L'\t':
            return {tab};
        case L'\r':
        case L'\n':
            return {enter};
        case 0x1B:
            return {escape};
        case 0x08:
        case 0x7F:
            return {erase};
        case 0x0C:  // Ctrl-L
            return {redraw};
        default:
            return std::iswprint(code) != 0 ? Key{character, static_cast<char32_t>(code)} : Key{unknown};
    }
}

struct CloseFile {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// A stream of its own, so that closing it leaves the descriptor alone.
File stream_of(int descriptor, const char* mode) {
    Fd copy{::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)};
    File file{copy ? ::fdopen(copy.get(), mode) : nullptr};
    if (file) (void)copy.release();
    return file;
}

constexpr std::string_view instead = "`caisson status --watch` and `caisson top --batch` need nothing of a terminal";

}  // namespace

struct Screen::State {
    File in;
    File out;
    SCREEN* terminal = nullptr;
    Looks looks{};
    std::optional<DeathWatch> watch;

    // On a terminal without a second screen the shell goes on in the last row.
    static void give_back() {
        ::wmove(stdscr, ::getmaxy(stdscr) - 1, 0);
        ::wclrtoeol(stdscr);
        ::wrefresh(stdscr);
        ::endwin();
    }

    ~State() {
        if (terminal == nullptr) return;
        give_back();
        watch.reset();
        ::delscreen(terminal);
    }
};

Result<std::unique_ptr<Screen>> Screen::open(int in, int out) {
    if (::isatty(in) != 1 || ::isatty(out) != 1) return fail("there is no terminal", std::string{instead});
    const char* const name = std::getenv("TERM");
    const std::string shown = name == nullptr || *name == '\0' ? "TERM is not set" : cat("TERM is ", in_quotes(name));
    if (name == nullptr || *name == '\0' || std::strcmp(name, "dumb") == 0)
        return fail(cat("this terminal cannot move its cursor (", shown, ')'), std::string{instead});
    auto state = std::make_unique<State>();
    state->in = stream_of(in, "r");
    state->out = stream_of(out, "w");
    if (!state->in || !state->out) return fail("the terminal cannot be opened: no descriptor is left");
    termios before{};
    ::tcgetattr(out, &before);
    state->terminal = ::newterm(nullptr, state->out.get(), state->in.get());
    if (state->terminal == nullptr)
        return fail(cat("this host knows nothing of the terminal (", shown, ')'), std::string{instead});
    if (const char* const move = ::tigetstr("cup"); move == nullptr || move == reinterpret_cast<const char*>(-1))
        return fail(cat("this terminal cannot move its cursor (", shown, ')'), std::string{instead});
    state->watch.emplace(out, before);
    state->looks = looks();
    return std::unique_ptr<Screen>{new Screen{std::move(state)}};
}

Screen::Screen(std::unique_ptr<State> state) : state_(std::move(state)) {
    ::set_escdelay(escape_delay_ms);
    ::cbreak();
    ::noecho();
    ::nonl();
    ::curs_set(0);
    ::keypad(stdscr, TRUE);
    ::nodelay(stdscr, TRUE);
    // Ctrl-S would hold the program in the middle of drawing, deaf to everything.
    termios modes{};
    const int terminal = ::fileno(state_->in.get());
    if (::tcgetattr(terminal, &modes) == 0) {
        modes.c_iflag &= ~static_cast<tcflag_t>(IXON);
        ::tcsetattr(terminal, TCSANOW, &modes);
        ::def_prog_mode();
    }
    resized();
}

Screen::~Screen() = default;

Size Screen::size() const {
    return {static_cast<std::size_t>(std::max(::getmaxx(stdscr), 1)),
            static_cast<std::size_t>(std::max(::getmaxy(stdscr), 1))};
}

void Screen::show(const Canvas& canvas) {
    ::werase(stdscr);
    for (std::size_t row = 0; row < canvas.size().rows; ++row) {
        for (std::size_t column = 0; column < canvas.size().columns;) {
            const auto role = canvas.at(row, column).role;
            const auto start = column;
            std::wstring run;
            for (; column < canvas.size().columns && canvas.at(row, column).role == role; ++column)
                if (const auto code = canvas.at(row, column).code; code != U'\0') run += static_cast<wchar_t>(code);
            ::wattrset(stdscr, static_cast<int>(state_->looks[static_cast<std::size_t>(role)]));
            ::mvwaddnwstr(stdscr, static_cast<int>(row), static_cast<int>(start), run.data(),
                          static_cast<int>(run.size()));
        }
    }
    // Where a cursor that cannot be hidden is least in the way.
    ::wmove(stdscr, static_cast<int>(canvas.size().rows) - 1, 0);
    ::wrefresh(stdscr);
}

std::optional<Key> Screen::key() {
    wint_t code = 0;
    switch (::wget_wch(stdscr, &code)) {
        case KEY_CODE_YES:
            return key_of_code(code);
        case OK:
            return key_of_character(code);
        default:
            return std::nullopt;
    }
}

void Screen::resized() {
    winsize now{};
    if (::ioctl(::fileno(state_->out.get()), TIOCGWINSZ, &now) != 0 || now.ws_row == 0 || now.ws_col == 0) return;
    ::resize_term(now.ws_row, now.ws_col);
    forget();
}

void Screen::forget() { ::clearok(stdscr, TRUE); }

void Screen::stop() {
    State::give_back();
    ::raise(SIGSTOP);
    resized();
    forget();
}

// The name that most people's terminals send along is often of a locale that this host does not have; that it is one of
// UTF-8 is what matters.
Characters::Characters() : before_(std::setlocale(LC_CTYPE, nullptr)) {
    if (std::setlocale(LC_CTYPE, "") != nullptr) return;
    for (const auto* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* const value = std::getenv(variable);
        if (value == nullptr || *value == '\0') continue;
        const std::string_view name{value};
        const bool unicode = name.ends_with("UTF-8") || name.ends_with("utf8") || name.ends_with("UTF8");
        if (unicode) (void)std::setlocale(LC_CTYPE, "C.UTF-8");
        return;
    }
}

Characters::~Characters() { (void)std::setlocale(LC_CTYPE, before_.c_str()); }

}  // namespace caisson::cli::top
