#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tests of the figures and of the rounds that they are made of."""

import pathlib
import re
import sys
import unittest

BENCH = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BENCH))

from run import all_measures, figures, readme, rounds, table  # noqa: E402
from run.figures import Figure, Part, ratio  # noqa: E402

FAST = Figure("fast", (Part("ours / theirs", ratio("ours", "theirs"), least=2), Part("raw / ours", ratio("raw", "ours"))))


class RowsTest(unittest.TestCase):
    def rows(self, *played):
        return figures.rows(played, (FAST,))

    def test_a_ratio_is_of_numbers_of_one_round(self):
        row = self.rows({"ours": 4, "theirs": 1}, {"ours": 40, "theirs": 20}, {"ours": 9, "theirs": 3})[0]
        self.assertEqual(row["measured"], {"median": 3, "min": 2, "max": 4})
        self.assertEqual(row["verdict"], "reached")

    def test_a_round_that_lacks_a_number_is_left_out(self):
        row = self.rows({"ours": 4}, {"ours": 3, "theirs": 3})[0]
        self.assertEqual(row["measured"], {"median": 1, "min": 1, "max": 1})
        self.assertEqual(row["verdict"], "not reached")

    def test_what_nobody_measured_is_not_judged(self):
        self.assertEqual(self.rows({"ours": 1})[0]["verdict"], "not measured")
        self.assertNotIn("measured", self.rows({"ours": 1})[0])

    def test_what_has_no_bound_is_for_comparison(self):
        self.assertEqual(self.rows({"ours": 1, "raw": 5})[1]["verdict"], "compare")

    def test_a_bound_that_is_met_exactly_is_reached(self):
        self.assertEqual(figures.verdict(Part("", None, most=1.3), [1.3]), "reached")
        self.assertEqual(figures.verdict(Part("", None, most=1.3), [1.31]), "not reached")
        self.assertEqual(figures.verdict(Part("", None, least=0.4), [0.4]), "reached")

    def test_a_recovery_may_take_two_notices_and_what_the_start_takes(self):
        numbers = {"limit.crash_notice.p50_us": 100, "limit.start.fork_us": 150, "embedded.recovery.zygote.p50_us": 250}
        value = figures.recovery("zygote", "limit.start.fork_us", 2)(figures.Numbers(numbers))
        self.assertEqual(value, 0.5)

    def test_every_number_of_a_figure_is_one_that_a_measure_gives(self):
        text = "".join(path.read_text() for folder in ("run/measures", "limits", "caisson", "peers")
                       for path in (BENCH / folder).glob("*.*"))
        for row in re.findall(r'"((?:limit|embedded|service|round_trip|scale|storm|idle|lines)\.[\w.]+)"',
                              (BENCH / "run/figures.py").read_text()):
            self.assertIn(row.rpartition(".")[2], text, row)


class RoundsTest(unittest.TestCase):
    def test_every_other_round_goes_the_other_way(self):
        measures = [rounds.Measure("a", None), rounds.Measure("b", None), rounds.Measure("rare", None, every=3)]
        names = [[measure.name for measure in rounds.in_order(measures, number)] for number in range(4)]
        self.assertEqual(names, [["a", "b", "rare"], ["b", "a"], ["a", "b"], ["rare", "b", "a"]])

    def test_what_cannot_be_measured_leaves_no_number_but_its_time(self):
        played = rounds.play([rounds.Measure("a", lambda _: None), rounds.Measure("b", lambda _: {"per_s": 7})], None, 2, 60,
                             say=lambda _: None)
        self.assertEqual([sorted(numbers) for numbers in played], [["a.took_s", "b.per_s", "b.took_s"]] * 2)

    def test_there_is_one_round_also_without_time(self):
        played = rounds.play([rounds.Measure("a", lambda _: {"x": 1})], None, 5, 0, say=lambda _: None)
        self.assertEqual(len(played), 1)


class AllMeasuresTest(unittest.TestCase):
    def test_each_has_its_own_name_and_the_order_names_only_what_there_is(self):
        names = [measure.name for measure in all_measures.of([])]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(names[:len(all_measures.TOGETHER)], list(all_measures.TOGETHER))

    def test_a_peer_can_be_left_out(self):
        names = [measure.name for measure in all_measures.of(["gearman", "xargs"])]
        self.assertFalse([name for name in names if "gearman" in name or "xargs" in name])


class ReadmeTest(unittest.TestCase):
    def test_only_what_is_between_the_marks_changes(self):
        text = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"
        self.assertEqual(readme.replaced(text, "new"), f"before\n{readme.BEGIN}\nnew\n{readme.END}\nafter\n")

    def test_a_page_without_marks_is_an_error(self):
        with self.assertRaises(ValueError):
            readme.replaced("nothing here", "new")


class TableTest(unittest.TestCase):
    def test_numbers_have_three_digits_that_count(self):
        self.assertEqual([table.short(value) for value in (0.0123, 1.2345, 12.345, 1234.5, 0)],
                         ["0.0123", "1.23", "12.3", "1,234", "0"])


if __name__ == "__main__":
    unittest.main()
