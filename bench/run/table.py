# SPDX-License-Identifier: Apache-2.0
"""The tables that people read, as Markdown, which is also what a terminal shows well."""

from run import figures

PEERS = (("Caisson, embedded", {"round_trip": "round_trip.embedded", "tracked": "embedded.tracked",
                                "chunked": "embedded.map", "echo": "embedded.echo"}),
         ("Caisson, service", {"round_trip": "round_trip.service", "tracked": "service.batches"}),
         ("multiprocessing.Pool", {"name": "multiprocessing"}),
         ("ProcessPoolExecutor", {"name": "executor"}), ("loky", {"name": "loky"}), ("pebble", {"name": "pebble"}),
         ("billiard", {"name": "billiard"}), ("piscina (threads)", {"name": "piscina"}),
         ("tinypool (child_process)", {"name": "tinypool"}), ("workerpool (process)", {"name": "workerpool"}),
         ("Erlang port", {"name": "erlang"}), ("gearmand", {"name": "gearman"}))
COLUMNS = (("round trip p50, us", "round_trip", "p50_us", 1), ("p99, us", "round_trip", "p99_us", 1),
           ("tracked calls/s", "tracked", "per_s", 1), ("chunked items/s", "chunked", "per_s", 1),
           ("1 MiB echo, GB/s", "echo", "bytes_per_s", 1e-9))


def short(value):
    """Three digits that count."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 4
    return f"{value:.{digits}f}"


def measured_text(row):
    """"3.21 (2.9 to 3.6) x"."""
    if "measured" not in row:
        return "-"
    values = row["measured"]
    spread = "" if values["min"] == values["max"] else f" ({short(values['min'])} to {short(values['max'])})"
    return f"{short(values['median'])}{spread} {row['unit']}".rstrip()


def markdown(head, rows):
    """A table whose columns stand below each other."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    def line(cells):
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"
    return "\n".join([line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])


def figures_table(rows):
    """The figures: each with its name in the first of its rows."""
    cells, before = [], ""
    for row in rows:
        name = row["figure"] if row["figure"] != before else ""
        before = row["figure"]
        said = "" if row["verdict"] == "compare" else row["verdict"]
        cells.append([name, row["of"], row["must"], measured_text(row), said])
    return markdown(["figure", "of what", "must reach", "measured", ""], cells)


def peers_table(medians, left_out):
    """Everybody's medians side by side."""
    cells = []
    for title, names in PEERS:
        if names.get("name") in left_out:
            cells.append([title, "left out", *[""] * (len(COLUMNS) - 1)])
            continue
        cells.append([title, *[cell(medians, names, column) for column in COLUMNS]])
    return markdown(["", *[column[0] for column in COLUMNS]], cells)


def cell(medians, names, column):
    """One number of the peers' table; a dash where there is none."""
    _, what, key, scale = column
    prefix = f"{names['name']}.{what}" if "name" in names else names.get(what, "")
    value = medians.get(f"{prefix}.{key}")
    return "-" if value is None else short(value * scale)


def limits_table(medians):
    """What the kernel can do here."""
    names = [name for name in medians if name.startswith(("limit.", "round_trip.ping_pong", "round_trip.relay"))
             and not name.endswith((".took_s", ".runs"))]
    return markdown(["limit", "median"], [[name, short(medians[name])] for name in names])


def machine_line(document):
    about = document["machine"]
    return (f"{about['cpus']} CPUs ({about['cpu']}), Linux {about['kernel']}, Python {about['python']}; "
            f"{len(document['rounds'])} rounds, median (min to max); load before: {about['load_before']}")


def page(document):
    """All of it."""
    medians = figures.medians(document["rounds"])
    left_out = document["left_out"]
    parts = [machine_line(document), figures_table(document["figures"]), peers_table(medians, left_out)]
    if left_out:
        parts.append("Left out: " + ", ".join(left_out) + ".")
    return "\n\n".join(parts)
