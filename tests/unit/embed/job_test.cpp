// SPDX-License-Identifier: Apache-2.0
#include "embed/job.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <vector>

#include "wire/records.hpp"

namespace caisson::embed {
namespace {

using detail::Shape;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A pool that keeps what is handed over until the test says how it ends.
class FakeDoor final : public Door {
   public:
    explicit FakeDoor(Window window = {.batch_items = 4, .batch_bytes = 1000, .items = 8, .bytes = 1'000'000})
        : window_(window) {}

    [[nodiscard]] const std::string& name() const override { return name_; }
    [[nodiscard]] const std::vector<MethodInfo>& methods() const override { return methods_; }
    [[nodiscard]] Window window() const override { return window_; }
    [[nodiscard]] Callbacks& callbacks() const override { return callbacks_; }
    void submit(std::shared_ptr<Parcel> parcel, bool) override { out.push_back(std::move(parcel)); }
    void cancel(const std::shared_ptr<Parcel>& parcel) override { cancelled.push_back(parcel); }
    void resume(const std::shared_ptr<Parcel>&) override { ++resumed; }
    void lift_holds() override {}
    void wait_idle() override {}
    void stop(bool) override {}
    [[nodiscard]] std::vector<WorkerInfo> workers() override { return {}; }
    void resize(std::uint32_t) override {}
    [[nodiscard]] std::vector<PoisonInfo> poison() override { return {}; }
    std::size_t clear_poison(std::string_view) override { return 0; }

    /// Every item of the first parcel ends ok, with its own body.
    void answer() {
        const auto parcel = out.front();
        out.erase(out.begin());
        if (!parcel->batch) return parcel->job->on_ok(*this, *parcel, 0, BodyEncoding::bytes, parcel->body);
        const auto body = parcel->body;  // goes with the last outcome
        std::uint32_t item = 0;
        for (wire::RecordReader records{body}; const auto record = records.next();)
            parcel->job->on_ok(*this, *parcel, item++, BodyEncoding::bytes, *record);
    }
    void fail(std::uint32_t item, Outcome outcome, std::uint32_t items = 1) {
        CallResult result;
        result.outcome = outcome;
        result.message = "as the test says";
        out.front()->job->on_result(*this, *out.front(), {item, items}, result);
    }

    std::vector<std::shared_ptr<Parcel>> out;
    std::vector<std::shared_ptr<Parcel>> cancelled;
    int resumed = 0;

   private:
    Window window_;
    std::string name_ = "pool";
    std::vector<MethodInfo> methods_;
    mutable Callbacks callbacks_;
};

class JobTest : public ::testing::Test {
   protected:
    std::shared_ptr<Job> job(detail::Plan plan) {
        return std::make_shared<Job>("method", std::move(plan), door_, scope_);
    }
    static void add(Job& job, std::string_view body, BodyEncoding encoding = BodyEncoding::bytes) {
        job.add({encoding, std::as_bytes(std::span{body})});
    }
    static std::vector<std::string> results(Job& job) {
        std::vector<std::string> all;
        for (std::size_t i = 0; i < job.items(); ++i) {
            const auto item = job.item(i);
            all.emplace_back(item.ok() ? item.bytes : word(item.result->outcome));
        }
        return all;
    }
    [[nodiscard]] std::vector<std::uint32_t> sizes() const {
        std::vector<std::uint32_t> all;
        for (const auto& parcel : door_->out) all.push_back(parcel->items);
        return all;
    }

