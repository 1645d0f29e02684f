"""`ocpp-sansio report`: one page that needs no network, says everything without JavaScript, and trusts no log."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_sansio_adapters.cli._log.finding import find_frames
from ocpp_sansio_adapters.cli._log.reading import read
from ocpp_sansio_adapters.cli._log.redaction import Redactor
from ocpp_sansio_adapters.cli._report.page import page
from ocpp_sansio_adapters.cli.main import main

EVIL = "<script>alert(1)</script>\"'&"
NOW = "2026-05-01T12:00:00Z"
TOKEN = "04E91C5A123456"
LOG = "\n".join(
    f"2026-05-01 12:00:{second:02},000 INFO:ocpp:{station}: {way} {json.dumps(frame)}"
    for second, station, way, frame in [
        (0, "CP_1", "receive message", [2, "1", "BootNotification", {"chargePointVendor": EVIL, "chargePointModel": "M"}]),
        (1, "CP_1", "send", [3, "1", {"status": "Accepted", "currentTime": NOW, "interval": 300}]),
        (2, "CP_2", "receive message", [2, "1", "Authorize", {"idTag": TOKEN}]),
        (9, "CP_2", "send", [3, "1", {"idTagInfo": {"status": "Accepted"}}]),
        (10, "CP_1", "send", [2, "r", "Reset", {"type": "Sideways"}]),
        (11, "CP_1", "receive message", [3, "r", {"status": "Accepted"}]),
    ]
)  # fmt: skip

#: What the page is made of.
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "script"),
    *("h1", "h2", "ul", "ol", "li", "b", "p", "a", "div", "span", "pre", "code", "mark", "svg", "rect"),
    *("path", "text", "time", "s", "i", "u"),
    *("form", "select", "option", "label", "input", "button", "output", "details", "summary"),
}
#: Attributes that would make a browser load something.
LOADING = {"src", "srcset", "data", "action", "background", "poster", "manifest", "ping"}


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and the text within."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.texts = []
        self.scripts = []
        self.styles = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        kind = self.cdata_elem
        {"script": self.scripts, "style": self.styles}.get(kind, self.texts).append(data)

    def all(self, tag, **wanted):
        return [attrs for name, attrs in self.elements if name == tag and wanted.items() <= attrs.items()]


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "session.log"
    path.write_text(LOG, encoding="utf-8")
    return path


@pytest.fixture
def written(log, capsys):
    """The text of the page of LOG."""
    target = log.with_suffix(".html")
    assert main(["report", str(log), "-o", str(target)]) == 0
    assert capsys.readouterr().out == f"{target}: 6 frames, 2 with trouble.\n"
    return target.read_text(encoding="utf-8")


def test_each_frame_has_a_row_that_opens_without_a_script(written):
    page = Page(written)
    assert len(page.all("details")) == len(page.all("summary")) == 6
    assert [row["id"] for row in page.all("li") if "data-action" in row] == [
        f"f{number}" for number in range(6)
    ]
    assert {row["data-station"] for row in page.all("li") if "data-station" in row} == {"CP_1", "CP_2"}
    assert "js" not in dict(page.elements)["html"].get("class", "")  # filters show when the script says so


def test_nothing_is_loaded_and_nothing_foreign_runs(written):
    page = Page(written)
    for _, attributes in page.elements:
        assert not LOADING & attributes.keys()
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert attributes.get("href", "#").startswith("#")
    assert not page.all("link")
    assert "@import" not in written
    assert "url(" not in written
    (policy,) = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'; ")
    for (text,), kind in ((page.scripts, "script"), (page.styles, "style")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_a_log_cannot_put_anything_into_the_page(written):
    page = Page(written)
    assert len(page.all("script")) == 1
    assert "alert(1)" not in "".join(page.scripts)
    assert any("<script>alert(1)</script>" in text for text in page.texts)


def test_a_name_cannot_either(log, capsys):
    assert main(["report", str(log), "-o", "-", "--title", EVIL]) == 0
    page = Page(capsys.readouterr().out)
    assert len(page.all("script")) == 1
    assert any(EVIL in text for text in page.texts)


def test_trouble_stands_at_the_top_and_beside_the_value(written):
    page = Page(written)
    assert page.all("a", href="#f4")
    text = "".join(page.texts)
    assert "'Sideways' is not one of Hard, Soft" in text
    assert re.search(r'<mark class="bad"><i>"Sideways"</i></mark>', written)


def test_secrets_are_hidden_unless_asked_for(written, log, capsys):
    assert TOKEN not in written
    assert "token-1" in written
    assert "Hidden: 1 token." in written
    main(["report", str(log), "-o", "-", "--secrets"])
    assert TOKEN in capsys.readouterr().out


def test_each_station_has_a_lane_with_its_calls(written):
    page = Page(written)
    assert len(page.all("svg", viewbox="0 0 1000 26")) == 2
    assert [rect["class"] for rect in page.all("rect")] == ["wrong", "wrong", "station"]
    second = page.all("rect")[2]
    assert (float(second["x"]), float(second["width"])) == pytest.approx(
        (1000 * 2 / 11, 1000 * 7 / 11), abs=0.1
    )


def test_each_station_has_a_lifeline_and_the_arrows_are_its_own(written):
    page = Page(written)
    assert page.all("div", **{"class": "sequence n2"})
    rows = [row for row in page.all("li") if "data-action" in row]
    assert [row["class"].split() for row in rows] == [
        ["frame", "right", "station", "wrong", "i0"],
        ["frame", "left", "station", "answer", "i0"],
        ["frame", "right", "station", "i1"],
        ["frame", "left", "station", "answer", "i1"],
        ["frame", "left", "csms", "wrong", "i0"],
        ["frame", "right", "csms", "answer", "i0"],
    ]


def paged(tmp_path, lines, *options):
    """The page of a log."""
    source, target = tmp_path / "a.log", tmp_path / "a.html"
    source.write_text("\n".join(lines), encoding="utf-8")
    assert main(["report", str(source), "-o", str(target), *options]) == 0
    return Page(target.read_text(encoding="utf-8"))


def heartbeats(stations):
    return [
        f'2026-05-01 12:00:00 CP_{number:02}: receive message [2,"1","Heartbeat",{{}}]'
        for number in range(stations)
    ]


@pytest.mark.parametrize(("stations", "lifelines"), [(1, 1), (2, 2), (8, 8), (9, 1), (50, 1)])
def test_too_many_stations_share_a_lifeline(stations, lifelines, tmp_path):
    page = paged(tmp_path, heartbeats(stations))
    assert page.all("div", **{"class": f"sequence n{lifelines}"})
    assert len([row for row in page.all("li") if row.get("data-station")]) == stations


@pytest.mark.parametrize(("stations", "kind"), [(10, "lanes"), (11, "lanes many")])
def test_many_stations_have_low_lanes_in_a_window(stations, kind, tmp_path):
    assert paged(tmp_path, heartbeats(stations)).all("div", **{"class": kind})


def test_a_log_that_knows_one_moment_has_its_order(tmp_path):
    page = paged(tmp_path, heartbeats(3))
    assert [float(rect["x"]) for rect in page.all("rect")] == [0.0, 500.0, 998.0]
    assert "frame 3" in page.texts


@pytest.mark.parametrize(
    ("length", "ticks"),
    [
        (0.004, ["0 s", "1 ms", "2 ms", "3 ms", "4 ms"]),
        (7, ["0 s", "2 s", "4 s", "6 s"]),
        (100, ["0 s", "30 s", "1:00 min", "1:30 min"]),
        (3 * 3600, ["0 s", "1:00 h", "2:00 h", "3:00 h"]),
        (12 * 86400, ["0 s", "3 days", "6 days", "9 days", "12 days"]),
    ],
)
def test_the_time_line_is_counted_in_round_lengths(length, ticks, tmp_path):
    lines = [
        json.dumps({"t": time, "station": "CP_1", "raw": '[2,"1","Heartbeat",{}]'})
        for time in (1, 1 + length)
    ]
    page = paged(tmp_path, lines)
    assert [text for text in page.texts if re.fullmatch(r"[\d:.]+ (s|ms|min|h|days)", text)] == ticks


def test_a_call_leads_to_its_answer_and_back(written):
    page = Page(written)
    assert [page.texts.count(text) for text in ("its answer", "its call")] == [3, 3]
    assert page.all("a", href="#f3")
    assert page.all("a", href="#f2")


def test_the_same_trouble_is_told_once_and_counted(tmp_path):
    wrong = [
        line.replace("{}", '{"x":1}').replace('"1"', f'"{number}"')
        for number, line in enumerate(heartbeats(4))
    ]
    page = paged(tmp_path, wrong)
    assert " $: unknown member 'x' " in page.texts
    assert "4 stations, 4 times" in page.texts


def test_a_session_without_trouble_has_no_filter_for_it(tmp_path):
    page = paged(tmp_path, heartbeats(1))
    assert page.all("select", name="action")
    assert not page.all("input")
    assert not page.all("button", name="next")


def test_an_answer_beyond_what_is_shown_is_left_out(log, capsys):
    assert main(["report", str(log), "-o", "-", "--most", "1"]) == 0
    page = Page(capsys.readouterr().out)
    assert len(page.all("details")) == len(page.all("rect")) == 1
    assert "its answer" not in page.texts


def luminance(colour):
    """Relative luminance, as WCAG 2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


