/* What is known of what was chosen. Words are put into the page as text. */
"use strict";

w2v.Panel = class {
  constructor(panes, choose) {
    this.panes = panes;
    this.choose = choose;
    this.element = document.getElementById("panel");
    this.section = document.getElementById("selected");
    this.button = document.getElementById("about");
    this.button.addEventListener("click", () => this.open(!this.element.classList.contains("open")));
    this.introduce();
  }

  open(is) {
    if (is === this.element.classList.contains("open")) return;
    this.element.classList.toggle("open", is);
    this.button.setAttribute("aria-expanded", String(is));
    this.button.textContent = is ? "Map" : "Details";
    dispatchEvent(new Event("resize"));
  }

  introduce() {
    const { make, whole } = w2v;
    const lines = this.panes.map(({ space }) => {
      const how = space.method === "umap" ? "laid out by UMAP on exact neighbours" : "laid out by principal components";
      const rest = space.words - space.laidOut;
      const placed = rest ? `, ${whole(rest)} more placed between the words nearest to them` : "";
      const all = space.laidOut === space.total;
      const which = all ? `all ${whole(space.total)} words` : `the ${whole(space.laidOut)} most frequent of ${whole(space.total)} words`;
      return make("p", {}, make("bdi", { class: "strong" }, space.name), `: ${which} ${how}${placed}.`);
    });
    const { space } = this.panes[0];
    const some = space.regions[0].names.slice(0, 10).map((row) => this.wordButton(0, row));
    const keys = make("p", { class: "soft keys" }, "Keys: / find, arrows move, + − zoom, 0 whole map, Esc back.");
    const topics = (space.topics ?? []).map((topic, row) => {
      const choose = () => this.choose(0, { kind: "topic", row });
      return make("li", {}, make("button", { type: "button", class: "word", onclick: choose }, make("bdi", {}, topic.title)),
        make("small", { class: "soft" }, `${whole(topic.size)}`));
    });
    const list = topics.length ? [make("h2", {}, "Topics"), make("ol", { class: "near topics" }, ...topics)] : [];
    document.getElementById("intro").replaceChildren(...lines, make("p", { class: "chips" }, ...some), keys, ...list);
  }

  wordButton(number, row) {
    const { space } = this.panes[number];
    const choose = () => this.choose(number, { kind: "word", row });
    return w2v.make("button", { type: "button", class: "word", onclick: choose }, w2v.make("bdi", {}, space.texts[row]));
  }

  nearItem(number, row, cosine) {
    const bar = w2v.make("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `${Math.round(100 * Math.max(cosine, 0))}%`;
    const value = w2v.make("span", { class: "value" }, cosine.toFixed(3));
    return w2v.make("li", { "data-row": row }, this.wordButton(number, row), value, bar);
  }

  show() {
    const chosen = this.panes.map((pane) => pane.selection);
    const some = chosen.some(Boolean);
    this.section.hidden = !some;
    document.getElementById("intro").hidden = some;
    const parts = this.panes.map((pane, number) => (chosen[number] ? this.describe(pane, number) : this.missing(pane)));
    this.section.replaceChildren(...(some ? parts.flat() : []));
    if (some) this.section.prepend(w2v.make("button", {
      type: "button", class: "close", "aria-label": "Clear the selection", onclick: () => this.choose(0, null),
    }, "×"));
  }

  missing({ space }) {
    return [w2v.make("p", { class: "soft" }, "No word of ", w2v.make("bdi", {}, space.name), " stands for it.")];
  }

  describe(pane, number) {
    const { make } = w2v;
    const title = make("h2", { class: "chosen" }, make("bdi", {}, pane.textOf(pane.selection)));
    const near = pane.nearOf(pane.selection).map(([row, cosine]) => this.nearItem(number, row, cosine));
    const label = `Words nearest to ${pane.textOf(pane.selection)}`;
    const list = near.length ? [make("ol", { class: "near", "aria-label": label }, ...near)] : [];
    return [title, make("p", { class: "soft" }, this.facts(pane)), ...list];
  }

  facts({ space, selection: { kind, row } }) {
    const { whole } = w2v;
    const several = this.panes.length > 1 ? [space.name] : [];
    if (kind === "document") {
      const topic = space.documents.topics[row];
      return ["document", ...(topic < 0 ? [] : [`topic: ${space.topics[topic].title}`])].join(" · ");
    }
    if (kind === "topic") {
      const topic = space.topics[row];
      return `topic ${topic.id} · ${whole(topic.size)} documents · ${topic.words.join(", ")}`;
    }
    const region = space.texts[space.regions[1].names[space.labels[1][row]]];
    const facts = [...several, `rank ${whole(row + 1)}`];
    if (space.counted) facts.push(`${whole(space.counts[row])} times`);
    facts.push(`around “${region}”`);
    if (space.ofTopics && space.ofTopics[row] >= 0) facts.push(`topic: ${space.topics[space.ofTopics[row]].title}`);
    if (space.drift && !Number.isNaN(space.drift[row])) facts.push(`moved by ${space.drift[row].toFixed(3)}`);
    return facts.join(" · ");
  }
};
