#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser, beside a service that is none (fake_service.py).

  tests/page/test_page.py [--screenshots DIR] [--service BUILD_DIR] [arguments of unittest]

--screenshots  also leaves pictures of the page in a folder
--service      also tries the page that the program in BUILD_DIR/bin has in it, with a real service
"""

import argparse
import pathlib
import sys
import threading
import time
import unittest

import browser
import fake_service
from fake_service import FakeService
from real_service import RealService

PICTURES = None
BUILD = None
BROWSER = None

# Colours of all texts that can be seen, each with the contrast to what is behind it.
CONTRASTS = """(() => {
    const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgb = (colour, under) => {
        paint.fillStyle = `rgb(${under.join()})`; paint.fillRect(0, 0, 1, 1);
        paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
        return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const behind = (element) => {
        if (!element) return [255, 255, 255];
        return rgb(getComputedStyle(element).backgroundColor, behind(element.parentElement));
    };
    const light = (colour) => colour.map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !element.checkVisibility() || element.closest('.unseen')) continue;
        const back = behind(element);
        const [high, low] = [light(rgb(getComputedStyle(element).color, back)), light(back)].sort((a, b) => b - a);
        const text = walk.currentNode.data.trim().slice(0, 40);
        found.push({ text, tag: element.tagName, ratio: (high + 0.05) / (low + 0.05) });
    }
    return found;
})()"""

FOCUSED = """(() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    return { tag: element.tagName, id: element.id, text: (element.textContent || '').trim().slice(0, 40),
             ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 };
})()"""

# Roles of what can be operated; each must have a name.
CONTROLS = {"button", "link", "textbox", "searchbox", "combobox", "spinbutton", "checkbox", "DisclosureTriangle"}
WITH_NAMES = CONTROLS | {"table", "region", "navigation", "image", "img", "dialog", "rowheader"}

SECTIONS = ["#pools", "#pool/math", "#workers", "#crashes", "#crash/01JD3V7Q8Z0000000000000083", "#poison", "#events"]


def word(node, field):
    return node.get(field, {}).get("value", "")


def rows(caption):
    """JavaScript for the rows of the table with a caption, each as the list of its cells' texts."""
    return ("[...[...document.querySelectorAll('table')]"
            f".find((table) => table.caption.textContent === '{caption}').tBodies[0].rows]"
            ".map((row) => [...row.cells].map((cell) => cell.textContent))")


class PageTest(unittest.TestCase):
    """A page on a world of its own. At the end it must have complained of nothing, and have asked nobody else."""

    may_complain = False

    def setUp(self):
        self.world = fake_service.busy_world()

    def open(self, fragment="", **size):
        self.service = FakeService(self.world).start()
        self.addCleanup(self.service.stop)
        self.page = BROWSER.open("", **size)
        self.addCleanup(self.page.close)
        self.page.go(self.service.url + fragment)
        self.page.wait("document.querySelector('#service').textContent !== 'Asking the service …'")
        return self.page

    def tearDown(self):
        if not hasattr(self, "page"):
            return
        self.page.run("1")  # brings what it has still to say
        if not self.may_complain:
            self.assertEqual(self.page.complaints, [])
        elsewhere = [url for url in self.page.requests if not url.startswith((self.service.url, "data:", "blob:"))]
        self.assertEqual(elsewhere, [])

    def go(self, fragment):
        self.page.run(f"location.hash = {fragment!r}")
        view = fragment.removeprefix("#").partition("/")[0]
        self.page.wait(f"document.querySelector('#{view}-title')")

    def wait(self, expression):
        return self.page.wait(expression)