#: What is written on what.
WRITTEN = [
    *((text, ground) for text in ("ink", "faint", "bad", "odd", "station", "csms", "good") for ground in ("paper", "card")),
    *((text, "hover") for text in ("ink", "faint", "bad")),
    *((text, "card") for text in ("key", "text", "number")),
    *(("bad", "bad-soft"), ("odd", "odd-soft"), ("text", "bad-soft"), ("number", "bad-soft"), ("text", "odd-soft")),
]  # fmt: skip


@pytest.mark.parametrize("look", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), WRITTEN)
def test_colours_can_be_told_apart(look, text, ground, written):
    (style,) = Page(written).styles
    colours = dict(
        re.findall(r"--([a-z-]+): (#[0-9a-f]+);", re.findall(r":root \{(.*?)\}", style, re.DOTALL)[look])
    )
    bright, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2, level AA


def test_a_log_without_times_has_its_order(tmp_path, capsys):
    path = tmp_path / "a.log"
    path.write_text('[2,"1","Heartbeat",{}]\n[2,"2","Heartbeat",{}]\n', encoding="utf-8")
    main(["report", str(path), "-o", "-"])
    out = capsys.readouterr().out
    assert "frame 1" in out
    assert "frame 2" in out
    assert "line 2" in out


def test_most_frames_that_are_shown(log, capsys):
    target = log.with_suffix(".html")
    assert main(["report", str(log), "-o", str(target), "--most", "2"]) == 0
    assert capsys.readouterr().out.endswith("; 4 frames left out, --most shows more.\n")
    assert "the first 2 shown" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5"])
