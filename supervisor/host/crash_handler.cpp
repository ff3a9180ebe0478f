// SPDX-License-Identifier: Apache-2.0
#include "host/crash_handler.hpp"

#include <dlfcn.h>
#include <link.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "host/descriptors.hpp"
#include "host/library.hpp"

namespace caisson::host {
namespace {

using wire::CrashProgress;
using wire::CrashRecord;

constexpr int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};
/// The unwinder needs a few KiB, a sanitizer's interceptors more.
constexpr std::size_t handler_stack_bytes = 256 * 1024;
/// A handler that takes longer is stuck.
constexpr unsigned handler_patience_s = 2;
/// Frames of the handler and the kernel's trampoline before the one at fault.
constexpr int max_own_frames = 16;

/// The one piece of state that cannot be passed: a signal handler gets no argument of ours.
struct Recorder {
    wire::BlackBox* box = nullptr;
    Outlet* outlet = nullptr;
    pid_t process = 0;
    std::atomic<int> owner = 0;     // the thread that records
    std::atomic<int> original = 0;  // the signal that came first
    char loaded_as[32] = {};        // the name under which the library is loaded, if it is not its path
    const char* library = nullptr;  // its path
};
constinit Recorder recorder;

[[noreturn]] void die_of(int signal) {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    ::sigaction(signal, &standard, nullptr);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
    ::syscall(SYS_tgkill, ::getpid(), static_cast<pid_t>(::syscall(SYS_gettid)), signal);
    // Not reached unless something keeps us from signalling ourselves.
    ::_exit(128 + signal);
}

/// The index of the module in the record; adds it. Modules beyond the bound are nameless.
class Modules {
   public:
    explicit Modules(CrashRecord& record) : record_(record) {}

    std::uint32_t index_of(const link_map* module) {
        for (std::uint32_t i = 0; i < count_; ++i) {
            if (seen_[i] == module) return i;
        }
        if (count_ == wire::max_modules) return wire::no_module;
        // The program itself has an empty name.
        const char* name = module->l_name[0] != '\0' ? module->l_name : "caisson-worker";
        if (recorder.library != nullptr && std::strcmp(name, recorder.loaded_as) == 0) name = recorder.library;
        char* to = record_.modules[count_];
        std::size_t length = 0;
        for (; length + 1 < wire::max_module_path_bytes && name[length] != '\0'; ++length) to[length] = name[length];
        to[length] = '\0';
        seen_[count_] = module;
        record_.module_count = count_ + 1;
        return count_++;
    }

   private:
    CrashRecord& record_;
    const link_map* seen_[wire::max_modules] = {};
    std::uint32_t count_ = 0;
};

/// One walk along the stack.
struct Walk {
    CrashRecord& record;
    Modules modules;
    std::uint64_t fault = 0;  // the instruction at fault; frames up to it are the handler's own
    std::uint32_t count = 0;
    int own_frames = 0;
    bool past_fault = false;

