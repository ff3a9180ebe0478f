#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A service that is none: it serves the page, and answers it with data that a test decides.

As a program it plays a service that is busy, to look at the page with while changing it:

  tests/page/fake_service.py [--port 8800] [--pools N] [--workers N] [--operate] [--hostile]
"""

import argparse
import datetime
import http.server
import json
import math
import pathlib
import socket
import threading
import time
import urllib.parse

PAGE = pathlib.Path(__file__).resolve().parents[2] / "supervisor" / "control" / "page"
CHART = pathlib.Path("/usr/share/javascript/chart.js/chart.min.js")
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
# What the service sends with each answer.
HEADERS = {"Content-Security-Policy":
               "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
           "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
           "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-cache"}

# Each would do something if it were taken as markup or as an address.
HOSTILE = ['<img src=x onerror="window.pwned=1">', "<script>window.pwned=2</script>", "\"'><svg onload=window.pwned=3>",
           "javascript:window.pwned=4", "{{7*7}}${7*7}", "\u202egnp.exe\u0000\x1b[31m", "</textarea></style></title>",
           "<iframe srcdoc='<script>top.pwned=5</script>'>", "__proto__", "x" * 5000]


def rfc3339(seconds_ago=0.0):
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds_ago)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class World:
    """What a service knows. Counters follow the clock; tests change the rest."""

    def __init__(self):
        self.began = time.monotonic()
        self.pid = 4711
        self.version = "0.1.0"
        self.operate = False
        self.problems = []
        self.reload = {"ok": True}
        self.pools = {}
        self.reports = {}
        self.poison = []
        self.events = []
        self.changed = threading.Condition()
        self.operated = []

    # ---- making -----------------------------------------------------------------------------------------------------

    def add_pool(self, name, size=4, rate=50.0, state="ready", **more):
        """`more` takes the place of what the pool would say."""
        self.pools[name] = {"name": name, "state": state, "target": size, "rate": rate, "more": more}

    def add_event(self, event, message, level="info", **fields):
        with self.changed:
            self.events.append({"seq": len(self.events) + 1, "time": rfc3339(), "level": level, "event": event,
                                "message": message, **fields})
            self.changed.notify_all()

    def add_crash(self, report, pool="chaos", **more):
        self.reports[report] = {
            "report": report, "time": rfc3339(90), "pool": pool, "plugin": f"/usr/lib/caisson/plugins/{pool}.so",
            "version": "1.0.0", "worker": {"id": 2, "pid": 4802}, "outcome": "crashed", "method": "segv", "call": 83,
            "attempts": 1, "max_attempts": 1,
            "exit": {"kind": "signaled", "signal": "SIGSEGV", "code": "address not mapped", "address": "0x0",
                     "max_rss_bytes": 12345678},
            "message": "crashed: SIGSEGV, address not mapped, at 0x0",
            "stack": [{"module": f"{pool}.so", "offset": "0x11d9", "function": "poke(int volatile*)",
                       "file": "plugins/chaos/chaos.cpp", "line": 41},
                      {"module": f"{pool}.so", "offset": "0x1210", "function": "segv()",
                       "file": "plugins/chaos/chaos.cpp", "line": 47},
                      {"module": "libc.so.6", "offset": "0x27249"}],
            "output": ["about to write to address 0", "goodbye"], **more}

    # ---- telling ----------------------------------------------------------------------------------------------------

    def age(self):
        return time.monotonic() - self.began

    def status(self):
        return {"supervisor": {"pid": self.pid, "version": self.version, "uptime_s": self.age(),
                               "socket": "/run/caisson/caisson.sock", "config": "/etc/caisson/caisson.toml",
                               "state": "serving", "problems": self.problems, "reload": self.reload,
                               "http": {"operate": self.operate}},
                "pools": [self.pool(pool, i) for i, pool in enumerate(self.pools.values())]}

    def pool(self, pool, nth):
        age = self.age() + 3600
        down = pool["state"] in ("quarantined", "stopped")
        # Grows always: the wave's slope is smaller than the rate.
        served = 0 if down else pool["rate"] * (age + 6 * math.sin(age / 12 + nth))
        run_s = 0.0004 * (nth + 1) * (1.4 + math.sin(age / 20 + nth))
        workers = [self.worker(pool, i + 1, age) for i in range(pool["target"])]
        latency = {part: {"p50_s": run_s * share, "p99_s": run_s * share * 9}
                   for part, share in (("waiting", 0.3), ("running", 1.0), ("total", 1.3))}
        latency["calls"] = 0 if down else 60 * int(pool["rate"])
        path = f"/usr/lib/caisson/plugins/{pool['name']}.so"
        made = {"name": pool["name"], "state": pool["state"], "plugin": path, "version": "1.0.0", "since_s": age % 900,
                "queued": 0 if down else round(3 + 3 * math.sin(age / 9 + nth)),
                "running": sum(worker["state"] == "running" for worker in workers), "resting": 0, "retries": 2,
                "restarts": 1 + nth, "target": pool["target"], "spares": 0, "start": "exec",
                "calls": {"ok": int(served), "failed": int(served / 40), "crashed": nth, "timed_out": nth // 2,
                          "cancelled": 0, "refused": 120 if down else 0},
                "rates": {"1s": served / age, "10s": served / age, "60s": served / age}, "latency": {"minute": latency},
                "refused": {"breaker": 120} if down else {}, "crashes": {"SIGSEGV": nth} if nth else {},
                "memory_bytes": 9_000_000 * pool["target"], "breaker": {"state": "closed"},
                "library": {"path": path, "loaded": "image", "hash": "5fd8ae4e8fce4580", "version": "1.0.0"},
                "methods": [{"name": "square", "help": "n times n", "input": "int64", "output": "int64",
                             "idempotent": True},
                            {"name": "sum", "help": "the sum of a list", "input": "[float64]", "output": "float64",
                             "idempotent": True}],
                "workers": workers}
        return {**made, **pool["more"]}

    @staticmethod
    def worker(pool, number, age):
        if pool["state"] == "quarantined":
            return {"id": number, "pid": 0, "state": "waiting", "calls": 0, "uptime_s": 0.0}
        if pool["state"] == "degraded" and number == 1:
            return {"id": number, "pid": 4000 + number, "state": "starting", "calls": 0, "uptime_s": 0.3}
        out = {"id": number, "pid": 4000 + number, "state": "idle", "calls": int(age * 3) + number,
               "uptime_s": age + number, "memory_bytes": 8_000_000 + 100_000 * number}
        if math.sin(age / 3 + number * 1.7) > 0:
            out |= {"state": "running", "method": "square", "running_s": (age * 0.37 + number * 0.11) % 2.5}
        if pool["name"] == "text" and number == 1:
            out["renewing"] = "its settings changed"
        return out

    def crashes(self):
        keys = ("report", "time", "pool", "method", "call", "worker", "exit", "message")
        return [{key: report[key] for key in keys if key in report} for report in reversed(self.reports.values())]

    def events_after(self, after, wait_s, limit):
        """Those that came after a number, or the last that there are."""
        with self.changed:
            if after is None:
                after = max(len(self.events) - limit, 0)
            else:
                self.changed.wait_for(lambda: len(self.events) > after, timeout=wait_s)
            return {"events": self.events[after:], "next": max(len(self.events), after), "lost": 0, "pid": self.pid}


def busy_world():
    """A service on an ordinary day, with one pool of each kind."""
    world = World()
    world.add_pool("math", 4, 180.0)
    world.add_pool("render", 6, 12.0, state="degraded", reason="1 worker is starting")
    world.add_pool("chaos", 2, 5.0, state="quarantined", breaker={"state": "open", "probe_in_s": 21.4},
                   reason="3 of its workers ended outside calls within 60 s: SIGSEGV",
                   last_crash={"time": rfc3339(90), "report": "01JD3V7Q8Z0000000000000083",
                               "message": "SIGSEGV, address not mapped"})
    world.add_pool("text", 3, 75.0, start="zygote")
    world.add_crash("01JD3V7Q8Z0000000000000083")
    world.add_crash("01JD3V9K2M0000000000000091", pool="render", method="frame", call=9120,
                    message="crashed: exited with code 0 in the middle of a call",
                    exit={"kind": "exited", "code": 0}, stack=[], output=[])
    world.poison = [{"id": "5fd8ae4e8fce4580", "pool": "chaos", "method": "segv", "crashes": 3, "input_bytes": 2,
                     "since": rfc3339(80), "report": "01JD3V7Q8Z0000000000000083"}]
    world.problems = ["plugin_dir: broken.so is not a library: file too short"]
    world.add_event("service_started", "caisson 0.1.0 serves", pid=4711)
    for name in world.pools:
        world.add_event("worker_ready", "worker ready", pool=name, worker=1, pid=4001)
    world.add_event("worker_ended", "worker ended", level="warn", pool="chaos", worker=2, exit="SIGSEGV")
    world.add_event("pool_quarantined", "pool quarantined: its workers keep ending", level="error", pool="chaos")
    return world


def hostile_world():
    """Every text that comes from a plugin, a client or a file is an attack."""
    world = World()
    for i, attack in enumerate(HOSTILE):
        world.add_pool(attack, 1, reason=attack, version=attack, no_zygote=attack, plugin=attack, start=attack,
                       state=attack if i % 2 else "degraded",
                       library={"path": attack, "hash": attack, "version": attack, "problem": attack,
                                "candidate": {"state": attack, "version": attack, "hash": attack},
                                "rolled_back": {"hash": attack, "why": attack}},
                       methods=[{"name": attack, "help": attack, "input": attack, "output": attack}],
                       workers=[{"id": attack, "pid": attack, "state": attack, "method": attack, "running_s": attack,
                                 "renewing": attack}],
                       last_crash={"time": attack, "report": attack, "message": attack}, refused={attack: 3})
        world.add_crash(f"01HOSTILE{i}", pool=attack, method=attack, message=attack, output=[attack], time=attack,
                        version=attack, plugin=attack,
                        exit={name: attack for name in ("kind", "signal", "code", "address", "why")},
                        stack=[{name: attack for name in ("module", "offset", "function", "file", "line")}])
        world.poison.append({"id": attack, "pool": attack, "method": attack, "since": attack, "report": attack})
        world.add_event(attack, attack, level=attack, pool=attack, more=attack, nested={"a": attack})
    world.problems = list(HOSTILE)
    world.reload = {"ok": False, "time": HOSTILE[0], "message": HOSTILE[1]}
    return world


def poor_world():
    """Fields are missing or of another type: of an older service, a newer one, a broken one."""
    world = World()
    wrong = {"name": "wrong", "workers": "none", "calls": [1], "latency": 3, "state": {"a": 1}, "methods": {"x": 1},
             "queued": "many", "target": -1, "library": [], "rates": None}
    world.status = lambda: {"pools": [{"name": "bare"}, {}, None, 7, "text", wrong]}
    world.crashes = lambda: [{}, None, {"report": "01POOR", "exit": "?", "worker": None, "time": 12}]
    world.reports = {"01POOR": {"stack": "none", "output": {"a": 1}, "exit": []}}
    world.poison = [None, {}, {"id": 3}]
    world.events = [{"seq": 1}, {"time": "soon", "level": None, "event": 5, "message": ["a"]}]
    return world


class FakeService:
    """Serves a world on a port of the loopback. `requests` has (time, method, path) of all that was asked."""

    def __init__(self, world, port=0):
        self.world = world
        self.port = port
        self.requests = []
        self._server = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def start(self):
        service = self

        class Handler(Answers):
            fake = service

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self):
        """As when a service ends: nothing listens, and no connection stays."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server.end_connections()
        self._server = None

    def asked(self, beginning):
        return [request for request in list(self.requests) if request[2].startswith(beginning)]


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *arguments):
        self.open = set()
        super().__init__(*arguments)

    def process_request(self, request, client_address):
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.open.discard(request)
        super().shutdown_request(request)

    def end_connections(self):
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended by itself

    def handle_error(self, request, client_address):
        pass  # a browser that goes away is no error


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.fake.requests.append((time.monotonic(), "GET", self.path))
        if path.startswith("/api/"):
            self.send_api(path.removeprefix("/api/"), urllib.parse.parse_qs(query))
        else:
            self.send_file(path)

    def do_POST(self):
        self.fake.requests.append((time.monotonic(), "POST", self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        allowed = self.fake.world.operate and self.headers.get("X-Caisson") == "operate"
        if self.path != "/api/operate" or not allowed:
            return self.send_json(403, {"message": "the page may not operate this service", "hint": "metrics.operate"})
        self.fake.world.operated.append(json.loads(body))
        return self.send_json(200, {})

    def send_api(self, what, query):
        world = self.fake.world
        if what == "status":
            self.send_json(200, world.status())
        elif what == "crashes":
            self.send_json(200, {"crashes": world.crashes()})
        elif what.startswith("crashes/"):
            report = world.reports.get(urllib.parse.unquote(what.removeprefix("crashes/")))
            if report is None:
                self.send_json(404, {"message": "there is no such crash report", "hint": "see `caisson crashes`"})
            else:
                self.send_json(200, {"crash": report})
        elif what == "poison":
            self.send_json(200, {"poison": world.poison})
        elif what == "events":
            numbers = {name: int(values[0]) for name, values in query.items()}
            self.send_json(200, world.events_after(numbers.get("after"), numbers.get("wait_s", 0),
                                                   numbers.get("limit", 100)))
        else:
            self.send_json(404, {"message": "there is nothing here", "hint": ""})

    def send_file(self, path):
        name = "index.html" if path == "/" else path.lstrip("/")
        file = CHART if name == "chart.js" else PAGE / name
        if "/" in name or not file.is_file():
            return self.send_json(404, {"message": "there is nothing here", "hint": ""})
        return self.send(200, TYPES[file.suffix], file.read_bytes())

    def send_json(self, code, document):
        self.send(code, "application/json", json.dumps(document).encode())

    def send(self, code, content_type, body):
        self.send_response(code)
        for name, value in {**HEADERS, "Content-Type": content_type, "Content-Length": len(body)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)


def main():
    parser = argparse.ArgumentParser(description="plays a service for the page")
    parser.add_argument("--port", type=int, default=8800)
    parser.add_argument("--pools", type=int, default=0, help="so many pools more")
    parser.add_argument("--workers", type=int, default=4, help="in each of them")
    parser.add_argument("--operate", action="store_true", help="with buttons")
    parser.add_argument("--hostile", action="store_true", help="all texts are attacks")
    options = parser.parse_args()
    world = hostile_world() if options.hostile else busy_world()
    world.operate = options.operate
    for i in range(options.pools):
        world.add_pool(f"more-{i}", options.workers)
    service = FakeService(world, options.port).start()
    print(service.url, flush=True)
    while True:
        time.sleep(3)
        count = len(world.events)
        world.add_event("worker_ready", "worker ready", pool="math", worker=count % 4 + 1, pid=4000 + count)


if __name__ == "__main__":
    main()
