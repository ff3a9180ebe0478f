// SPDX-License-Identifier: Apache-2.0
#include "client/client.hpp"
#include "wire/records.hpp"

namespace caisson {

static_assert(Batch::max_items == wire::max_batch_items && Batch::max_bytes == wire::max_batch_bytes);

bool Batch::add(std::span<const std::byte> body) {
    if (count_ == max_items || body.size() > max_bytes) return false;
    if (bytes_.size() + wire::record_head_bytes + body.size() > max_bytes) return false;
    wire::append_record(bytes_, body);
    ++count_;
    return true;
}

void Batch::clear() {
    bytes_.clear();
    count_ = 0;
}

}  // namespace caisson
