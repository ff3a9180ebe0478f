#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the checks on scratch trees: each finds what it is for, and is silent about what is right."""

import json
import pathlib
import tempfile
import unittest

import bounds
import includes
import instructions
import links
import marks
import metrics
import settings_keys
import snippets
import states


class ScratchTree(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name).resolve()

    def write(self, name, text=""):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def assert_finds(self, findings, *parts):
        self.assertEqual(len(findings), len(parts), findings)
        for finding, part in zip(findings, parts):
            self.assertIn(part, finding)


class States(ScratchTree):
    HEADER = """/// The states.
///
/// on    it burns,
/// brightly.
/// off   it does not.
///
enum class CrewState : int { on, off };
enum class CrewEvent : int { push, %s };
transitions{{
    //         push
    /* on  */ {off, %s},
    /* off */ {%s},
}};
"""

    def scratch(self, event="pull", cell="none", row="on, none"):
        self.write("supervisor/fleet/crew_state.hpp", self.HEADER % (event, cell, row))
        worker = self.HEADER % ("pull", "none", "on, none")
        self.write("supervisor/fleet/worker_state.hpp", worker.replace("Crew", "Worker"))

    def test_a_page_of_the_same_tables_is_right_and_another_is_not(self):
        self.scratch()
        self.assert_finds(states.check(self.root), "docs/states.md: differs")
        self.write("docs/states.md", states.page(self.root))
        self.assert_finds(states.check(self.root))
        self.scratch(cell="off")
        self.assert_finds(states.check(self.root), "docs/states.md: differs")

    def test_the_page_has_arrows_meanings_and_cells(self):
        self.scratch()
        text = states.page(self.root)
        for part in ("on --> off: push\n", "[*] --> on", "| on | it burns, brightly. |", "| off | on |  |"):
            self.assertIn(part, text)

    def test_a_table_that_does_not_fit_is_said(self):
        self.scratch(row="on")
        self.assert_finds(states.check(self.root), "the row of off has 1 cells for 2 events")
        self.scratch(row="on, away")
        self.assert_finds(states.check(self.root), "names away, which is no state")


class Metrics(ScratchTree):
    def write_all(self, rule, query):
        self.write("docs/metrics.md", "| `caisson_calls_total` | counter | `pool` | x |\n"
                                      "| `caisson_call_run_seconds` | histogram | `pool` | x |\n")
        self.write("config/prometheus/alerts.yml", f"groups:\n  - rules:\n      - expr: {rule}\n")
        self.write("config/grafana/caisson.json",
                   json.dumps({"panels": [{"targets": [{"expr": query}]}], "templating": {"list": []}}))

    def test_what_there_is_may_be_named(self):
        self.write_all("rate(caisson_calls_total[5m]) > 0", "rate(caisson_call_run_seconds_bucket[5m])")
        self.assert_finds(metrics.check(self.root))

    def test_what_there_is_not_may_not(self):
        self.write_all("caisson_calls > 0", "caisson_nothing")
        self.assert_finds(metrics.check(self.root), "alerts.yml: there is no metric caisson_calls",
                          "caisson.json: there is no metric caisson_nothing")


class Instructions(ScratchTree):
    def test_a_tenth_more_is_let_through_and_more_is_not(self):
        self.assert_finds(instructions.compare({"codec": 100}, {"codec": 110}))
        self.assert_finds(instructions.compare({"codec": 100}, {"codec": 111}), "codec: 111 instructions per call, 100", "--write")

    def test_less_is_welcome(self):
        self.assert_finds(instructions.compare({"codec": 100}, {"codec": 50}))

    def test_parts_that_only_one_side_has_are_named(self):
        self.assert_finds(instructions.compare({"gone": 1}, {"codec": 1}), "codec: 1 instructions, and no number", "gone:", "--write")


