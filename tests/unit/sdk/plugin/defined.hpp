// SPDX-License-Identifier: Apache-2.0
/// A way to define a plugin inside a test: CAISSON_PLUGIN allows one in a library.
#pragma once

#include <caisson/plugin.hpp>

#include "abi/fake_host.hpp"

namespace caisson::test {

/// The descriptor of a plugin that `Define` (a type with a static function `define(Definition&)`) describes.
template <class Define>
[[nodiscard]] const caisson_plugin& defined() {
    struct Defined final : plugin::Definition {
        using Definition::Definition;
        void define() { Define::define(*this); }
    };
    return *plugin::Entry<Defined>::descriptor("test", "1.2.3");
}

/// Calls one method of a fresh instance.
template <class Define>
[[nodiscard]] Answer call_once(std::string_view method, const Input& input = {}) {
    return Instance{defined<Define>()}.call(method, input);
}

}  // namespace caisson::test
