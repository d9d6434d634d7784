/* The part of the plane that a pane shows, and how it moves. Sizes are CSS pixels; y points up in the plane. */
"use strict";

w2v.View = class {
  constructor(home) {
    this.home = home;
    this.width = this.height = 1;
    this.inset = { left: 0, top: 0, right: 0, bottom: 0 };
    this.now = { x: 0, y: 0, scale: 1 };
    this.goal = { ...this.now };
    this.isHome = true;
  }

  resize(width, height, inset) {
    this.width = width;
    this.height = height;
    this.inset = inset;
    if (this.isHome) this.goHome(true);
  }

  get homeScale() {
    const [left, bottom, right, top] = this.home;
    const free = this.free;
    return 0.88 * Math.min(free.width / (right - left || 1), free.height / (top - bottom || 1));
  }

  /* What no card covers. */
  get free() {
    const { left, top, right, bottom } = this.inset;
    const width = Math.max(this.width - left - right, 80);
    const height = Math.max(this.height - top - bottom, 80);
    return { width, height, x: left + width / 2, y: top + height / 2 };
  }

  goHome(atOnce = false) {
    const [left, bottom, right, top] = this.home;
    this.center((left + right) / 2, (bottom + top) / 2, this.homeScale, atOnce);
    this.isHome = true;
  }

  /* Bring a place into the middle of what is free. */
  center(x, y, scale = this.goal.scale, atOnce = false) {
    const free = this.free;
    this.goal = {
      scale,
      x: x - (free.x - this.width / 2) / scale,
      y: y + (free.y - this.height / 2) / scale,
    };
    this.isHome = false;
    if (atOnce || w2v.still.matches) this.now = { ...this.goal };
  }

  panBy(dx, dy, atOnce = true) {
    this.goal.x -= dx / this.goal.scale;
    this.goal.y += dy / this.goal.scale;
    this.isHome = false;
    if (atOnce || w2v.still.matches) this.now = { ...this.goal };
  }

  zoomAt(px, py, factor, atOnce = false) {
    const low = 0.4 * this.homeScale;
    const scale = Math.min(Math.max(this.goal.scale * factor, low), 2000 * low);
    const dx = px - this.width / 2;
    const dy = py - this.height / 2;
    this.goal.x += dx / this.goal.scale - dx / scale;
    this.goal.y -= dy / this.goal.scale - dy / scale;
    this.goal.scale = scale;
    this.isHome = false;
    if (atOnce || w2v.still.matches) this.now = { ...this.goal };
  }

  /* Move on; whether there is more to move. */
  step(seconds) {
    const { now, goal } = this;
    const share = 1 - Math.exp(-seconds * 11);
    const near = Math.abs(Math.log(goal.scale / now.scale)) < 1e-3;
    if (near && Math.hypot(goal.x - now.x, goal.y - now.y) * now.scale < 0.3) {
      this.now = { ...goal };
      return false;
    }
    now.scale *= (goal.scale / now.scale) ** share;
    now.x += (goal.x - now.x) * share;
    now.y += (goal.y - now.y) * share;
    return true;
  }

  toScreen(x, y) {
    const { now } = this;
    return [this.width / 2 + (x - now.x) * now.scale, this.height / 2 - (y - now.y) * now.scale];
  }

  toPlane(px, py) {
    const { now } = this;
    return [now.x + (px - this.width / 2) / now.scale, now.y - (py - this.height / 2) / now.scale];
  }

  /* For links: in units of what the home view shows, so that another screen shows the same. */
  toText() {
    const { goal } = this;
    const [x, y] = [goal.x + (this.free.x - this.width / 2) / goal.scale, goal.y - (this.free.y - this.height / 2) / goal.scale];
    return [x.toFixed(4), y.toFixed(4), (goal.scale / this.homeScale).toPrecision(4)].join(",");
  }

  fromText(text) {
    const [x, y, zoom] = text.split(",").map(Number);
    if (![x, y, zoom].every(Number.isFinite) || zoom <= 0) return false;
    this.center(x, y, Math.min(Math.max(zoom, 0.4), 800) * this.homeScale, true);
    return true;
  }
};