class Shows(PageTest):
    def test_pools_with_their_state_workers_and_counters(self):
        page = self.open()
        table = {row[0]: row for row in page.wait(f"{rows('Pools')}.length === 4 && {rows('Pools')}")}
        self.assertEqual(set(table), {"chaos", "math", "render", "text"})
        self.assertEqual(table["chaos"][1:3], ["quarantined", "0 of 2"])
        self.assertEqual(table["render"][1:3], ["degraded", "5 of 6"])
        self.assertEqual(table["math"][1:3], ["ready", "4 of 4"])
        told = page.run("document.querySelector('.wrong').innerText")
        self.assertIn("one worker tries again in", told)
        self.assertIn("broken.so is not a library", told)
        self.assertEqual(page.run("document.title"), "(1 quarantined) Pools - Caisson")

    def test_one_pool_by_its_link_with_workers_methods_and_latencies(self):
        page = self.open("#pool/math")
        workers = page.wait(f"{rows('Workers of this pool')}.length && {rows('Workers of this pool')}")
        self.assertEqual([row[0] for row in workers], ["math/1", "math/2", "math/3", "math/4"])
        self.assertIn("square", [row[0] for row in page.run(rows("Methods of this pool"))])
        latencies = page.run(rows("Latency of the last minute"))
        self.assertEqual([row[0] for row in latencies], ["waiting", "running", "total"])

    def test_a_quarantined_pool_with_its_breaker_and_last_crash(self):
        page = self.open("#pool/chaos")
        told = page.wait("document.querySelector('.facts')?.innerText")
        self.assertIn("3 of its workers ended outside calls", told)
        self.assertIn("open", told)
        self.assertEqual(page.run("document.querySelector('.facts a').hash"), "#crash/01JD3V7Q8Z0000000000000083")

    def test_what_workers_run_and_for_how_long(self):
        page = self.open("#workers")
        page.wait(f"{rows('Workers of all pools')}.some((row) => row[1] === 'running')")
        for row in page.run(f"{rows('Workers of all pools')}.filter((row) => row[1] === 'running')"):
            self.assertEqual(row[2], "square")
            self.assertRegex(row[3], r"^[\d.]+ (s|ms)$")
        workers = {row[0]: row for row in page.run(rows("Workers of all pools"))}
        self.assertEqual(len(workers), 15)
        self.assertIn("its settings changed", workers["text/1"])

    def test_a_crash_report_with_its_stack(self):
        page = self.open("#crashes")
        reports = page.wait(f"{rows('Crash reports')}.length && {rows('Crash reports')}")
        self.assertEqual({row[1] for row in reports}, {"chaos", "render"})
        self.go("#crash/01JD3V7Q8Z0000000000000083")
        page.wait("document.querySelector('.stack li')")
        frames = page.run("[...document.querySelectorAll('.stack li')].map((frame) => frame.innerText)")
        self.assertEqual(len(frames), 3)
        self.assertIn("poke(int volatile*)", frames[0])
        self.assertIn("plugins/chaos/chaos.cpp:41", frames[0])
        self.assertIn("libc.so.6 + 0x27249", frames[2])
        told = page.run("document.querySelector('main').innerText")
        for part in ("SIGSEGV, address not mapped, at 0x0", "chaos/2, pid 4802", "1 of 1", "about to write to"):
            self.assertIn(part, told)

    def test_poison(self):
        page = self.open("#poison")
        row = page.wait(f"{rows('Inputs that are refused')}[0]")
        self.assertEqual(row[:4], ["5fd8ae4e8fce4580", "chaos", "segv", "3"])

    def test_rates_from_the_counters_as_lines_and_as_a_table(self):
        page = self.open("#pool/math")
        drawn = "Chart.getChart(document.querySelector('canvas'))?.data.datasets[0].data.filter(({ y }) => y !== null)"
        values = page.wait(f"{drawn}?.length >= 2 && {drawn}.map(({{ y }}) => y)")
        for value in values:  # 180 a second, and half of that more or less
            self.assertTrue(80 < value < 280, value)
        self.assertIn("ok: ", page.run("document.querySelector('.legend').innerText"))
        page.run("document.querySelector('figure summary').focus()")
        page.press("Enter")
        cells = page.wait("document.querySelector('figure details[open] tbody tr')?.innerText")
        self.assertIn("/s", cells)

    def test_many_pools_and_workers(self):
        for i in range(252):
            self.world.add_pool(f"more-{i}", 4)
        page = self.open("#workers")
        page.wait(f"{rows('Workers of all pools')}.length === {15 + 252 * 4}")
        self.go("#pools")
        page.wait(f"{rows('Pools')}.length === 256")
        page.run("document.querySelector('input[type=search]').focus()")
        for letter in "re-25":
            page.press(letter, letter)
        self.assertEqual([row[0] for row in page.wait(f"{rows('Pools')}.length === 3 && {rows('Pools')}")],
                         ["more-25", "more-250", "more-251"])


