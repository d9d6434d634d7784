/* Names on a map: the most important first, as many as fit, and none over another. */
"use strict";

w2v.Labels = class {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.widths = new Map();
    this.shown = new Map(); // how visible each is, for those that come
    this.cell = 8;
  }

  /* Fonts of kinds of names, and the room in pixels that each takes above and below its middle. */
  static kinds = {
    selected: { font: "700 16px", half: 11 },
    near: { font: "600 13px", half: 9 },
    large: { font: "650 16px", half: 13 },
    small: { font: "600 13px", half: 11 },
    word: { font: "400 12px", half: 9 },
  };

  begin(view, ratio) {
    this.view = view;
    this.columns = Math.ceil(view.width / this.cell) + 1;
    this.lines = Math.ceil(view.height / this.cell) + 1;
    this.taken = new Uint8Array(this.columns * this.lines);
    this.placed = [];
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, view.width, view.height);
  }

  width(text, font) {
    const key = `${font} ${text}`;
    let width = this.widths.get(key);
    if (width === undefined) {
      this.context.font = `${font} ${w2v.font}`;
      width = this.context.measureText(text).width;
      if (this.widths.size > 20000) this.widths.clear();
      this.widths.set(key, width);
    }
    return width;
  }

  /* Try to put a name at a point of the screen; whether there was room, or `force` was given. */
  place(key, text, x, y, kind, colour, force = false, lift = 0) {
    const { font, half } = w2v.Labels.kinds[kind];
    const margin = 60;
    if (x < -margin || y < -margin || x > this.view.width + margin || y > this.view.height + margin) return false;
    const cut = text.length > 32 ? `${[...text].slice(0, 31).join("")}…` : text;
    const reach = this.width(cut, font) / 2 + 5;
    const middle = y - lift;
    if (x >= 0 && x <= this.view.width) x = Math.min(Math.max(x, reach), this.view.width - reach);
    const left = Math.max(Math.floor((x - reach) / this.cell), 0);
    const right = Math.min(Math.floor((x + reach) / this.cell), this.columns - 1);
    const top = Math.max(Math.floor((middle - half) / this.cell), 0);
    const bottom = Math.min(Math.floor((middle + half) / this.cell), this.lines - 1);
    for (let line = top; !force && line <= bottom; line++)
      for (let column = left; column <= right; column++) if (this.taken[line * this.columns + column]) return false;
    for (let line = top; line <= bottom; line++)
      this.taken.fill(1, line * this.columns + left, line * this.columns + right + 1);
    this.placed.push({ key, text: cut, x, y: middle, font, colour });
    return true;
  }

  /* Draw what was placed; whether some are still coming up. */
  end(seconds, paper, strength) {
    const { context } = this;
    const before = this.shown;
    this.shown = new Map();
    let coming = false;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 3.5;
    context.strokeStyle = paper;
    for (const { key, text, x, y, font, colour } of this.placed.reverse()) {
      const alpha = w2v.still.matches ? 1 : Math.min((before.get(key) ?? 0) + seconds * 6, 1);
      this.shown.set(key, alpha);
      coming ||= alpha < 1;
      context.globalAlpha = alpha * (typeof key === "string" ? 1 : strength);
      context.font = `${font} ${w2v.font}`;
      context.strokeText(text, x, y);
      context.fillStyle = colour;
      context.fillText(text, x, y);
    }
    context.globalAlpha = 1;
    return coming;
  }
};

w2v.font = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
