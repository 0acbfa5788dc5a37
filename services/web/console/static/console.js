// The keyboard, and amounts that are copied as plain decimals.
"use strict";

(() => {
  const one = (what) => document.querySelector(what);
  const every = (what) => document.querySelectorAll(what);
  const rows = () => [...every("table[data-rows] tbody tr, .voucher .entries li")].filter((row) => row.offsetParent !== null);
  const help = one("#help");
  let goes = false;

  const at = () => one(".at") || one("tr.marked");

  const move = (step) => {
    const all = rows();
    if (all.length === 0) return;
    const place = all.indexOf(at());
    const next = all[Math.min(Math.max(place + step, 0), all.length - 1)];
    every(".at").forEach((row) => row.classList.remove("at"));
    next.classList.add("at");
    const link = next.querySelector("a");
    if (link) link.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };

  const follow = (link) => { if (link) link.click(); };

  const why = () => {
    const row = document.activeElement.closest("tr, .entries li") || at();
    follow((row && row.querySelector("a.why")) || one("main a.why"));
  };

  const keys = {
    "/": () => one("#q").select(),
    g: () => { goes = true; setTimeout(() => { goes = false; }, 1500); },
    j: () => move(1),
    k: () => move(-1),
    w: why,
    b: () => history.back(),
    e: () => follow(one("a[data-export]")),
    "?": () => help.showModal(),
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
    if (goes) {
      goes = false;
      const link = one(`nav a[data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); follow(link); }
      return;
    }
    if (event.key === "Enter" && document.activeElement === document.body) {
      const row = at();
      follow(row && row.querySelector("a"));
    } else if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  // the reason is seen at once
  addEventListener("htmx:after:swap", () => { one("#why:has(h2)")?.scrollIntoView({ block: "nearest" }); });

  every("[data-print]").forEach((each) => { each.hidden = false; each.onclick = () => print(); });

  addEventListener("copy", (event) => {
    const selection = getSelection();
    if (selection.isCollapsed || event.target.closest("input, textarea")) return;
    const holder = document.createElement("div");
    for (let n = 0; n < selection.rangeCount; n += 1) holder.append(selection.getRangeAt(n).cloneContents());
    const amounts = holder.querySelectorAll("[data-plain]");
    const inside = selection.anchorNode.parentElement.closest("[data-plain]");
    if (amounts.length === 0 && !inside) return;
    if (amounts.length === 0) {
      if (selection.toString().trim() !== inside.textContent.trim()) return;
      event.clipboardData.setData("text/plain", inside.dataset.plain);
    } else {
      amounts.forEach((each) => { each.textContent = each.dataset.plain; });
      holder.querySelectorAll(".unseen, .sign").forEach((each) => each.remove());
      const lines = [...holder.querySelectorAll("tr")].map((row) => [...row.cells].map((cell) => cell.textContent.trim().replace(/\s+/g, " ")).join("\t"));
      event.clipboardData.setData("text/plain", lines.length ? lines.join("\n") : holder.textContent.trim());
    }
    event.preventDefault();
  });
})();
