/* The words nearest to a sum of words: vectors of 16-bit integers, each row with a factor that gives it length 1. */
"use strict";

w2v.sumOf = async (space, plus, minus, most = 10) => {
  const [steps, factors] = await Promise.all([w2v.load(`${space.key}-vectors`), w2v.load(`${space.key}-factors`)]);
  const { dim } = space;
  const query = new Float64Array(dim);
  const add = (row, weight) => {
    for (let at = 0; at < dim; at++) query[at] += weight * factors[row] * steps[row * dim + at];
  };
  plus.forEach((row) => add(row, 1));
  minus.forEach((row) => add(row, -1));
  const length = Math.hypot(...query) || 1;
  const asked = new Set([...plus, ...minus]);
  const best = [];
  for (let row = 0; row < factors.length; row++) {
    let sum = 0;
    for (let at = row * dim, of = 0; of < dim; at++, of++) sum += steps[at] * query[of];
    const cosine = (sum * factors[row]) / length;
    if (asked.has(row) || (best.length === most && cosine <= best[most - 1][1])) continue;
    let place = best.length;
    while (place > 0 && best[place - 1][1] < cosine) place--;
    best.splice(place, 0, [row, cosine]);
    if (best.length > most) best.pop();
  }
  return best;
};

w2v.Analogies = class {
  constructor(space, panel) {
    this.space = space;
    this.panel = panel;
    this.form = document.getElementById("ask");
    this.status = document.getElementById("answer-status");
    this.list = document.getElementById("answers");
    this.hints = document.getElementById("words");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.answer();
    });
    this.form.addEventListener("input", (event) => {
      const found = w2v.findWords(this.space, event.target.value, 8);
      this.hints.replaceChildren(...found.map((row) => w2v.make("option", { value: this.space.texts[row] })));
    });
  }

  async answer() {
    const [plus, minus, other] = ["plus", "minus", "other"].map((name) => this.form.elements[name].value);
    const rows = [plus, minus, other].map((text) => (text.trim() ? w2v.rowOf(this.space, text) : -2));
    const unknown = [plus, minus, other].filter((_, at) => rows[at] === -1 || rows[at] >= this.space.laidOut);
    this.list.replaceChildren();
    if (unknown.length) return this.say(`Not among the ${w2v.whole(this.space.laidOut)} most frequent words: ${unknown.join(", ")}`);
    if (rows[0] < 0 && rows[2] < 0) return this.say("Give at least a word to begin with.");
    this.say("Reading vectors …");
    try {
      const given = [rows[0], rows[2]].filter((row) => row >= 0);
      const best = await w2v.sumOf(this.space, given, rows[1] >= 0 ? [rows[1]] : []);
      this.list.replaceChildren(...best.map(([row, cosine]) => this.panel.nearItem(0, row, cosine)));
      this.say(`Nearest of the ${w2v.whole(this.space.laidOut)} most frequent words, by cosine.`);
    } catch (error) {
      this.say(error.message);
    }
  }

  say(text) {
    this.status.textContent = text;
  }
};
