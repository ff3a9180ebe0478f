# SPDX-License-Identifier: Apache-2.0
"""The chart: Caisson, its limits and its peers, as an SVG."""

from run import figures, table

OURS, LIMIT, OTHER = "#1b6ca8", "#9aa5b1", "#d98e32"
TRACKED = (("bare epoll loop", "limit.frame_feed.per_s", LIMIT), ("bare epoll relay", "limit.frame_relay.per_s", LIMIT),
           ("Caisson, embedded", "embedded.tracked.per_s", OURS), ("Caisson, service", "service.batches.per_s", OURS))
TRIPS = (("raw one-hop ping-pong", "round_trip.ping_pong.p50_us", LIMIT),
         ("raw two-hop relay", "round_trip.relay.p50_us", LIMIT),
         ("Caisson, embedded", "round_trip.embedded.p50_us", OURS),
         ("Caisson, service", "round_trip.service.p50_us", OURS))


def bars(medians, fixed, suffix):
    """(name, value, colour) of what was measured, limits and Caisson first."""
    peers = [(title, f"{names['name']}.{suffix}", OTHER) for title, names in table.PEERS if "name" in names]
    return [(title, medians[name], colour) for title, name, colour in (*fixed, *peers) if name in medians]


def draw_bars(axes, title, entries):
    """Lengths are logarithms: the peers are apart by orders of magnitude."""
    if not entries:
        return
    names, values, colours = zip(*entries[::-1])
    drawn = axes.barh(names, values, color=colours)
    axes.bar_label(drawn, [table.short(value) for value in values], padding=3, fontsize=8)
    axes.set_xscale("log")
    axes.set_xlim(min(values) / 2, max(values) * 8)
    finish(axes, title)


def draw_figures(axes, rows):
    """How far each figure is beyond its bound, or short of it."""
    judged = [(f"{row['figure']}\n{row['of']}", reach(row), row["verdict"]) for row in rows
              if row["verdict"] in ("reached", "not reached") and reach(row) is not None][::-1]
    if not judged:
        return
    names, values, verdicts = zip(*judged)
    colours = [OURS if word == "reached" else OTHER for word in verdicts]
    axes.barh(names, [value - 1 for value in values], left=1, color=colours)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.tick_params(axis="y", labelsize=7)
    finish(axes, "how far beyond its bound (1: just reached)")


def reach(row):
    """Above 1: better than it must be. None if it cannot be said as a ratio."""
    way, _, rest = row["must"].partition(" ")
    bound, median = float(rest.split()[0]), row["measured"]["median"]
    if bound <= 0 or median <= 0:
        return None
    return bound / median if way == "<=" else median / bound


def finish(axes, title):
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)


def write(path, document):
    """Two comparisons and the figures, below each other."""
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "caisson"  # so that equal numbers give equal files
    from matplotlib import pyplot

    medians = figures.medians(document["rounds"])
    plot, (tracked, trips, judged) = pyplot.subplots(3, 1, figsize=(9, 15), height_ratios=(3, 3, 5))
    draw_bars(tracked, "separately tracked tiny calls per second", bars(medians, TRACKED, "tracked.per_s"))
    draw_bars(trips, "round trip of a tiny call, p50, us", bars(medians, TRIPS, "round_trip.p50_us"))
    draw_figures(judged, document["figures"])
    plot.tight_layout()
    plot.savefig(path, metadata={"Date": None})
