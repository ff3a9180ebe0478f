// SPDX-License-Identifier: Apache-2.0
/// The keys of one pool, and of [defaults]: the largest part of the schema.
#pragma once

#include "settings/reader.hpp"
#include "settings/settings.hpp"

namespace caisson::settings {

/// [pool.NAME].
void read_named_pool(Reader& in, Pool& pool);
/// [defaults]: the same keys but those that only make sense for one plugin.
void read_defaults(Reader& in, Pool& pool);

}  // namespace caisson::settings