class Includes(ScratchTree):
    def test_the_way_of_a_call_is_allowed_and_its_reverse_is_not(self):
        self.write("supervisor/fleet/pool.hpp", '#include "dispatch/queue.hpp"\n')
        self.write("supervisor/dispatch/queue.hpp", '#include "fleet/pool.hpp"\n#include <vector>\n')
        self.assert_finds(includes.check(self.root), "supervisor/fleet/pool.hpp:1: supervisor/fleet must not include")

    def test_base_and_wire_are_for_everybody(self):
        self.write("sdk/wire/frame.hpp")
        self.write("supervisor/base/fd.hpp", '#include "wire/frame.hpp"\n')
        self.write("supervisor/control/session.cpp", '#include "base/fd.hpp"\n  #  include "wire/frame.hpp"\n')
        self.assert_finds(includes.check(self.root))

    def test_one_file_of_a_unit_may_be_allowed(self):
        self.write("supervisor/keeper/orders.hpp")
        self.write("supervisor/keeper/keeper.hpp")
        self.write("supervisor/fleet/a.cpp", '#include "keeper/orders.hpp"\n#include "keeper/keeper.hpp"\n')
        self.assert_finds(includes.check(self.root), 'a.cpp:2: supervisor/fleet must not include "keeper/keeper.hpp"')

    def test_a_plugin_knows_the_public_headers_and_itself_only(self):
        self.write("sdk/wire/frame.hpp")
        self.write("plugins/math/primes.hpp")
        self.write("plugins/math/math.cpp", '#include <caisson/plugin.hpp>\n#include "primes.hpp"\n')
        self.write("plugins/text/text.cpp", '#include "wire/frame.hpp"\n#include "../math/primes.hpp"\n')
        self.assert_finds(includes.check(self.root), "text.cpp:1: plugins must not", "text.cpp:2: plugins must not")

    def test_fleet_does_not_know_the_abi(self):
        self.write("supervisor/host/a.cpp", "#include <caisson/plugin.h>\n")
        self.write("supervisor/fleet/a.cpp", "#include <caisson/plugin.h>\n")
        self.assert_finds(includes.check(self.root), "supervisor/fleet must not include <caisson/plugin.h>")

    def test_only_public_headers_are_public(self):
        self.write("plugins/math/math.cpp", "#include <caisson/frame.hpp>\n")
        self.assert_finds(includes.check(self.root), "is no public header")

    def test_a_library_comes_in_through_its_gate(self):
        for gate in ("settings/load.cpp", "settings/validate.cpp"):
            self.write(f"supervisor/{gate}", "#include <toml++/toml.h>\n")
        for gate in ("cli/map.cpp", "control/listen.cpp"):
            self.write(f"supervisor/{gate}", "#include <CLI/CLI.hpp>\n")
        self.write("tests/unit/a.cpp", "#include <boost/heap.hpp>\n")
        self.assert_finds(includes.check(self.root), "CLI11 (<CLI/CLI.hpp>) is included only by supervisor/cli/",
                          "TOML++ (<toml++/toml.h>) is included only by supervisor/settings/load.cpp")

    def test_a_file_outside_of_the_rules_is_a_finding(self):
        self.write("supervisor/newfolder/a.cpp")
        self.assert_finds(includes.check(self.root), "the folder is in no rule")

    def test_a_quoted_include_of_nothing_is_a_finding(self):
        self.write("supervisor/base/a.cpp", '#include "nowhere.hpp"\n')
        self.assert_finds(includes.check(self.root), "is no file of the project")


class Links(ScratchTree):
    def test_what_leads_somewhere_is_fine(self):
        self.write("docs/abi.md", '# The ABI\n## Two `words`, and more\n## The ABI\n<a id="own"></a>\n')
        self.write("README.md", "[a](docs/abi.md) [b](docs/abi.md#the-abi) [c](docs/abi.md#two-words-and-more)\n"
                   "[d](docs/abi.md#own) [e](#here) [f](https://example.org/x) [g](docs/abi.md#the-abi-1) `docs/abi.md`\n"
                   "# Here\n[r]: docs/abi.md\n```\n[not](a link)\n```\n`[nor](this)`\n")
        self.assert_finds(links.check(self.root))

    def test_what_leads_nowhere_is_found(self):
        self.write("docs/abi.md", "# The ABI\n")
        self.write("README.md", "[a](docs/api.md)\n[b](docs/abi.md#nosuch)\n[c](#nosuch)\n[r]: nosuch.md\n"
                   '<img src="no.png">\n`supervisor/nosuch.cpp`\n[h](../x.md)\n')
        self.assert_finds(links.check(self.root), "README.md:1: (docs/api.md)", "README.md:2: (docs/abi.md#nosuch)",
                          "README.md:3: (#nosuch)", "README.md:4: (nosuch.md)", "README.md:5: (no.png)",
                          "README.md:6: `supervisor/nosuch.cpp`", "README.md:7: (../x.md)")


class Bounds(ScratchTree):
    def test_a_bound_is_defined_once(self):
        self.write("sdk/wire/frame.hpp", "inline constexpr std::uint32_t max_body_bytes = 16 * 1024;\n")
        self.write("supervisor/base/limits.hpp", "inline constexpr std::size_t pools = 256;\n")
        self.assert_finds(bounds.check(self.root))
        self.write("supervisor/base/limits.hpp", "constexpr std::size_t max_body_bytes = 1;\n")
        self.assert_finds(bounds.check(self.root), "limits.hpp:1: the bound max_body_bytes is also defined at sdk/wire")

    def test_a_size_has_a_name(self):
        self.write("supervisor/control/a.cpp", "// reads 64 * 1024\nchar buffer[64 * 1024];\nread(fd, 1 << 20);\n")
        self.write("supervisor/settings/a.hpp", "std::uint64_t memory = 4 * GiB;\n")
        self.write("supervisor/base/a.cpp", "auto mask = 1 << 3;\nconstexpr int few = 4 * 1024;\n")
        self.assert_finds(bounds.check(self.root), "a.cpp:2: a size without a name: 64 * 1024", "a.cpp:3: a size")


