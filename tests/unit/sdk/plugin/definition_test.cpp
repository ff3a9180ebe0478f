// SPDX-License-Identifier: Apache-2.0
/// From a definition to the C descriptor; state, hooks and extensions; definitions that are wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "defined.hpp"

namespace {

using caisson::plugin::Call;
using caisson::plugin::Definition;
using caisson::plugin::Host;
using caisson::test::defined;
using caisson::test::find_method;
using caisson::test::Instance;
using testing::ElementsAre;
using testing::HasSubstr;

std::int64_t square(std::int64_t n) noexcept { return n * n; }

/// What happened, in order.
std::vector<std::string>& events() {
    static std::vector<std::string> all;
    return all;
}

class Shelf {
   public:
    explicit Shelf(const Host& host) : books_(host.settings().value("books", 0)) { events().emplace_back("state"); }
    ~Shelf() { events().emplace_back("state gone"); }
    Shelf(const Shelf&) = delete;
    Shelf& operator=(const Shelf&) = delete;

    [[nodiscard]] int books() const noexcept { return books_; }
    int put(int count) { return books_ += count; }

   private:
    int books_;
};

struct Stateful {
    static void define(Definition& plugin) {
        plugin.state<Shelf>();
        plugin.on_create([](const Host&) { events().emplace_back("create"); });
        plugin.on_destroy([] { events().emplace_back("destroy"); });
        plugin.method("books", &Shelf::books).help("how many there are").idempotent();
        plugin.method("put", &Shelf::put);
        plugin.method("take", [](Shelf& shelf, Call&, int count) { return shelf.put(-count); });
    }
};

/// Makes a plugin that throws from here or there, and defines wrong methods.
template <int Mistake>
struct Wrong {
    static void define(Definition& plugin) {
        plugin.method("fine", square);
        if constexpr (Mistake == 0) plugin.method("fine", square);
        if constexpr (Mistake == 1) plugin.method("Not Fine", square);
        if constexpr (Mistake == 2) plugin.method("books", &Shelf::books);
        if constexpr (Mistake == 3) plugin.method("typed", square).input("integer");
        if constexpr (Mistake == 4) throw std::runtime_error("no definition today");
        if constexpr (Mistake == 5) plugin.method(std::string(65, 'a'), square);
    }
};

template <int Mistake>
std::string start_of() {
    testing::internal::CaptureStderr();
    const caisson_plugin& plugin = defined<Wrong<Mistake>>();
    EXPECT_EQ(plugin.method_count, 1u);  // what is right stays, for a host wants to see a method before it calls create
    EXPECT_EQ(Instance{plugin}.created(), CAISSON_INTERNAL);
    return testing::internal::GetCapturedStderr();
}

struct Empty {
    static void define(Definition&) {}
};

struct FailsToStart {
    static void define(Definition& plugin) {
        plugin.method("fine", square);
        plugin.on_create([](const Host& host) { throw std::runtime_error(host.settings().at("reason")); });
    }
};

struct Extended {
    static void define(Definition& plugin) {
        plugin.method("fine", square);
        plugin.extension("example.colour/1", "red");
    }
};

TEST(Definition, FillsTheDescriptor) {
    const caisson_plugin& plugin = defined<Stateful>();
    EXPECT_EQ(plugin.size, sizeof(caisson_plugin));
    EXPECT_EQ(plugin.abi_major, CAISSON_ABI_MAJOR);
    EXPECT_EQ(plugin.abi_minor, CAISSON_ABI_MINOR);
    EXPECT_STREQ(plugin.name, "test");
    EXPECT_STREQ(plugin.version, "1.2.3");
    EXPECT_EQ(plugin.method_count, 3u);
    EXPECT_EQ(&plugin, &defined<Stateful>());

    const caisson_method* const books = find_method(plugin, "books");
    ASSERT_NE(books, nullptr);
    EXPECT_EQ(books->size, sizeof(caisson_method));
    EXPECT_EQ(books->flags, CAISSON_METHOD_IDEMPOTENT);
    EXPECT_STREQ(books->help, "how many there are");
    EXPECT_EQ(find_method(plugin, "put")->flags, 0u);
}

TEST(Definition, EachInstanceHasAStateOfItsOwn) {
    Instance one{defined<Stateful>(), R"({"books":3})"};
    Instance other{defined<Stateful>()};
    EXPECT_EQ(one.call("put", {.body = "2"}).output, "5");
    EXPECT_EQ(one.call("take", {.body = "1"}).output, "4");
    EXPECT_EQ(one.call("books").output, "4");
    EXPECT_EQ(other.call("books").output, "0");
}

TEST(Definition, HooksRunAroundTheState) {
    events().clear();
    {
        const Instance instance{defined<Stateful>()};
    }
    EXPECT_THAT(events(), ElementsAre("create", "state", "state gone", "destroy"));
}

TEST(Definition, AStartThatFailsSaysWhyOnStderr) {
    testing::internal::CaptureStderr();
    const Instance instance{defined<FailsToStart>(), R"({"reason":"no disk"})"};
    EXPECT_EQ(instance.created(), CAISSON_INTERNAL);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "test: no disk\n");
}

TEST(Definition, ExtensionsAreFoundById) {
    const caisson_plugin& plugin = defined<Extended>();
    EXPECT_STREQ(static_cast<const char*>(plugin.get_extension("example.colour/1")), "red");
    EXPECT_EQ(plugin.get_extension("example.colour/2"), nullptr);
}

TEST(Definition, AMistakeFailsTheStartAndIsNamed) {
    EXPECT_THAT(start_of<0>(), HasSubstr("the plugin is defined wrongly: method 'fine': it is there twice"));
    EXPECT_THAT(start_of<1>(), HasSubstr("method 'Not Fine': a name is 1 to 64 of a-z, 0-9 and _"));
    EXPECT_THAT(start_of<2>(), HasSubstr("method 'books': it takes a state that no state<…>() makes"));
    EXPECT_THAT(start_of<3>(), HasSubstr("method 'typed': there is no type 'integer'"));
    EXPECT_THAT(start_of<4>(), HasSubstr("no definition today"));
    EXPECT_THAT(start_of<5>(), HasSubstr("a name is 1 to 64"));
}

TEST(Definition, WithoutMethodsIsAMistakeThatTheEntryNames) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(defined<Empty>().method_count, 0u);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "test: the plugin is defined wrongly: it has no method\n");
}

}  // namespace