    std::shared_ptr<FakeDoor> door_ = std::make_shared<FakeDoor>();
    std::shared_ptr<CallbackScope> scope_ = std::make_shared<CallbackScope>(nullptr);
};

TEST_F(JobTest, OfOneCallIsNoBatch) {
    const auto call = job({});
    add(*call, "body");
    call->seal();
    ASSERT_THAT(door_->out, SizeIs(1));
    EXPECT_FALSE(door_->out[0]->batch);
    EXPECT_FALSE(call->wait(std::chrono::steady_clock::now()));
    door_->answer();
    EXPECT_TRUE(call->wait({}));
    EXPECT_THAT(results(*call), ElementsAre("body"));
}

TEST_F(JobTest, CutsItemsIntoBatchesAndKeepsToTheWindow) {
    const auto map = job({.shape = Shape::map});
    for (const auto* const body : {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}) add(*map, body);
    map->seal();
    EXPECT_THAT(sizes(), ElementsAre(4, 4));  // no more than 8 items at once
    door_->answer();
    EXPECT_THAT(sizes(), ElementsAre(4, 2));
    EXPECT_EQ(map->progress().fraction, 0.4);
    door_->answer();
    door_->answer();
    EXPECT_TRUE(map->wait({}));
    EXPECT_THAT(results(*map), ElementsAre("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"));
}

TEST_F(JobTest, KeepsToTheChunkThatIsAskedFor) {
    const auto map = job({.shape = Shape::map, .chunk = 3});
    for (const auto* const body : {"0", "1", "2", "3", "4"}) add(*map, body);
    map->seal();
    EXPECT_THAT(sizes(), ElementsAre(3, 2));
}

TEST_F(JobTest, MixesNoEncodingsInOneBatch) {
    const auto map = job({.shape = Shape::map});
    add(*map, "a", BodyEncoding::packed);
    add(*map, "b", BodyEncoding::json);
    add(*map, "c", BodyEncoding::json);
    map->seal();
    EXPECT_THAT(sizes(), ElementsAre(1, 2));
}

TEST_F(JobTest, SendsWhatIsLargeByItself) {
    const auto map = job({.shape = Shape::map});
    add(*map, "small");
    add(*map, std::string(2'000, 'x'));      // more than a batch holds
    add(*map, std::string(100'000, 'y'));    // goes through the black box
    add(*map, std::string(3'000'000, 'z'));  // more than is copied
    map->seal();
    ASSERT_THAT(door_->out, SizeIs(4));
    EXPECT_TRUE(door_->out[0]->batch);
    EXPECT_FALSE(door_->out[1]->batch);
    EXPECT_EQ(door_->out[1]->body.size(), 2'000U);
    EXPECT_FALSE(door_->out[2]->memory);
    EXPECT_EQ(door_->out[2]->body.size(), 100'000U);
    EXPECT_TRUE(door_->out[3]->memory);
    EXPECT_EQ(door_->out[3]->memory_bytes, 3'000'000U);
}

TEST_F(JobTest, GoesWithTheLastWhoWaitsForIt) {
    for (const auto shape : {Shape::call, Shape::map, Shape::unordered}) {
        auto work = job({.shape = shape});
        add(*work, "x");
        work->seal();
        door_->fail(0, Outcome::failed);
        const std::weak_ptr<Job> gone = work;
        work.reset();
        EXPECT_TRUE(gone.expired()) << "what it handed over still held it";
        door_->out.clear();
    }
    auto given_up = job({.shape = Shape::map});
    for (int i = 0; i < 12; ++i) add(*given_up, "x");
    given_up->cancel();  // a part of it was never handed over
    given_up->seal();
    while (!door_->out.empty()) {
        door_->fail(0, Outcome::cancelled, door_->out[0]->items);
        door_->out.erase(door_->out.begin());
    }
    const std::weak_ptr<Job> gone = given_up;
    given_up.reset();
    EXPECT_TRUE(gone.expired());
}

TEST_F(JobTest, OfAMapEndsEarlyAndNamesTheFirstFailure) {
    const auto map = job({.shape = Shape::map});
    for (int i = 0; i < 12; ++i) add(*map, "x");
    map->seal();
    door_->fail(2, Outcome::failed);
    EXPECT_THAT(door_->cancelled, SizeIs(2));  // the third batch was never handed over
    door_->fail(1, Outcome::crashed);          // it ran as well
    door_->fail(0, Outcome::cancelled);
    door_->fail(3, Outcome::cancelled);
    door_->out.erase(door_->out.begin());
    door_->fail(0, Outcome::cancelled, 4);
    EXPECT_TRUE(map->wait({}));
    EXPECT_EQ(map->first_failed(), 1U);
    EXPECT_EQ(map->item(11).result->outcome, Outcome::cancelled);
    EXPECT_EQ(map->item(1).result->message, "as the test says");
}

TEST_F(JobTest, OfAMapOfWhichEachCountsGoesOn) {
    const auto map = job({.shape = Shape::map_all});
    for (int i = 0; i < 6; ++i) add(*map, "x");
    map->seal();
    door_->fail(0, Outcome::crashed);
    EXPECT_THAT(door_->cancelled, IsEmpty());
    door_->fail(1, Outcome::failed, 3);
    door_->out.erase(door_->out.begin());
    door_->answer();
    EXPECT_TRUE(map->wait({}));
    EXPECT_THAT(results(*map), ElementsAre("crashed", "failed", "failed", "failed", "x", "x"));
}

TEST_F(JobTest, ThatIsCancelledEndsWhatWasNotHandedOver) {
    const auto map = job({.shape = Shape::map});
    for (int i = 0; i < 12; ++i) add(*map, "x");
    map->seal();
    map->cancel();
    map->cancel();
    EXPECT_THAT(door_->cancelled, SizeIs(2));
    EXPECT_FALSE(map->wait(std::chrono::steady_clock::now()));
    door_->answer();
    door_->fail(0, Outcome::cancelled, 4);
    EXPECT_TRUE(map->wait({}));
    EXPECT_EQ(map->first_failed(), 4U);
    add(*map, "late");
    map->send();
    EXPECT_EQ(map->item(12).result->outcome, Outcome::cancelled);
}

TEST_F(JobTest, OfAStreamHandsOutInOrder) {
    const auto stream = job({.shape = Shape::stream, .chunk = 1});
    for (const auto* const body : {"0", "1", "2"}) add(*stream, body);
    stream->seal();
    std::swap(door_->out[0], door_->out[2]);
    door_->answer();
    door_->answer();
    door_->answer();
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(stream->wait_next(), i);
        EXPECT_EQ(stream->item(i).bytes, std::to_string(i));
        stream->drop(i);
    }
    EXPECT_EQ(stream->wait_next(), std::nullopt);
}

TEST_F(JobTest, OfAnUnorderedStreamHandsOutWhatEndsFirst) {
    const auto stream = job({.shape = Shape::unordered, .chunk = 1});
    for (const auto* const body : {"0", "1", "2"}) add(*stream, body);
    stream->seal();
    std::swap(door_->out[0], door_->out[2]);
    door_->answer();
    EXPECT_EQ(stream->wait_next(), 2U);
    stream->drop(2);
    door_->answer();
    door_->answer();
    EXPECT_EQ(stream->wait_next(), 1U);
    EXPECT_EQ(stream->wait_next(), 0U);
    stream->drop(0);
    stream->drop(1);
    EXPECT_EQ(stream->wait_next(), std::nullopt);
}

TEST_F(JobTest, TellsItsEndOnce) {
    int told = 0;
    const auto empty = job({.shape = Shape::map, .listeners = {.on_end = [&](auto&) { ++told; }}});
    empty->seal();
    const auto map = job({.shape = Shape::map, .listeners = {.on_end = [&](auto&) { ++told; }}});
    add(*map, "x");
    map->send();
    door_->answer();
    map->seal();
    scope_->wait_idle();
    EXPECT_EQ(told, 2);
    EXPECT_TRUE(map->wait({}));
}

TEST_F(JobTest, HoldsAStreamThatItsCallbackDoesNotTake) {
    std::promise<void> go_on;
    std::string taken;
    const auto call = job({.listeners = {.on_piece = [&, first = true](std::string_view piece) mutable {
                               if (std::exchange(first, false)) go_on.get_future().wait();
                               taken += piece;
                           }}});
    add(*call, "x");
    call->seal();
    const auto parcel = door_->out[0];
    const std::string piece(700'000, 'p');
    EXPECT_TRUE(call->on_piece(*door_, parcel, piece));
    (void)call->on_piece(*door_, parcel, piece);  // the callback may have taken the first one by now
    EXPECT_FALSE(call->on_piece(*door_, parcel, piece));
    go_on.set_value();
    scope_->wait_idle();
    EXPECT_EQ(door_->resumed, 1);
    EXPECT_EQ(taken.size(), 2'100'000U);
    door_->answer();
    EXPECT_TRUE(call->wait({}));
}

TEST_F(JobTest, OutlivesItsPool) {
    const auto call = job({});
    add(*call, "x");
    call->seal();
    door_->answer();
    door_.reset();
    EXPECT_THAT(results(*call), ElementsAre("x"));
    call->cancel();
    EXPECT_TRUE(call->wait({}));
}

}  // namespace
}  // namespace caisson::embed
