# SPDX-License-Identifier: Apache-2.0
"""All measures in the order of a round: what meets in a ratio stands close together, so that it meets the same machine."""

from run.measures import embedded, limits, lines, memory, peers, round_trips, scale, service, storm

PEERS = (*peers.BY_PEER, *lines.PEERS)

TOGETHER = (
    "idle", "scale", "round_trip",
    "limit.frame_feed", "embedded.tracked", "multiprocessing.tracked", "embedded.futures", "embedded.imap",
    "multiprocessing.unordered", "erlang.tracked",
    "limit.frame_relay", "service.batches", "service.single", "service.tracked", "gearman.tracked",
    "lines.caisson", "lines.xargs", "lines.parallel",
    "multiprocessing.chunked", "embedded.map",
    "limit.memory_copy", "embedded.echo", "limit.hand_over", "multiprocessing.echo", "limit.bulk",
    "limit.crash_notice", "limit.start", "embedded.recovery.spare", "embedded.recovery.zygote", "embedded.recovery.exec",
    "multiprocessing.start", "embedded.start.exec", "embedded.start.zygote",
    "storm")


def of(without):
    """Those without some peers; what nobody has put in order comes last."""
    by_peer = {peer: list(measures) for peer, measures in peers.BY_PEER.items()} | {
        peer: [measure] for peer, measure in lines.PEERS.items()}
    measures = [memory.MEASURE, scale.MEASURE, round_trips.MEASURE, storm.MEASURE, lines.CAISSON,
                *limits.BY_NAME.values(), *embedded.BY_NAME.values(), *service.BY_NAME.values()]
    for peer in by_peer:
        measures += [] if peer in without else by_peer[peer]
    place = {name: index for index, name in enumerate(TOGETHER)}
    return sorted(measures, key=lambda measure: place.get(measure.name, len(place)))
