// SPDX-License-Identifier: Apache-2.0
/// The text of an exception, even of one whose what() throws.
#ifndef CAISSON_FACE_WHAT_HPP
#define CAISSON_FACE_WHAT_HPP

#include <cxxabi.h>
#include <csetjmp>
#include <cstdlib>
#include <exception>

namespace caisson::plugin::detail {

/// Where the thread goes on if what() throws.
inline thread_local std::jmp_buf* way_out_of_what = nullptr;

[[noreturn]] inline void leave_what() noexcept {
    if (way_out_of_what != nullptr) std::longjmp(*way_out_of_what, 1);  // NOLINT(cert-err52-cpp): see what_of
    std::abort();
}

/// Null if what() throws. what() is noexcept, so that throwing from it calls std::terminate with the exception caught
/// (Itanium C++ ABI, 2.5.3); the only way to go on is out of the terminate handler, over the frames of what() alone.
/// What these held is lost, which is little to lose beside a call that can still be answered. In a handler only.
[[nodiscard]] inline const char* what_of(const std::exception& error) noexcept {
    std::jmp_buf place;
    const char* volatile text = nullptr;
    const std::terminate_handler before = std::set_terminate(leave_what);
    way_out_of_what = &place;
    if (setjmp(place) == 0) {  // NOLINT(cert-err52-cpp)
        const char* const said = error.what();
        text = said != nullptr ? said : "";
    } else {
        abi::__cxa_end_catch();  // of what what() threw
    }
    way_out_of_what = nullptr;
    std::set_terminate(before);
    return text;
}

}  // namespace caisson::plugin::detail

#endif  // CAISSON_FACE_WHAT_HPP