class SettingsKeys(ScratchTree):
    def test_each_key_is_shown_and_explained(self):
        self.write(settings_keys.SCHEMA, 'in.path("socket", x);\nin.choice<Level>("level", y);\nin.wrong("socket", place);\n')
        self.write(settings_keys.POOL_SCHEMA, 'in.table("stop", z);\nin.take("group");\n')
        self.write(settings_keys.EXAMPLE, '[service]\n#socket = "x"\ngroup = { level = 1 }\n[pool.math.stop]\n')
        self.write(settings_keys.PAGE, "`socket`, `[pool.NAME.stop]`, `level = 1`, `group`")
        self.assert_finds(settings_keys.check(self.root))
        self.write(settings_keys.EXAMPLE, '[service]\n# the socket = x\nlevel = 1\ngroup = 1\n[pool.math.settings]\nstop = 1\n')
        self.write(settings_keys.PAGE, "socket, `stop`, `level = 1`, `group`")
        self.assert_finds(settings_keys.check(self.root), "does not show the key socket", "does not show the key stop",
                          "does not explain the key `socket`")


class Marks(ScratchTree):
    def test_marks_and_missing_licence_lines(self):
        self.write("a.cpp", f"// {marks.LICENCE}\nint a;  // TO" + "DO: more\n")
        self.write("scripts/b", "#!/bin/bash\necho\n")
        self.write("c.md", "<" * 7 + " ours\n")
        self.write("e.md", "--params '{\"pattern\": \"^TO" + "DO\"}'\n")
        self.write("d.py", f"#!/usr/bin/env python3\n# {marks.LICENCE}\n")
        self.assert_finds(marks.check(self.root), "a.cpp:2: left-over mark", "c.md:1: left-over conflict",
                          "scripts/b:1: the line")


class Snippets(unittest.TestCase):
    def test_blocks_are_found_with_tags_and_lines(self):
        found = list(snippets.blocks("a\n```console run\n$ x\n```\n```\nplain\n```\n    ```\n```cpp plugin=math\nint\n```\n"))
        self.assertEqual([(b.line, b.language, b.tags, b.text) for b in found],
                         [(2, "console", {"run": ""}, "$ x\n"), (5, "", {}, "plain\n"), (9, "cpp", {"plugin": "math"}, "int\n")])

    def test_commands_go_with_their_output(self):
        steps = snippets.steps("$ echo a \\\n>   b\na b\n$ true\n$ printf '%s\\n' c d\nc\nd\n", 10)
        self.assertEqual([(s.line, s.command, s.expected) for s in steps],
                         [(11, "echo a \\\n  b", "a b"), (14, "true", ""), (15, "printf '%s\\n' c d", "c\nd")])

    def test_what_differs_from_run_to_run_is_ignored(self):
        self.assertTrue(snippets.same("worker chaos/2 (pid 4711), call 83, report 01JD…; 2 of 2",
                                      "worker chaos/1 (pid 9), call 1, report 01KXYZ; 2 of 2"))
        self.assertTrue(snippets.same("a\n…\nd", "a\nb\nc\nd"))
        self.assertTrue(snippets.same("a\n…\nd", "a\nd"))
        self.assertTrue(snippets.same("took 4 ms, 1.5 MiB", "took 12.5 s, 7 KiB"))
        self.assertTrue(snippets.same("math  ready", "math      ready"))
        self.assertFalse(snippets.same("2 of 2 workers", "1 of 2 workers"))
        self.assertFalse(snippets.same("49", "490"))
        self.assertFalse(snippets.same("a", "a\nb"))

    def test_untagged_fences_of_the_readme_are_found(self):
        text = "```console\n$ x\n```\n```cpp no-run\n```\n```\n```\n```mermaid\n```\n"
        self.assertEqual(len(snippets.untagged("README.md", text)), 1)

    def test_a_shell_keeps_its_status_and_folder_between_commands(self):
        with tempfile.TemporaryDirectory() as scratch, snippets.Shell(scratch, {"PATH": "/usr/bin:/bin"}) as shell:
            self.assertEqual(shell.run("(exit 4)"), ("", 4))
            self.assertEqual(shell.run("echo $?"), ("4\n", 0))
            self.assertEqual(shell.run("mkdir d && cd d; cat; printf 'no end'"), ("no end", 0))
            self.assertEqual(shell.run("basename $PWD; echo err >&2"), ("d\nerr\n", 0))


if __name__ == "__main__":
    unittest.main()