    /// False if the address lies in no module.
    bool add(std::uint64_t address, bool is_return) {
        wire::CrashFrame& frame = record.frames[count];
        frame = {.address = address, .offset = address, .module = wire::no_module, .reserved = 0};
        // A return address may be the first byte behind its function, or even its module.
        dl_find_object object{};
        const bool found = ::_dl_find_object(reinterpret_cast<void*>(address - (is_return ? 1 : 0)), &object) == 0;
        if (found) {
            frame.module = modules.index_of(object.dlfo_link_map);
            if (frame.module != wire::no_module) frame.offset = address - object.dlfo_link_map->l_addr;
        }
        record.frame_count = ++count;
        return found;
    }
};

_Unwind_Reason_Code on_frame(_Unwind_Context* context, void* data) {
    Walk& walk = *static_cast<Walk*>(data);
    const std::uint64_t address = _Unwind_GetIP(context);
    if (!walk.past_fault) {
        walk.past_fault = address == walk.fault;
        return walk.past_fault || ++walk.own_frames < max_own_frames ? _URC_NO_REASON : _URC_END_OF_STACK;
    }
    if (address == 0 || walk.count >= wire::max_frames) return _URC_END_OF_STACK;
    walk.add(address, true);
    return _URC_NO_REASON;
}

_Unwind_Reason_Code on_frame_of_warm_up(_Unwind_Context*, void*) { return _URC_NO_REASON; }

std::uint64_t instruction_of(const ucontext_t& context) {
#if defined(__x86_64__)
    return static_cast<std::uint64_t>(context.uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
    return context.uc_mcontext.pc;
#else
#error "Say here where this machine keeps the program counter"
#endif
}

/// Who called, when the instruction at fault lies in no module: a call through a wild pointer leaves the return address
/// on top of the stack or in its register, where no unwind table is needed to find it.
std::uint64_t caller_of(const ucontext_t& context) {
#if defined(__x86_64__)
    return *reinterpret_cast<const std::uint64_t*>(context.uc_mcontext.gregs[REG_RSP]);
#else
    return context.uc_mcontext.regs[30];
#endif
}

void record_signal(CrashRecord& record, int signal, const siginfo_t& info) {
    record.signal = signal;
    record.code = info.si_code;
    record.thread_id = recorder.owner.load(std::memory_order_relaxed);
    // Positive codes are the kernel's own; in the others the same bytes say who sent the signal.
    record.address = info.si_code > 0 ? reinterpret_cast<std::uint64_t>(info.si_addr) : 0;
    record.running = recorder.box->running.load(std::memory_order_relaxed);
    record.frame_count = 0;
    record.module_count = 0;
    record.progress.store(static_cast<std::uint32_t>(CrashProgress::signal_recorded), std::memory_order_release);
}

void publish_stack(CrashRecord& record) {
    record.progress.store(static_cast<std::uint32_t>(CrashProgress::stack_recorded), std::memory_order_release);
}

void record_stack(CrashRecord& record, const ucontext_t& context) {
    Walk walk{.record = record, .modules = Modules{record}, .fault = instruction_of(context)};
    if (!walk.add(walk.fault, false)) walk.add(caller_of(context), true);
    _Unwind_Backtrace(on_frame, &walk);
    publish_stack(record);
}

void on_fatal_signal(int signal, siginfo_t* info, void* context);

bool handle(int signal) {
    struct sigaction action{};
    action.sa_sigaction = on_fatal_signal;
    // SA_NODEFER: a second fault must reach us, or the kernel ends the process by the wrong signal.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    return ::sigaction(signal, &action, nullptr) == 0;
}

/// The handler itself went wrong: keep what is recorded, die of what came first.
[[noreturn]] void give_up() {
    CrashRecord& record = recorder.box->crash;
    if (record.frame_count > 0) publish_stack(record);
    const int original = recorder.original.load(std::memory_order_acquire);
    die_of(original != 0 ? original : SIGSEGV);
}

void bound_the_time() {
    handle(SIGALRM);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
    ::alarm(handler_patience_s);
}

/// The end of the stream, now: the supervisor need not wait for the stack's recording and the kernel's tidying to know
/// that this worker answers nothing more. A core dump takes its time, and who closes its socket must be gone soon.
void say_goodbye() {
    rlimit core{};
    if (::getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0) return;
    ::shutdown(socket_descriptor, SHUT_RDWR);
    ::sched_yield();  // the supervisor may have been woken on this processor, and the end of a process takes its time
}

void on_fatal_signal(int signal, siginfo_t* info, void* context) {
    // A process that the plugin forked inherits the handler, and neither the box nor the right to use the socket.
    if (::getpid() != recorder.process) die_of(signal);
    if (signal == SIGALRM) give_up();
    const int thread = static_cast<int>(::syscall(SYS_gettid));
    int nobody = 0;
    if (!recorder.owner.compare_exchange_strong(nobody, thread)) {
        if (nobody == thread) give_up();
        for (;;) ::pause();  // the first thread that failed ends the process
    }
    recorder.original.store(signal, std::memory_order_release);
    bound_the_time();
    record_signal(recorder.box->crash, signal, *info);
    recorder.outlet->flush_from_signal();
    say_goodbye();
    record_stack(recorder.box->crash, *static_cast<const ucontext_t*>(context));
    die_of(signal);
}

Result<void> give_stack() {
    const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t stack_bytes = handler_stack_bytes + ::getauxval(AT_MINSIGSTKSZ);
    const std::size_t bytes = page_bytes + (stack_bytes + page_bytes - 1) / page_bytes * page_bytes;
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) return fail_errno("mapping the signal stack", errno);
    ::mprotect(memory, page_bytes, PROT_NONE);
    stack_t stack{};
    stack.ss_sp = static_cast<std::byte*>(memory) + page_bytes;
    stack.ss_size = bytes - page_bytes;
    if (::sigaltstack(&stack, nullptr) != 0) return fail_errno("sigaltstack", errno);
    return {};
}

}  // namespace

void name_library(int descriptor, const std::string& path) {
    std::snprintf(recorder.loaded_as, sizeof recorder.loaded_as, "%s", name_of_image(descriptor).c_str());
    recorder.library = path.c_str();
}

Result<void> install_crash_handler(wire::BlackBox& box, Outlet& outlet) {
    const bool copy = recorder.box != nullptr;
    check(!copy || recorder.process != ::getpid(), "the crash handler is installed once per process");
    recorder.box = &box;
    recorder.outlet = &outlet;
    recorder.process = ::getpid();
    if (copy) return {};  // handlers and stack came along
    if (auto done = give_stack(); !done) return done;
    // Loads libgcc_s and reads its tables now, when memory can still be allocated.
    _Unwind_Backtrace(on_frame_of_warm_up, nullptr);
    for (const int signal : fatal_signals) {
        if (!handle(signal)) return fail_errno("sigaction", errno);
    }
    return {};
}

}  // namespace caisson::host
