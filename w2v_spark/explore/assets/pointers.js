/* Mouse, pen and fingers on a pane, and which point is under them. */
"use strict";

/* Rows of points by squares of a grid, so that the nearest one is found without a look at all. */
w2v.makeGrid = (places) => {
  const count = places.length / 2;
  const side = Math.max(1, Math.min(512, Math.ceil(Math.sqrt(count / 2))));
  let [left, bottom, right, top] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let row = 0; row < count; row++) {
    left = Math.min(left, places[2 * row]);
    right = Math.max(right, places[2 * row]);
    bottom = Math.min(bottom, places[2 * row + 1]);
    top = Math.max(top, places[2 * row + 1]);
  }
  const column = (x) => Math.min(Math.max(Math.floor(((x - left) / (right - left || 1)) * side), 0), side - 1);
  const line = (y) => Math.min(Math.max(Math.floor(((y - bottom) / (top - bottom || 1)) * side), 0), side - 1);
  const cells = new Map();
  for (let row = 0; row < count; row++) {
    const cell = line(places[2 * row + 1]) * side + column(places[2 * row]);
    if (!cells.has(cell)) cells.set(cell, []);
    cells.get(cell).push(row);
  }
  return (x, y, reach) => {
    let [best, least] = [-1, reach];
    for (let at = line(y - reach); at <= line(y + reach); at++) {
      for (let across = column(x - reach); across <= column(x + reach); across++) {
        for (const row of cells.get(at * side + across) ?? []) {
          const far = Math.hypot(places[2 * row] - x, places[2 * row + 1] - y);
          if (far < least) [best, least] = [row, far];
        }
      }
    }
    return best;
  };
};

w2v.listen = (pane) => {
  const { element, view } = pane;
  const down = new Map();
  let moved = 0;

  const local = (event) => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const under = (point, pixels) => pane.grid(...view.toPlane(...point), pixels / view.now.scale);
  const changed = () => {
    pane.redraw();
    pane.onChange("view");
  };

  const documentUnder = (point) => {
    if (!pane.showDocuments) return -1;
    pane.documentGrid ??= w2v.makeGrid(pane.space.documents.points);
    return pane.documentGrid(...view.toPlane(...point), 7 / view.now.scale);
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    element.setPointerCapture(event.pointerId);
    down.set(event.pointerId, local(event));
    moved = down.size > 1 ? Infinity : 0;
  });
  element.addEventListener("pointermove", (event) => {
    const point = local(event);
    const before = down.get(event.pointerId);
    if (!before) {
      const row = event.pointerType === "mouse" ? under(point, 9) : -1;
      element.classList.toggle("over", row >= 0);
      if (row !== pane.hover) {
        pane.hover = row;
        pane.redraw();
      }
      return;
    }
    const [dx, dy] = [point[0] - before[0], point[1] - before[1]];
    moved += Math.hypot(dx, dy);
    if (down.size === 2) {
      const other = [...down].find(([id]) => id !== event.pointerId)[1];
      const length = (from) => Math.hypot(from[0] - other[0], from[1] - other[1]) || 1;
      view.zoomAt((point[0] + other[0]) / 2, (point[1] + other[1]) / 2, length(point) / length(before), true);
      view.panBy(dx / 2, dy / 2);
    } else if (moved > 4) view.panBy(dx, dy);
    down.set(event.pointerId, point);
    changed();
  });
  const up = (event) => {
    const was = down.delete(event.pointerId);
    if (!was || moved > 4 || event.type !== "pointerup") return;
    const document = documentUnder(local(event));
    const row = under(local(event), event.pointerType === "mouse" ? 12 : 24);
    if (document >= 0) pane.onChange("select", { kind: "document", row: document });
    else pane.onChange("select", row < 0 ? null : { kind: "word", row });
  };
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);
  element.addEventListener("pointerleave", () => {
    pane.hover = -1;
    pane.redraw();
  });
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 30 : 1;
    view.zoomAt(...local(event), Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * 0.0022));
    changed();
  }, { passive: false });
  element.addEventListener("dblclick", (event) => {
    view.zoomAt(...local(event), 2);
    changed();
  });
};