def test_most_is_a_whole_number(number, log, capsys):
    with pytest.raises(SystemExit):
        main(["report", str(log), "-o", "-", f"--most={number}"])
    assert "a whole number from 1 to 2147483647 is needed" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_a_sentence(log, tmp_path, capsys):
    assert main(["report", str(log), "-o", str(tmp_path)]) == 2
    assert "the page cannot be written to " in capsys.readouterr().err


@pytest.mark.parametrize(
    "frame", ["[2", "\ud800", '[2,"1","Heartbeat",' + "[" * 5000 + "]" * 5000 + "]", "[3]", "[4,1,2]"]
)
def test_odd_frames_are_shown_as_they_are(frame, tmp_path, capsys):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"raw": frame}) + "\n", encoding="utf-8")
    assert main(["report", str(path), "-o", "-"]) == 0
    assert len(Page(capsys.readouterr().out).all("details")) == 1


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_whatever_was_said_stays_text(texts):
    lines = [json.dumps({"raw": text, "station": text[::-1]}) for text in texts]
    reading = read(list(find_frames("\n".join(lines))))
    shown = Page(page(reading, texts[0], Redactor(), most=10, slow=1.0))
    assert len(shown.all("details")) == len(texts)
    assert len(shown.all("script")) == 1
    assert {tag for tag, _ in shown.elements} <= TAGS


# In a browser.

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

