// SPDX-License-Identifier: Apache-2.0
/// How everything ended that a client had submitted: one entry for each call, and for each item of a batch.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/client.hpp"

namespace caisson::test {

class Ends {
   public:
    struct End {
        std::string how;  ///< as `summary` says it; when ok: "ok" and the output, if that is short
        CallResult result;
    };

    explicit Ends(Client& client) : client_(client) {}

    /// Submits a call; throws if it cannot be.
    std::uint64_t submit(const CallRequest& request);
    /// Submits a batch of these bodies.
    std::uint64_t submit(const CallRequest& request, const std::vector<std::string>& bodies);

    /// The next event; throws if none comes, or if an item ends twice.
    void take_one();
    /// Until everything has ended.
    void take_all();
    /// Until this item has ended, and how.
    const std::string& await(std::uint64_t call, std::uint32_t item = 0);

    /// How it has ended; "" if it has not.
    [[nodiscard]] const std::string& of(std::uint64_t call, std::uint32_t item = 0) const;
    [[nodiscard]] const CallResult& result(std::uint64_t call, std::uint32_t item = 0) const;
    /// How often things have ended in each way; all that are ok are "ok".
    [[nodiscard]] std::map<std::string, int> count() const;
    [[nodiscard]] std::size_t size() const { return ends_.size(); }
    /// What a streaming call has written, and the last note of a call.
    [[nodiscard]] const std::string& pieces(std::uint64_t call) { return pieces_[call]; }
    [[nodiscard]] const std::string& note(std::uint64_t call) { return notes_[call]; }

   private:
    void add(std::uint64_t call, std::uint32_t item, const CallResult& result);

    Client& client_;
    std::map<std::pair<std::uint64_t, std::uint32_t>, End> ends_;
    std::map<std::uint64_t, std::string> pieces_;
    std::map<std::uint64_t, std::string> notes_;
};

}  // namespace caisson::test