class Lives(PageTest):
    def test_events_arrive_by_themselves(self):
        page = self.open("#events")
        page.wait(f"{rows('Events')}.length === {len(self.world.events)}")
        self.world.add_event("pool_probed", "pool probed: one worker tries", pool="chaos", worker=7)
        newest = page.wait(f"{rows('Events')}[0][3] === 'pool_probed' && {rows('Events')}[0]")
        self.assertEqual(newest[1:], ["info", "chaos", "pool_probed", "pool probed: one worker tries", "worker=7"])

    def test_a_new_crash_and_a_new_state_are_seen_and_said(self):
        page = self.open("#crashes")
        page.wait(f"{rows('Crash reports')}.length === 2")
        self.world.add_crash("01JD3VZZZZ0000000000000099", pool="math")
        self.world.pools["math"]["state"] = "degraded"
        self.world.add_event("worker_ended", "worker ended", level="warn", pool="math")
        page.wait(f"{rows('Crash reports')}.length === 3")
        page.wait("document.querySelector('#changes').textContent === 'Pool math is degraded.'")
        self.assertEqual(page.run("document.querySelector('#changes').getAttribute('role')"), "status")

    def test_nobody_looks_nobody_asks(self):
        page = self.open("#events")
        page.wait(f"{rows('Events')}.length > 0")
        other = BROWSER.open("")
        self.addCleanup(other.close)
        other.ask("Page.bringToFront")
        page.wait("document.hidden")
        time.sleep(0.5)  # what was on its way may arrive
        asked = len(self.service.requests)
        time.sleep(6)  # three times as long as between two questions
        self.assertEqual(self.service.requests[asked:], [])
        self.world.add_event("pool_probed", "while nobody looked", pool="chaos")
        page.ask("Page.bringToFront")
        page.wait(f"{rows('Events')}[0][4] === 'while nobody looked'")

    def test_pause_stops_asking(self):
        page = self.open()
        page.run("document.querySelector('#pause').click()")
        self.assertEqual(page.run("document.querySelector('#pause').getAttribute('aria-pressed')"), "true")
        time.sleep(0.5)
        asked = len(self.service.requests)
        time.sleep(5)
        self.assertEqual(self.service.requests[asked:], [])
        page.run("document.querySelector('#pause').click()")
        page.wait("document.querySelector('#pause').getAttribute('aria-pressed') === 'false'")
        deadline = time.monotonic() + browser.PATIENCE_S
        while len(self.service.requests) == asked and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertGreater(len(self.service.requests), asked)


class Bears(PageTest):
    def test_a_service_that_goes_and_comes_back_as_another(self):
        self.may_complain = True  # the browser says that a connection was refused
        page = self.open("#events")
        page.wait(f"{rows('Events')}.length > 0")
        self.service.stop()
        told = page.wait("!document.querySelector('#reach').hidden && document.querySelector('#reach').textContent")
        self.assertRegex(told, r"not reachable since \d\d:\d\d:\d\d")
        self.assertGreater(len(page.run(rows("Events"))), 0)  # what was known stays
        self.world.pid += 1
        self.world.events = []
        self.world.add_event("service_started", "it serves again")
        self.service.start()
        page.wait("document.querySelector('#reach').hidden")
        page.wait(f"{rows('Events')}[0][4] === 'it serves again'")

    def test_a_new_version_is_said(self):
        page = self.open()
        self.world.version = "0.2.0"
        told = page.wait("!document.querySelector('#newer').hidden && document.querySelector('#newer').textContent")
        self.assertIn("0.2.0", told)

    def test_hostile_text_stays_text(self):
        self.world = fake_service.hostile_world()
        self.world.operate = True
        page = self.open()
        places = ["#pools", "#workers", "#crashes", "#poison", "#events", "#pool/<img src=x onerror=window.pwned=6>",
                  "#pool/%E0%A4%A", "#crash/01HOSTILE0", "#crash/01HOSTILE7", "#crash/..%2F..%2Fstatus",
                  "#constructor/x"]
        places += page.run("[...document.querySelectorAll('tbody a')].map((link) => link.hash)")
        self.may_complain = True  # of the report that is not there
        for place in places:
            page.run(f"location.hash = {place!r}")
            page.wait("document.querySelector('main h2')")
            page.wait("!document.querySelector('main').innerText.includes('Asking the service')")
            self.assertEqual(page.run("document.querySelectorAll(\"main :is(img, script, iframe, svg, style, object), "
                                      "main a:not([href^='#'])\").length"), 0, place)
        self.assertIsNone(page.run("window.pwned ?? null"))
        self.assertEqual([text for text in page.complaints if "404" not in text], [])
        self.go("#pools")
        page.wait(f"{rows('Pools')}.length === {len(fake_service.HOSTILE)}")
        names = [row[0] for row in page.run(rows("Pools"))]
        self.assertIn("<script>window.pwned=2</script>", names)
        self.assertIn("\\u{202e}gnp.exe\\u{0}\\u{1b}[31m", names)
        self.assertIn("__proto__", names)

    def test_fields_that_are_missing_or_wrong(self):
        self.world = fake_service.poor_world()
        page = self.open()
        page.wait(f"{rows('Pools')}.some((row) => row[0] === 'bare')")
        for place in ("#pool/bare", "#pool/wrong", "#pool/nothing", "#workers", "#crashes", "#crash/01POOR", "#poison",
                      "#events"):
            self.go(place)
            page.wait("document.querySelector('main').innerText.length > 5")
        self.assertTrue(page.run("document.querySelector('#reach').hidden"))

    def test_windows_of_all_widths_and_zoom(self):
        for i in range(40):
            self.world.add_pool(f"pool-with-a-name-that-is-as-long-as-it-may-be-{i}", 2)
        self.world.operate = True
        page = self.open()
        for width, scale in ((320, 1), (320, 4), (640, 2), (768, 1), (800, 1), (1280, 1), (1920, 1)):
            page.size(width, 900, scale)
            for place in SECTIONS:
                self.go(place)
                page.wait("document.querySelector('main').innerText.length > 20")
                self.assertLessEqual(page.run("document.documentElement.scrollWidth"), width, f"{place} at {width}")


