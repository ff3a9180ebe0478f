# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven over a pair of pipes by the protocol of its developer tools. Only Python is needed.

Messages are JSON, each ended by a zero byte; the browser reads them from descriptor 3 and writes to descriptor 4.
"""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

PATIENCE_S = 30
FLAGS = ["--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--disable-gpu",
         "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en-GB"]


def program():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Gone(Exception):
    """The browser did not answer, or said that it could not."""


class Browser:
    """Use it in a `with`: the browser and its profile go with it."""

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="caisson-page-", ignore_cleanup_errors=True)
        their_in, self.to = os.pipe()
        self.back, their_out = os.pipe()
        flags = [*FLAGS, f"--user-data-dir={self.profile.name}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        # A shell, because descriptors 3 and 4 of this process may be in use.
        shell = ["bash", "-c", 'exec "${@:3}" 3<&"$1" 4>&"$2"', "browser", str(their_in), str(their_out)]
        self.process = subprocess.Popen([*shell, program(), *flags, "about:blank"], pass_fds=(their_in, their_out),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(their_in)
        os.close(their_out)
        self.last = 0
        self.unread = b""
        self.pages = {}  # session -> Page
        return self

    def __exit__(self, *_):
        try:
            self.ask("Browser.close", patience_s=5)
        except (Gone, OSError):
            pass
        for ending in (signal.SIGTERM, signal.SIGKILL):
            try:
                self.process.wait(timeout=5)
                break
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, ending)
        self.process.wait()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # what may be left of its helpers
        except ProcessLookupError:
            pass
        os.close(self.to)
        os.close(self.back)
        self.profile.cleanup()

    def ask(self, method, parameters=None, session=None, patience_s=PATIENCE_S):
        """Sends a command and gives its result."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters or {}}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + patience_s
        wanted = self.last
        while True:
            answer = self.read(deadline, method)
            if answer.get("id") == wanted:
                break
        if "error" in answer:
            raise Gone(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def read(self, deadline, why):
        """The next message; events go to their page on the way."""
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.back], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                raise Gone(f"no answer to {why}")
            chunk = os.read(self.back, 1 << 20)
            if not chunk:
                raise Gone(f"the browser ended; the question was {why}")
            self.unread += chunk
        raw, _, self.unread = self.unread.partition(b"\0")
        message = json.loads(raw)
        if page := self.pages.get(message.get("sessionId")):
            page.notice(message)
        return message

    def open(self, url, width=1280, height=900):
        target = self.ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = self.pages[session] = Page(self, target, session)
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility", "DOM", "CSS"):
            page.ask(f"{domain}.enable")
        page.size(width, height)
        if url:
            page.go(url)
        return page


class Page:
    """One tab. `complaints` has what it said on its console, `requests` the addresses that it asked for."""

    def __init__(self, browser, target, session):
        self.browser = browser
        self.target = target
        self.session = session
        self.complaints = []
        self.requests = []

    def ask(self, method, parameters=None):
        return self.browser.ask(method, parameters, self.session)

    def notice(self, message):
        what = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(what["request"]["url"])
            case "Runtime.exceptionThrown":
                details = what["exceptionDetails"]
                self.complaints.append(details.get("exception", {}).get("description") or details["text"])
            case "Runtime.consoleAPICalled" if what["type"] in ("error", "warning", "assert"):
                self.complaints.append(" ".join(str(a.get("value", a.get("description"))) for a in what["args"]))
            case "Log.entryAdded" if what["entry"]["level"] in ("error", "warning"):
                self.complaints.append(f"{what['entry']['text']} {what['entry'].get('url', '')}")

    def go(self, url):
        self.ask("Page.navigate", {"url": url})
        self.wait("document.readyState === 'complete'")

    def size(self, width, height, scale=1):
        self.ask("Emulation.setDeviceMetricsOverride",
                 {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False})

    def prefer(self, **features):
        self.ask("Emulation.setEmulatedMedia", {"features": [{"name": name.replace("_", "-"), "value": value}
                                                             for name, value in features.items()]})

    def run(self, expression):
        """The value of a JavaScript expression; promises are waited for."""
        answer = self.ask("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in answer:
            raise Gone(f"{expression}: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    def wait(self, expression, patience_s=PATIENCE_S):
        """Waits until an expression is true, and gives its value; looks every 50 ms."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if value := self.run(f"(async () => {{ const it = await ({expression}); return it ? [it] : null; }})()"):
                return value[0]
            time.sleep(0.05)
        raise Gone(f"this did not become true: {expression}\n{self.run('document.body.innerText')[:2000]}")

    def press(self, key, text=None, shift=False):
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}
        event = {"key": key, "code": key, "windowsVirtualKeyCode": codes.get(key, 0), "modifiers": 8 if shift else 0}
        text = text or {"Enter": "\r", " ": " "}.get(key)
        self.ask("Input.dispatchKeyEvent", {"type": "keyDown", **event, **({"text": text} if text else {})})
        self.ask("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def screenshot(self, path, whole=True):
        image = self.ask("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole})
        path.write_bytes(base64.b64decode(image["data"]))

    def tree(self):
        """The accessibility tree, without what is ignored."""
        return [node for node in self.ask("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]

    def close(self):
        self.browser.ask("Target.closeTarget", {"targetId": self.target})
        self.browser.pages.pop(self.session, None)
