// SPDX-License-Identifier: Apache-2.0
#include "apps/plugin_trial.hpp"

#include <optional>

#include "base/log.hpp"
#include "base/loop.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "fleet/keeper_link.hpp"
#include "fleet/worker.hpp"

namespace caisson::apps {
namespace {

class Trial final : private fleet::Worker::Owner {
   public:
    explicit Trial(const settings::Pool& pool)
        : keeper_(loop_, log_, sys::helper_dir()), worker_({loop_, log_, keeper_, output_rules_}, *this, pool, 1) {}

    Result<fleet::PluginInfo> run() {
        worker_.spawn();
        loop_.run();
        return std::move(*result_);
    }

   private:
    void on_worker_ready(fleet::Worker& worker) override {
        info_ = *worker.info();
        worker.stop(TimePoint::max());
    }
    void on_worker_chunk(fleet::Worker&, fleet::CallToken, wire::Encoding, std::span<const std::byte>) override {}
    void on_worker_progress(fleet::Worker&, fleet::CallToken, double, std::string_view) override {}
    void on_worker_answer(fleet::Worker&, fleet::CallToken, const fleet::Answer&) override {}
    void on_worker_room(fleet::Worker&) override {}
    void on_worker_lost(fleet::Worker&) override {}
    void on_worker_death(fleet::Worker&, const fleet::Death& death) override {
        const bool clean = death.exit.kind == fleet::Exit::Kind::exited && death.exit.code == 0;
        if (info_ && clean) {
            result_.emplace(*info_);
        } else {
            std::string what = info_ ? cat("did not stop well: ", words(death.exit, false)) : words(death.exit, false);
            for (const auto& line : death.output) what += cat("\n  it printed: ", line);
            result_.emplace(fail(std::move(what)));
        }
        loop_.stop();
    }

    Loop loop_;
    Log log_ = Log::silent();
    settings::Log output_rules_;
    fleet::KeeperLink keeper_;
    fleet::Worker worker_;
    std::optional<fleet::PluginInfo> info_;
    std::optional<Result<fleet::PluginInfo>> result_;
};

}  // namespace

Result<fleet::PluginInfo> try_plugin(const settings::Pool& pool) { return Trial{pool}.run(); }

}  // namespace caisson::apps
