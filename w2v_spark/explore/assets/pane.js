/* One space on the screen: its points, its names, and what pointers do. */
"use strict";

w2v.Pane = class {
  constructor(space, onChange) {
    this.space = space; // what the manifest says, with its arrays
    this.onChange = onChange;
    this.view = new w2v.View(space.home);
    this.points = this.names = null;
    this.selection = null; // { kind: "word" | "document" | "topic", row }
    this.hover = -1;
    this.last = 0;
    this.frames = 0;
    this.build();
  }

  build() {
    const { make } = w2v;
    const { space } = this;
    this.pointCanvas = make("canvas", { "aria-hidden": "true" });
    this.labelCanvas = make("canvas", { "aria-hidden": "true" });
    const help = "Arrows move, plus and minus zoom, 0 shows all, slash finds a word.";
    const label = `Map of ${w2v.whole(space.words)} words of ${space.name}. ${help}`;
    this.element = make("section", { class: "pane", tabindex: "0", role: "group", "aria-label": label });
    this.element.append(this.pointCanvas, this.labelCanvas);
    if (w2v.manifest.spaces.length > 1) this.element.append(make("bdi", { class: "pane-name" }, space.name));
    this.labels = new w2v.Labels(this.labelCanvas);
    const sizes = new Float32Array(space.words);
    for (let row = 0; row < space.words; row++) sizes[row] = 2 + 7 / (1 + Math.log2(1 + row / 60));
    this.points = new w2v.Points(this.pointCanvas, space.points, sizes);
    this.grid = w2v.makeGrid(space.points);
    w2v.listen(this);
  }

  resize(inset) {
    const { clientWidth, clientHeight } = this.element;
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    for (const canvas of [this.pointCanvas, this.labelCanvas]) {
      canvas.width = Math.round(clientWidth * this.ratio);
      canvas.height = Math.round(clientHeight * this.ratio);
    }
    this.view.resize(clientWidth, clientHeight, inset);
    this.redraw();
  }

  redraw() {
    if (!this.request) this.request = requestAnimationFrame((time) => this.frame(time));
  }

  frame(time) {
    this.request = 0;
    const seconds = Math.min(Math.max((time - this.last) / 1000, 0.001), 0.05);
    this.last = time;
    this.frames++;
    const moving = this.view.step(seconds);
    const strength = this.selection ? 0.3 : 1;
    this.points.draw(this.view, this.ratio, strength, this.theme.sheet);
    const coming = this.drawNames(seconds, strength);
    if (moving || coming) this.redraw();
  }

  at(row) {
    const { points } = this.space;
    return this.view.toScreen(points[2 * row], points[2 * row + 1]);
  }

  drawNames(seconds, strength) {
    const { labels, space, view, theme } = this;
    labels.begin(view, this.ratio);
    if (this.showDocuments) this.drawDocuments(labels.context);
    this.drawSelection(labels);
    if (this.hover >= 0) labels.place("hover", space.texts[this.hover], ...this.at(this.hover), "near", theme.ink, true, 12);
    const byTopic = this.colour === "topic" && Boolean(space.topics); // of two maps one may have none
    if (byTopic) {
      space.topics.forEach((topic, row) => {
        const colour = w2v.colours.css(w2v.colours.group(row, true));
        labels.place(`t${row}`, topic.title, ...view.toScreen(...topic.place), "small", colour);
      });
    }
    const most = Math.min((view.width * view.height) / 7000, 260);
    const zoom = view.now.scale / view.homeScale;
    const skip = this.named;
    space.regions.forEach((regions, level) => {
      if (byTopic || (level === 0 && zoom > 9) || (level === 1 && zoom < 0.9)) return;
      regions.names.forEach((row, number) => {
        if (skip.has(row) || labels.placed.length > most) return;
        const own = level === 0 ? number : space.labels[0][row];
        const tint = this.colour === "cluster" ? w2v.colours.css(w2v.colours.group(own, true)) : theme.ink;
        if (labels.place(row, space.texts[row], ...this.at(row), level ? "small" : "large", tint)) skip.add(row);
      });
    });
    if (zoom > 1.15) {
      const { points } = space;
      const [left, top] = view.toPlane(-60, -60);
      const [right, bottom] = view.toPlane(view.width + 60, view.height + 60);
      for (let row = 0; row < space.words && labels.placed.length < most; row++) {
        const x = points[2 * row];
        const y = points[2 * row + 1];
        if (x < left || x > right || y < bottom || y > top || skip.has(row)) continue;
        labels.place(row, space.texts[row], ...view.toScreen(x, y), "word", theme.ink, false, 9);
      }
    }
    return labels.end(seconds, theme.paper, Math.max(strength, 0.38));
  }

  /* What was chosen, lines to what is near it, and their names; sets which words have a name already. */
  drawSelection(labels) {
    const { space, theme } = this;
    this.named = new Set();
    const chosen = this.selection;
    if (!chosen) return;
    const [x, y] = this.placeOf(chosen);
    const { context } = labels;
    const near = this.nearOf(chosen);
    context.lineWidth = 1.5;
    context.strokeStyle = theme.line;
    for (const [row, cosine] of near) {
      context.globalAlpha = 0.2 + 0.7 * Math.max(cosine, 0);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(...this.at(row));
      context.stroke();
    }
    context.globalAlpha = 1;
    for (const [row] of near) w2v.dot(context, this.at(row), 4, theme.line, theme.paper);
    w2v.dot(context, [x, y], 7, theme.dot, theme.paper);
    labels.place("chosen", this.textOf(chosen), x, y, "selected", theme.dot, true, 18);
    if (chosen.kind === "word") this.named.add(chosen.row);
    for (const [row] of near) {
      if (labels.place(`n${row}`, space.texts[row], ...this.at(row), "near", theme.line, false, 12)) this.named.add(row);
    }
  }

  drawDocuments(context) {
    const { documents } = this.space;
    context.globalAlpha = this.selection ? 0.35 : 0.75;
    for (let row = 0; row < documents.texts.length; row++) {
      const [x, y] = this.view.toScreen(documents.points[2 * row], documents.points[2 * row + 1]);
      const topic = documents.topics[row];
      context.fillStyle = topic < 0 ? this.theme.soft : w2v.colours.css(w2v.colours.group(topic));
      context.fillRect(x - 2.5, y - 2.5, 5, 5);
    }
    context.globalAlpha = 1;
  }

  placeOf({ kind, row }) {
    if (kind === "word") return this.at(row);
    if (kind === "topic") return this.view.toScreen(...this.space.topics[row].place);
    const { points } = this.space.documents;
    return this.view.toScreen(points[2 * row], points[2 * row + 1]);
  }

  textOf({ kind, row }) {
    if (kind === "word") return this.space.texts[row];
    return kind === "topic" ? this.space.topics[row].title : this.space.documents.texts[row];
  }

  /* The rows of the nearest words, with cosines. */
  nearOf({ kind, row }) {
    if (kind === "topic") return [];
    const { neighbours, cosines } = kind === "word" ? this.space : this.space.documents;
    if (!neighbours) return [];
    const count = kind === "word" ? this.space.near : this.space.documents.near;
    const found = [];
    for (let at = row * count; at < (row + 1) * count; at++)
      if (neighbours[at] >= 0) found.push([neighbours[at], cosines[at] / 32767]);
    return found;
  }

  /* Fly to what was chosen so that it and what is near it can be seen. */
  reveal() {
    const inverse = (screen) => this.view.toPlane(...screen);
    const middle = inverse(this.placeOf(this.selection));
    const near = this.nearOf(this.selection).map(([row]) => inverse(this.at(row)));
    const far = near.map(([x, y]) => Math.hypot(x - middle[0], y - middle[1])).sort((one, other) => one - other);
    const reach = far.length ? far[Math.floor(far.length * 0.7)] : Infinity; // what has none is shown with what is around
    const free = this.view.free;
    const wanted = (0.4 * Math.min(free.width, free.height)) / Math.max(reach, 1e-4);
    const low = this.view.homeScale;
    this.view.center(...middle, Math.min(Math.max(wanted, 2.5 * low), 16 * low));
    this.redraw();
  }
};

w2v.dot = (context, [x, y], radius, fill, edge) => {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = edge;
  context.stroke();
};
