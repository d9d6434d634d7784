/* Words by what is typed: those that begin with it, then those that have it within, the most frequent first. */
"use strict";

w2v.findWords = (space, text, most) => {
  const wanted = text.trim().normalize("NFC").toLowerCase();
  if (!wanted) return [];
  space.lower ??= space.texts.map((word) => word.normalize("NFC").toLowerCase());
  const [same, begin, within] = [[], [], []];
  for (let row = 0; row < space.lower.length; row++) {
    const at = space.lower[row].indexOf(wanted);
    if (at < 0) continue;
    if (at > 0) {
      if (within.length < most) within.push(row);
    } else if (space.lower[row] === wanted) same.push(row);
    else if (begin.length < most) begin.push(row);
  }
  return [...same, ...begin, ...within].slice(0, most);
};

/* The row of a word as it is written, or else in small letters; -1 for none. */
w2v.rowOf = (space, text) => {
  space.rows ??= new Map(space.texts.map((word, row) => [word, row]).reverse());
  return space.rows.get(text) ?? space.rows.get(text.trim()) ?? space.rows.get(text.trim().toLowerCase()) ?? -1;
};

w2v.Search = class {
  constructor(spaces, choose) {
    this.spaces = spaces;
    this.choose = choose;
    this.input = document.getElementById("search");
    this.list = document.getElementById("found");
    this.found = [];
    this.active = -1;
    this.input.addEventListener("input", () => this.find());
    this.input.addEventListener("focus", () => this.input.value && this.find());
    // A click on the list comes first; and whoever is back by then goes on.
    this.input.addEventListener("blur", () => setTimeout(() => document.activeElement !== this.input && this.close(), 150));
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  find() {
    const text = this.input.value;
    this.found = this.spaces.flatMap((space, number) =>
      w2v.findWords(space, text, Math.ceil(12 / this.spaces.length)).map((row) => ({ number, row })),
    );
    this.list.replaceChildren(...this.found.map((entry, at) => this.option(entry, at)));
    if (text.trim() && !this.found.length) {
      this.list.append(w2v.make("li", { class: "soft", role: "option", "aria-disabled": "true" }, "No word has this in it"));
    }
    this.list.hidden = !text.trim();
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    this.mark(this.found.length ? 0 : -1);
  }

  option({ number, row }, at) {
    const space = this.spaces[number];
    const note = this.spaces.length > 1 ? space.name : space.counted ? w2v.whole(space.counts[row]) : "";
    const take = () => this.take(at);
    return w2v.make("li", { id: `found-${at}`, role: "option", onclick: take },
      w2v.make("bdi", {}, space.texts[row]), w2v.make("small", { class: "soft" }, note));
  }

  mark(at) {
    this.active = at;
    [...this.list.children].forEach((option, number) => option.setAttribute("aria-selected", String(number === at)));
    if (at >= 0) this.input.setAttribute("aria-activedescendant", `found-${at}`);
    else this.input.removeAttribute("aria-activedescendant");
    this.list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const count = this.found.length;
    if (event.key === "ArrowDown" && count) this.mark((this.active + 1) % count);
    else if (event.key === "ArrowUp" && count) this.mark((this.active + count - 1) % count);
    else if (event.key === "Enter" && this.active >= 0) this.take(this.active);
    else if (event.key === "Escape" && (this.input.value || !this.list.hidden)) {
      this.input.value = "";
      this.close();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  take(at) {
    const { number, row } = this.found[at];
    this.input.value = "";
    this.close();
    this.input.blur();
    this.choose(number, { kind: "word", row });
  }

  close() {
    this.list.hidden = true;
    this.found = [];
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
};