class IsForAll(PageTest):
    def focus_next(self):
        self.page.press("Tab")
        return self.page.run(FOCUSED)

    def test_the_skip_link_comes_first_and_leads_to_the_content(self):
        page = self.open("#workers")
        first = self.focus_next()
        self.assertEqual(first["id"], "skip")
        self.assertTrue(first["ring"])
        page.press("Enter")
        self.assertEqual(page.run("document.activeElement.id"), "main")
        self.assertEqual(page.run("location.hash"), "#workers")
        self.assertEqual(self.focus_next()["tag"], "INPUT")

    def test_tab_goes_through_everything_and_is_seen(self):
        page = self.open()
        page.wait(f"{rows('Pools')}.length === 4")
        wanted = page.run("[...document.querySelectorAll('a, button, select, input, summary, [tabindex=\"0\"]')]"
                          ".filter((element) => element.checkVisibility()).length")
        seen = []
        for _ in range(wanted):
            focused = self.focus_next()
            self.assertTrue(focused["ring"], focused)
            seen.append(focused)
        self.assertNotIn("BODY", [focused["tag"] for focused in seen])
        texts = [focused["text"] for focused in seen]
        for text in ("Skip to the content", "Caisson", "Pause", "Pools", "As a table", "Pool", "Restarts", "math"):
            self.assertIn(text, texts)
        page.press("Tab", shift=True)
        self.assertEqual(page.run(FOCUSED)["text"], texts[-2])

    def test_enter_sorts_and_says_how(self):
        page = self.open()
        page.wait(f"{rows('Pools')}.length === 4")
        head = "[...document.querySelectorAll('th[scope=col]')].find((th) => th.textContent === 'Restarts')"
        restarts = f"{rows('Pools')}.map((row) => Number(row[12]))"
        page.run(f"{head}.querySelector('button').focus()")
        page.press("Enter")
        self.assertEqual(page.run(f"{head}.getAttribute('aria-sort')"), "descending")
        self.assertEqual(page.run(restarts), [4, 3, 2, 1])
        page.press("Enter")
        self.assertEqual(page.run(f"{head}.getAttribute('aria-sort')"), "ascending")
        self.assertEqual(page.run(restarts), [1, 2, 3, 4])
        self.assertEqual(page.run("document.querySelectorAll('[aria-sort]').length"), 1)

    def test_focus_stays_where_it_is_while_rows_move(self):
        page = self.open()
        page.wait(f"{rows('Pools')}.length === 4")
        page.run("[...document.querySelectorAll('tbody a')].find((a) => a.textContent === 'math').focus()")
        page.run("document.querySelector('th[aria-sort] button').click()")
        self.assertEqual([row[0] for row in page.run(rows("Pools"))], ["text", "render", "math", "chaos"])
        self.assertEqual(page.run(FOCUSED)["text"], "math")
        del self.world.pools["render"]
        page.wait(f"{rows('Pools')}.length === 3")
        self.assertEqual(page.run(FOCUSED)["text"], "math")

    def test_a_new_section_begins_at_its_heading(self):
        page = self.open()
        page.run("document.querySelector('nav a[href=\"#events\"]').focus()")
        page.press("Enter")
        page.wait("document.activeElement.id === 'events-title'")
        self.assertEqual(page.run("document.querySelector('[aria-current]').textContent"), "Events")
        self.assertEqual(page.run("document.title.includes('Events')"), True)

    def test_everything_that_is_named_for_a_screen_reader(self):
        self.world.operate = True
        page = self.open()
        for place in SECTIONS:
            self.go(place)
            page.wait("document.querySelector('main tbody tr, main .stack')")
            tree = page.tree()
            roles = {word(node, "role") for node in tree}
            self.assertLessEqual({"banner", "navigation", "main", "heading"}, roles, place)
            nameless = [(word(node, "role"), node.get("nodeId")) for node in tree
                        if word(node, "role") in WITH_NAMES and not word(node, "name")]
            self.assertEqual(nameless, [], place)
            names = [word(node, "name") for node in tree if word(node, "role") == "button"]
            in_tables = [name for name in names if name.startswith(("Restart", "Clear"))]
            self.assertEqual(len(in_tables), len(set(in_tables)), place)

    def test_tables_are_tables_in_a_narrow_window_too(self):
        page = self.open(width=320)
        page.wait(f"{rows('Pools')}.length === 4")
        tree = page.tree()
        count = {role: sum(word(node, "role") == role for node in tree)
                 for role in ("row", "columnheader", "rowheader")}
        self.assertEqual(count["row"], 5)
        self.assertEqual(count["columnheader"], 15)
        self.assertEqual(count["rowheader"], 4)
        self.assertIn("Pools", [word(node, "name") for node in tree if word(node, "role") == "table"])

    def test_contrast_in_light_and_dark(self):
        self.world.operate = True
        page = self.open()
        backs = set()
        for scheme in ("light", "dark"):
            page.prefer(prefers_color_scheme=scheme)
            backs.add(page.run("getComputedStyle(document.documentElement).backgroundColor"))
            for place in SECTIONS:
                self.go(place)
                page.wait("document.querySelector('main tbody tr, main .stack')")
                found = page.run(CONTRASTS)
                self.assertGreater(len(found), 10)
                self.assertEqual([text for text in found if text["ratio"] < 4.5], [], f"{place} in {scheme}")
        self.assertEqual(len(backs), 2)

    def test_the_reader_chooses_the_colours_and_the_page_remembers(self):
        page = self.open()
        page.prefer(prefers_color_scheme="light")
        light = page.run("getComputedStyle(document.documentElement).backgroundColor")
        page.run("document.querySelector('#theme').value = 'dark'")
        page.run("document.querySelector('#theme').dispatchEvent(new Event('change'))")
        dark = page.run("getComputedStyle(document.documentElement).backgroundColor")
        self.assertNotEqual(light, dark)
        page.ask("Page.reload")
        page.wait("document.readyState === 'complete' && document.querySelector('#theme').value === 'dark'")
        self.assertEqual(page.run("getComputedStyle(document.documentElement).backgroundColor"), dark)
        page.run("localStorage.clear()")

    def test_nothing_moves_for_those_who_do_not_want_it(self):
        page = self.open()
        page.prefer(prefers_reduced_motion="reduce")
        self.assertEqual(page.run("document.getAnimations().length"), 0)
        page.wait("Chart.getChart(document.querySelector('canvas')) !== undefined")
        self.assertIs(page.run("Chart.getChart(document.querySelector('canvas')).options.animation"), False)


