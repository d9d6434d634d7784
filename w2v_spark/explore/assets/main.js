/* The page: loads the arrays, and keeps what is chosen, the colour and the view in step with the address. */
"use strict";

(async () => {
  const { manifest } = w2v;
  const $ = (id) => document.getElementById(id);
  const status = (text) => ($("status").textContent = text);
  $("title").textContent = manifest.title;
  let panes = [];
  let panel, search, saving;
  let address = location.hash; // what the page has last read or written there

  async function read(space) {
    const key = (name) => `${space.key}-${name}`;
    const [points, texts, counts, coarse, fine] = await Promise.all([
      w2v.load(key("points")), w2v.loadJson(key("words")), w2v.load(key("counts")),
      w2v.load(key("regions-0")), w2v.load(key("regions-1")),
    ]);
    const read = { ...space, points, texts, counts, labels: [coarse, fine], near: manifest.arrays[key("neighbours")].shape[1] };
    if (w2v.has(key("drift"))) read.drift = await w2v.load(key("drift"));
    if (w2v.has(key("topics"))) read.ofTopics = await w2v.load(key("topics"));
    if (w2v.has(key("links"))) read.links = await w2v.load(key("links"));
    if (w2v.has(key("documents"))) {
      const [titles, places, neighbours, cosines, topics] = await Promise.all([
        w2v.loadJson(key("documents")), w2v.load(key("document-points")), w2v.load(key("document-words")),
        w2v.load(key("document-cosines")), w2v.load(key("document-topics")),
      ]);
      const near = manifest.arrays[key("document-words")].shape[1];
      read.documents = { texts: titles, points: places, neighbours, cosines, topics, near };
    }
    return read;
  }

  /* Neighbours are half of what is loaded, and not needed for the first picture. */
  async function readNeighbours(space) {
    [space.neighbours, space.cosines] = await Promise.all([
      w2v.load(`${space.key}-neighbours`), w2v.load(`${space.key}-cosines`),
    ]);
  }

  function colourOf(space, kind) {
    const { group, ramp } = w2v.colours;
    const moved = space.drift ? [...space.drift].filter((value) => !Number.isNaN(value)).sort((a, b) => a - b) : [];
    const bound = moved[Math.floor(0.98 * moved.length)] || 1;
    return {
      cluster: (row) => group(space.labels[0][row]),
      frequency: (row) => ramp(1 - Math.sqrt(row / space.words)), // by rank: half of the words are the rarest
      topic: (row) => group(space.ofTopics ? space.ofTopics[row] : -1),
      drift: (row) => ramp(space.drift ? space.drift[row] / bound : NaN),
    }[kind];
  }

  function paint() {
    const kind = $("colour").value;
    const theme = w2v.colours.theme();
    for (const pane of panes) {
      const of = colourOf(pane.space, kind);
      const colours = new Uint8Array(4 * pane.space.words);
      for (let row = 0; row < pane.space.words; row++) colours.set([...of(row), row < pane.space.laidOut ? 205 : 120], 4 * row);
      pane.points.setColours(colours);
      Object.assign(pane, { theme, colour: kind });
      pane.redraw();
    }
    const ends = { frequency: ["rare", "frequent"], drift: ["still", "moved"] }[kind];
    const bar = w2v.make("span", { class: "ramp", "aria-hidden": "true" });
    bar.style.background = `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map((t) => w2v.colours.css(w2v.colours.ramp(t))).join(", ")})`;
    $("legend").replaceChildren(...(ends ? [ends[0], bar, ends[1]] : []));
  }

  function choose(number, selection, fly = true) {
    if (selection) panel.open(true);
    panes.forEach((pane, other) => {
      if (other === number || !selection) pane.selection = selection;
      else {
        const row = selection.kind === "word" ? panes[number].space.links[selection.row] : -1;
        pane.selection = row < 0 ? null : { kind: "word", row };
      }
    });
    panel.show();
    fit(); // what the panel covers has changed
    for (const pane of panes) {
      if (pane.selection && fly) pane.reveal();
    }
    const chosen = selection && panes[number].textOf(selection);
    const count = selection ? panes[number].nearOf(selection).length : 0;
    status(chosen && count ? `${chosen}: ${count} nearest words shown` : chosen ?? "");
    save();
  }

  function save() {
    clearTimeout(saving);
    saving = setTimeout(() => {
      const parts = new URLSearchParams();
      const number = panes.findIndex((pane) => pane.selection);
      if (number >= 0) {
        const { kind, row } = panes[number].selection;
        parts.set(kind, kind === "topic" ? String(row) : panes[number].textOf({ kind, row }));
        if (number) parts.set("in", String(number));
      }
      parts.set("colour", $("colour").value);
      if (panes.some(({ view }) => !view.isHome)) parts.set("view", panes.map(({ view }) => view.toText()).join(";"));
      if (location.hash !== address) return; // it was changed a moment ago, and says where to go
      history.replaceState(null, "", `#${parts}`);
      address = location.hash;
    }, 250);
  }

  function restore() {
    address = location.hash;
    const parts = new URLSearchParams(address.slice(1));
    const colour = parts.get("colour");
    if ([...$("colour").options].some((option) => option.value === colour)) $("colour").value = colour;
    paint();
    const number = parts.get("in") === "1" && panes[1] ? 1 : 0;
    const { space } = panes[number];
    let selection = null;
    if (parts.has("word")) selection = { kind: "word", row: w2v.rowOf(space, parts.get("word")) };
    else if (parts.has("topic") && space.topics) selection = { kind: "topic", row: Number(parts.get("topic")) };
    else if (parts.has("document") && space.documents) {
      selection = { kind: "document", row: space.documents.texts.indexOf(parts.get("document")) };
    }
    const rows = { word: space.words, topic: space.topics?.length, document: space.documents?.texts.length };
    if (selection && !(selection.row >= 0 && selection.row < rows[selection.kind])) {
      selection = null;
      status("What the address names is not on this map.");
    } else if (selection?.kind === "document") showDocuments(true);
    if (selection) choose(number, selection, !parts.has("view"));
    else if (panes.some((pane) => pane.selection)) choose(0, null);
    const views = (parts.get("view") ?? "").split(";");
    panes.forEach((pane, at) => views[at] && pane.view.fromText(views[at]) && pane.redraw());
  }

  function showDocuments(is) {
    $("documents").checked = is;
    panes.forEach((pane) => {
      pane.showDocuments = is && Boolean(pane.space.documents);
      pane.redraw();
    });
  }

  function fit() {
    const wide = innerWidth >= 900;
    const open = $("panel").classList.contains("open");
    const side = wide ? $("panel").offsetWidth + 24 : 0;
    const top = $("top").offsetHeight + 16;
    const two = panes.length > 1; // these leave the panel its place
    panes.forEach((pane, at) => {
      const under = wide ? 16 : open ? (two ? 8 : $("panel").offsetHeight + 8) : 84;
      const low = two && at === 0 && !wide ? 8 : under;
      pane.resize({ left: 8, top: wide ? 24 : at === 0 ? top : 8, right: two ? 8 : side + 8, bottom: low });
    });
  }

  function zoom(factor) {
    for (const pane of panes) {
      const { x, y } = pane.view.free;
      pane.view.zoomAt(x, y, factor);
      pane.redraw();
    }
    save();
  }

  function home() {
    panes.forEach((pane) => {
      pane.view.goHome();
      pane.redraw();
    });
    save();
  }

  function key(event) {
    const typing = event.target.closest?.("input, select, textarea");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrows = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] };
    if (event.key in arrows) {
      panes.forEach((pane) => {
        pane.view.panBy(...arrows[event.key], false);
        pane.redraw();
      });
      save();
    } else if (event.key === "+" || event.key === "=") zoom(1.6);
    else if (event.key === "-") zoom(1 / 1.6);
    else if (event.key === "0") home();
    else if (event.key === "/") $("search").focus();
    else if (event.key === "Escape") choose(0, null);
    else return;
    event.preventDefault();
  }

  function listen() {
    addEventListener("keydown", key);
    addEventListener("resize", fit);
    addEventListener("hashchange", restore);
    w2v.colours.dark.addEventListener("change", paint);
    $("colour").addEventListener("change", () => {
      paint();
      save();
    });
    $("documents").addEventListener("change", (event) => showDocuments(event.target.checked));
    $("nearer").addEventListener("click", () => zoom(1.6));
    $("farther").addEventListener("click", () => zoom(1 / 1.6));
    $("whole").addEventListener("click", home);
  }

  status("Reading the map …");
  try {
    const spaces = await Promise.all(manifest.spaces.map(read));
    panes = spaces.map((space, number) => new w2v.Pane(space, (what, selection) => {
      if (what === "select") choose(number, selection, false);
      else save();
    }));
    $("stage").append(...panes.map(({ element }) => element));
    $("stage").classList.toggle("two", panes.length > 1);
    const known = { cluster: true, frequency: true, topic: spaces.some((space) => space.ofTopics), drift: spaces.some((space) => space.drift) };
    $("colour").append(...Object.keys(known).filter((name) => known[name]).map((name) => w2v.make("option", { value: name }, name)));
    $("with-documents").hidden = !spaces.some((space) => space.documents);
    panel = new w2v.Panel(panes, choose);
    search = new w2v.Search(spaces, choose);
    new w2v.Analogies(spaces[0], panel);
    if (innerWidth >= 900) $("panel").classList.add("open");
    listen();
    paint();
    fit();
    status("");
    await Promise.all(spaces.map(readNeighbours));
    restore();
    Object.assign(w2v, { panes, ready: true });
    document.documentElement.dataset.ready = "true";
  } catch (error) {
    status(`The map cannot be shown: ${error.message}`);
    throw error;
  }
})();
