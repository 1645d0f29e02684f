// Filters, counts, and jumps to a frame. The page says everything without this, too.
"use strict";
(() => {
  const tools = document.querySelector(".tools");
  const rows = [...document.querySelectorAll("li.frame")];
  const pick = (name) => tools.querySelector(`[name=${name}]`);
  const [action, station, trouble] = ["action", "station", "trouble"].map(pick);
  const count = tools.querySelector("output");

  function filter() {
    let shown = 0;
    for (const row of rows) {
      const { action: does, station: who, trouble: wrong } = row.dataset;
      row.hidden =
        (action.value !== "" && does !== action.value) ||
        (station !== null && station.value !== "" && who !== station.value) ||
        (trouble !== null && trouble.checked && wrong === undefined);
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = shown === rows.length ? `${shown} frames` : `${shown} of ${rows.length} frames`;
  }

  function reveal() {
    const row = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
    if (row === null || !row.classList.contains("frame")) return;
    if (row.hidden) {
      tools.reset();
      filter();
    }
    const details = row.querySelector("details");
    details.open = true;
    details.querySelector("summary").focus({ preventScroll: true });
    row.scrollIntoView({ block: "center" });
  }

  function next(step) {
    const wrong = rows.filter((row) => !row.hidden && row.dataset.trouble !== undefined);
    if (wrong.length === 0) return;
    const here = rows.indexOf(document.activeElement.closest("li.frame"));
    const after = wrong.filter((row) => (rows.indexOf(row) - here) * step > 0);
    const chosen = step > 0 ? (after[0] ?? wrong[0]) : (after.at(-1) ?? wrong.at(-1));
    if (location.hash === `#${chosen.id}`) reveal();
    else location.hash = chosen.id;
  }

  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("input", filter);
  pick("next")?.addEventListener("click", () => next(1));
  pick("open").addEventListener("click", () => {
    const shown = rows.filter((row) => !row.hidden).map((row) => row.querySelector("details"));
    const open = shown.some((details) => !details.open);
    for (const details of shown) details.open = open;
    pick("open").textContent = open ? "Close all" : "Open all";
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input")) return;
    if (event.key === "n") next(1);
    if (event.key === "p") next(-1);
    if (event.key === "t") trouble?.click();
  });
  window.addEventListener("hashchange", reveal);
  document.documentElement.classList.add("js");
  filter();
  reveal();
})();