class Operates(PageTest):
    def press(self, name):
        button = f"""document.querySelector('button[aria-label="{name}"]')"""
        self.page.wait(button)
        self.page.run(f"{button}.focus()")
        self.page.press("Enter")
        self.page.wait("document.querySelector('dialog').open")

    def test_there_are_no_buttons_without_the_right(self):
        page = self.open("#pool/math")
        page.wait(f"{rows('Workers of this pool')}.length")
        self.assertEqual(page.run("document.querySelectorAll('main button:not(th button)').length"), 0)

    def test_each_button_asks_first_and_then_does_it(self):
        self.world.operate = True
        page = self.open("#pool/math")
        for name, request in (("Restart pool math", {"verb": "restart", "pool": "math"}),
                              ("Drain pool math", {"verb": "drain", "pool": "math"}),
                              ("Resume pool math", {"verb": "resume", "pool": "math"}),
                              ("Restart worker math/3", {"verb": "restart", "pool": "math", "worker": 3})):
            self.press(name)
            self.assertEqual(page.run("document.activeElement.id"), "confirm-no")
            page.press("Enter")
            page.wait("!document.querySelector('dialog').open")
            self.assertEqual(page.run("document.activeElement.getAttribute('aria-label')"), name)
            self.assertEqual(self.world.operated, [])
            self.press(name)
            page.press("Tab")
            page.press("Enter")
            page.wait("!document.querySelector('#done').hidden")
            self.assertEqual(self.world.operated, [request])
            self.world.operated.clear()
            page.run("document.querySelector('#done').hidden = true")

    def test_resize_takes_a_number(self):
        self.world.operate = True
        page = self.open("#pool/math")
        self.press("Resize pool math")
        self.assertEqual(page.run("document.activeElement.value"), "4")
        page.run("document.activeElement.select()")
        page.press("8", "8")
        page.press("Enter")
        page.wait("!document.querySelector('#done').hidden")
        self.assertEqual(self.world.operated, [{"verb": "resize", "pool": "math", "workers": 8}])

    def test_escape_does_nothing_and_a_refusal_is_said(self):
        self.world.operate = True
        page = self.open("#poison")
        self.press("Clear poison 5fd8ae4e8fce4580")
        page.press("Escape")
        page.wait("!document.querySelector('dialog').open")
        self.assertEqual(self.service.asked("/api/operate"), [])
        self.world.operate = False  # it was taken away meanwhile
        self.may_complain = True
        if page.run("document.querySelector('button[aria-label^=Clear]') !== null"):
            self.press("Clear poison 5fd8ae4e8fce4580")
            page.run("document.querySelector('#confirm-yes').click()")
            told = page.wait("!document.querySelector('#done').hidden && document.querySelector('#done').textContent")
            self.assertIn("may not operate", told)
        page.wait("document.querySelector('button[aria-label^=Clear]') === null")


