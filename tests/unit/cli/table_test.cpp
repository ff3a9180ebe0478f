// SPDX-License-Identifier: Apache-2.0
#include "cli/table.hpp"

#include <gtest/gtest.h>

namespace caisson::cli {
namespace {

TEST(Table, ColumnsAreAsWideAsTheirWidestCell) {
    Table table{{{"NAME"}, {"N", Table::Align::right}, {"WHY"}}};
    table.add({"a", "12345", "because"});
    table.add({"longer name", "7", ""});
    EXPECT_EQ(table.text(),
              "NAME             N  WHY\n"
              "a            12345  because\n"
              "longer name      7  -\n");
}

TEST(Table, CharactersAreCountedNotBytes) {
    Table table{{{"A"}, {"B"}}};
    table.add({"…é", "x"});
    table.add({"ab", "y"});
    EXPECT_EQ(table.text(), "A   B\n…é  x\nab  y\n");
}

TEST(Table, MissingCellsAreShownAsMissing) {
    Table table{{{"A"}, {"B"}}};
    EXPECT_TRUE(table.empty());
    table.add({"x"});
    EXPECT_EQ(table.text(), "A  B\nx  -\n");
}

}  // namespace
}  // namespace caisson::cli