#: A window of any width, narrower than a browser's may be; shows in its title what the page within has to tell.
WINDOW = """<!DOCTYPE html><title></title>
<script>addEventListener("message", (event) => (document.title = event.data));</script>
<iframe src="visited.html" width="{width}" height="800" frameborder="0"></iframe>
"""

#: What a person would do, and what the page has shown them.
VISIT = """
<script>
const seen = [];
const rows = () => [...document.querySelectorAll("li.frame")].filter((row) => row.checkVisibility()).length;
const tools = document.querySelector(".tools");
const change = (name, set) => {
  const element = tools.querySelector(`[name=${name}]`);
  set(element);
  element.dispatchEvent(new Event("input", { bubbles: true }));
};
seen.push(rows());
change("trouble", (box) => (box.checked = true));
seen.push(rows());
change("trouble", (box) => (box.checked = false));
change("station", (list) => (list.value = "CP_2"));
seen.push(rows());
change("action", (list) => (list.value = "Reset"));
seen.push(rows());
change("station", (list) => (list.value = ""));
seen.push(rows());
tools.querySelector("[name=open]").click();
seen.push(document.querySelectorAll("details[open]").length);
tools.querySelector("[name=open]").click();
seen.push(document.querySelectorAll("details[open]").length);
change("action", (list) => (list.value = ""));
window.addEventListener("hashchange", () => {
  seen.push(location.hash, document.querySelector(location.hash + " details").open);
  seen.push(document.activeElement.tagName);
  seen.push(innerWidth, document.documentElement.scrollWidth);
  parent.postMessage(JSON.stringify(seen), "*");
});
document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "n", bubbles: true }));
</script>
"""


def visited(text, visit, width, tmp_path):
    """What a page has told in a browser window of this width."""
    page = tmp_path / "visited.html"
    # The page's own policy lets no other script run, which is what it is there for.
    open_page = re.sub(r"<meta http-equiv[^>]*>", "", text)
    assert open_page != text
    page.write_text(open_page.replace("</body>", f"{visit}</body>"), encoding="utf-8")
    window = tmp_path / "window.html"
    window.write_text(WINDOW.format(width=width), encoding="utf-8")
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
        "--hide-scrollbars", "--window-size=1400,900", "--virtual-time-budget=2000", "--dump-dom", window.as_uri(),
    ]  # fmt: skip
    dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    return json.loads(title[1].replace("&quot;", '"'))


in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="Debian's package chromium is not installed")


@in_a_browser
@pytest.mark.parametrize("width", [1280, 360])
def test_in_a_browser_filters_filter_and_nothing_sticks_out(width, written, tmp_path):
    assert visited(written, VISIT, width, tmp_path) == [
        *(6, 2, 2, 0, 2, 2, 0),
        *("#f0", True, "SUMMARY"),
        *(width, width),
    ]


#: Every arrow, from the lifeline of its station to that of the CSMS, wherever the text leaves room.
MEASURE = """
<script>
document.dispatchEvent(new KeyboardEvent("keydown", { key: "t", bubbles: true }));
const heads = [...document.querySelectorAll(".heads span")].map((head) => Math.round(head.getBoundingClientRect().left));
const arrows = [...document.querySelectorAll(".arrow")].map((arrow) => Math.round(arrow.getBoundingClientRect().left));
const ends = new Set([...document.querySelectorAll(".arrow")].map((arrow) => Math.round(arrow.getBoundingClientRect().right)));
const shown = document.querySelector("output").textContent;
parent.postMessage(JSON.stringify([heads.join() === arrows.join(), ends.size, shown, document.documentElement.scrollWidth]), "*");
</script>
"""


@in_a_browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("stations", [3, 8])
def test_in_a_browser_each_arrow_begins_at_its_lifeline(width, stations, tmp_path):
    paged(tmp_path, heartbeats(stations))
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert visited(text, MEASURE, width, tmp_path) == [True, 1, f"{stations} frames", width]


def test_a_page_does_not_overwrite_its_log(log, capsys):
    before = log.read_bytes()
    assert main(["report", str(log), "-o", str(log.parent / "." / log.name)]) == 2
    assert "ocpp-sansio report: the page would overwrite " in capsys.readouterr().err
    assert log.read_bytes() == before