class WithARealService(PageTest):
    """The page as the program has it, and what the program says, which the other tests only suppose."""

    def setUp(self):
        if BUILD is None:
            self.skipTest("no --service")
        self.service = RealService(BUILD)
        self.addCleanup(self.service.close)
        self.service.start()
        self.page = BROWSER.open("")
        self.addCleanup(self.page.close)
        self.page.go(self.service.url)
        self.page.wait(f"{rows('Pools')}.length === 2")

    def test_calls_are_counted_and_measured(self):
        for _ in range(5):
            self.assertEqual(self.service.caisson("call", "math.square", "12"), 0)
        self.page.wait(f"{rows('Pools')}.some((row) => row[0] === 'math' && row[1] === 'ready' && row[7] === '5')")
        self.go("#pool/math")
        self.page.wait(f"{rows('Latency of the last minute')}[2]?.[2].endsWith('s')")
        self.assertIn("square", [row[0] for row in self.page.run(rows("Methods of this pool"))])

    def test_what_a_worker_runs_is_seen_while_it_runs(self):
        self.go("#workers")
        call = threading.Thread(target=self.service.caisson, args=("call", "chaos.sleep", "6000"))
        call.start()
        self.addCleanup(call.join)
        running = self.page.wait(f"{rows('Workers of all pools')}.find((row) => row[1] === 'running')")
        self.assertEqual(running[2], "sleep")
        self.assertRegex(running[3], r"\d (ms|s)$")

    def test_a_crash_is_seen_with_its_stack_and_its_events(self):
        self.go("#crashes")
        self.assertEqual(self.service.caisson("call", "chaos.segv"), 4)
        self.page.wait(f"{rows('Crash reports')}.length === 1")
        self.page.run("document.querySelector('tbody a').click()")
        self.page.wait("document.querySelector('.stack li')")
        self.assertIn("chaos.cpp", self.page.run("document.querySelector('.stack').innerText"))
        self.go("#events")
        self.page.wait(f"{rows('Events')}.some((row) => row[3] === 'worker_ended' && row[2] === 'chaos')")

    def test_buttons_work(self):
        self.go("#pool/math")
        for name, then in (("Drain pool math", "document.querySelector('.facts .state').textContent !== 'ready'"),
                           ("Resume pool math", "document.querySelector('.facts .state').textContent === 'ready'"),
                           ("Restart pool math", "document.querySelector('.facts .state').textContent === 'ready'")):
            self.page.wait(f"document.querySelector('button[aria-label=\"{name}\"]')")
            self.page.run(f"document.querySelector('button[aria-label=\"{name}\"]').click()")
            self.page.run("document.querySelector('#confirm-yes').click()")
            self.page.wait("!document.querySelector('#done').hidden")
            self.assertFalse(self.page.run("document.querySelector('#done').classList.contains('bad')"),
                             self.page.run("document.querySelector('#done').textContent"))
            self.page.run("document.querySelector('#done').hidden = true")
            self.page.wait(then)
        self.page.run("document.querySelector('button[aria-label=\"Resize pool math\"]').click()")
        self.page.run("document.querySelector('#confirm-workers').value = 3")
        self.page.run("document.querySelector('#confirm-yes').click()")
        self.page.wait(f"{rows('Workers of this pool')}.length === 3")

    def test_a_new_service_at_the_same_address(self):
        self.may_complain = True
        self.go("#events")
        self.page.wait(f"{rows('Events')}.length > 0")
        self.service.stop()
        self.page.wait("!document.querySelector('#reach').hidden")
        self.service.start()
        self.page.wait("document.querySelector('#reach').hidden")
        self.page.wait(f"{rows('Events')}.filter((row) => row[3] === 'service_started').length === 2")


