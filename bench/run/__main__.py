# SPDX-License-Identifier: Apache-2.0
"""Measures Caisson, its limits and its peers, in rounds, and says which figures are reached. Started by scripts/bench."""

import argparse
import datetime
import json
import pathlib
import resource
import signal
import sys
import tempfile

from run import all_measures, chart, figures, machine, readme, rounds, table
from run.context import HERE, Context
from run.measures import peers
from run.programs import Build, Failed

BUDGET_S = 540


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="a build with CAISSON_BENCH=ON")
    parser.add_argument("--peers", type=pathlib.Path, required=True, help="where packages of peers are installed")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for bench.json, bench.md and bench.svg")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one short round, to see that everything works")
    parser.add_argument("--without", action="append", default=[], choices=all_measures.PEERS, help="leaves out a peer")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="measures with TEXT in their name")
    parser.add_argument("--from", type=pathlib.Path, metavar="JSON", dest="played", help="takes the rounds of an earlier run")
    parser.add_argument("--write-readme", action="store_true", help="puts the results into bench/README.md")
    return parser.parse_args()


def allow_many_files():
    """A thousand workers take more descriptors than shells allow by themselves."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def end_in_order():
    """SIGTERM unwinds as Ctrl-C does: services and programs that were started are ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def chosen(options):
    measures = all_measures.of(options.without)
    return [one for one in measures if not options.only or any(text in one.name for text in options.only)]


def play(options):
    """All rounds."""
    with tempfile.TemporaryDirectory(prefix="caisson-bench-") as folder:
        context = Context(Build(options.build), options.peers.resolve(), pathlib.Path(folder), options.quick)
        peers.prepare(context, options.without)
        return rounds.play(chosen(options), context, 1 if options.quick else options.rounds, BUDGET_S)


def write(options, document):
    """JSON, tables and chart; with --write-readme also for the page."""
    options.out.mkdir(parents=True, exist_ok=True)
    page = table.page(document)
    (options.out / "bench.json").write_text(json.dumps(document, indent=1) + "\n")
    (options.out / "bench.md").write_text(page + "\n\n" + table.limits_table(figures.medians(document["rounds"])) + "\n")
    chart.write(options.out / "bench.svg", document)
    if options.write_readme:
        readme.write(HERE / "README.md", page)
        chart.write(HERE / "figures.svg", document)
    print(page)


def measured(options):
    """A new run, as JSON has it."""
    about = machine.about()
    return {"time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "machine": about,
            "quick": options.quick, "left_out": sorted(options.without), "rounds": play(options)}


def main():
    options = arguments()
    allow_many_files()
    end_in_order()
    try:
        document = json.loads(options.played.read_text()) if options.played else measured(options)
    except Failed as failure:
        sys.exit(f"bench: {failure}\nbench: a peer that does not run here can be left out with --without")
    document["figures"] = figures.rows(document["rounds"])
    write(options, document)


if __name__ == "__main__":
    main()