class Pictures(PageTest):
    """Not a proof of anything: for people who look at them."""

    PICTURES = [("light", "#pools", 1280, "light"), ("dark", "#pools", 1280, "dark"), ("wide", "#pools", 1920, "light"),
                ("narrow", "#pools", 320, "light"), ("narrow-dark", "#pool/math", 320, "dark"),
                ("pool", "#pool/math", 1280, "light"), ("crash", "#crash/01JD3V7Q8Z0000000000000083", 1280, "dark"),
                ("crashes", "#crashes", 1280, "light"), ("events", "#events", 1280, "dark"),
                ("poison", "#poison", 1280, "light"), ("workers-80", "#workers", 1280, "light"),
                ("hostile", "#pools", 1280, "light"), ("dialog", "#pool/math", 1280, "light"),
                ("gone", "#pools", 1280, "dark")]

    def setUp(self):
        super().setUp()
        if PICTURES is None:
            self.skipTest("no --screenshots")
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.may_complain = True

    def test_of_everything(self):
        self.world.operate = True
        self.world.add_pool("batch", 65, 900.0)
        self.world.age = lambda age=self.world.age: age() * 5  # more to see in less time
        page = self.open()
        time.sleep(30)
        for name, place, width, scheme in self.PICTURES:
            page.size(width, 900)
            page.prefer(prefers_color_scheme=scheme)
            self.go(place)
            self.prepare(name)
            page.wait("document.querySelector('main tbody tr, main .stack')")
            page.screenshot(PICTURES / f"{name}.png")

    def prepare(self, name):
        if name == "hostile":
            hostile = fake_service.hostile_world()
            self.world.pools, self.world.problems = hostile.pools, hostile.problems
            self.page.wait(f"{rows('Pools')}.length === {len(hostile.pools)}")
        elif name == "dialog":
            self.world.pools = fake_service.busy_world().pools
            self.page.wait("document.querySelector('main button[aria-label^=Resize]')?.checkVisibility()")
            self.page.run("document.querySelector('main button[aria-label^=Resize]').click()")
        elif name == "gone":
            self.page.run("document.querySelector('#confirm-no').click()")
            self.service.stop()
            self.page.wait("!document.querySelector('#reach').hidden")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screenshots", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--service", type=pathlib.Path, metavar="BUILD_DIR")
    return parser.parse_known_args()


def main():
    global PICTURES, BUILD, BROWSER
    chosen, rest = options()
    PICTURES, BUILD = chosen.screenshots, chosen.service
    if browser.program() is None:
        sys.exit("there is no Chromium; scripts/setup --dev installs it")
    with browser.Browser() as BROWSER:
        program = unittest.main(argv=[sys.argv[0], *rest], exit=False)
    sys.exit(0 if program.result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
