/* Colours of the theme, of regions and of scales: by lightness and hue as eyes see them (OKLCH, Ottosson 2020). */
"use strict";

w2v.colours = (() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function fromOklch(lightness, chroma, degrees) {
    const a = chroma * Math.cos((degrees * Math.PI) / 180);
    const b = chroma * Math.sin((degrees * Math.PI) / 180);
    const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
    const linear = [
      4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
      -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
      -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
    ];
    return linear.map((value) => {
      const bounded = Math.min(Math.max(value, 0), 1);
      return Math.round(255 * (bounded <= 0.0031308 ? 12.92 * bounded : 1.055 * bounded ** (1 / 2.4) - 0.055));
    });
  }

  /* Neighbouring numbers have hues far apart. */
  function group(number, text = false) {
    if (number < 0) return dark.matches ? [104, 112, 122] : [168, 176, 186];
    const step = (number % 3) * 0.05;
    const lightness = dark.matches ? 0.72 + step : text ? 0.44 + step / 2 : 0.6 + step;
    return fromOklch(lightness, text ? 0.12 : 0.145, (number * 137.508 + 25) % 360);
  }

  /* 0 is little, 1 is much, NaN is not known. */
  function ramp(share) {
    if (Number.isNaN(share)) return group(-1);
    const t = Math.min(Math.max(share, 0), 1);
    return dark.matches
      ? fromOklch(0.42 + 0.48 * t, 0.09 + 0.05 * t, 285 - 205 * t)
      : fromOklch(0.8 - 0.36 * t, 0.09 + 0.08 * t, 95 + 200 * t);
  }

  const css = (rgb, alpha = 1) => `rgb(${rgb[0]} ${rgb[1]} ${rgb[2]} / ${alpha})`;

  function theme() {
    const style = getComputedStyle(document.documentElement);
    const text = style.getPropertyValue("--paper").trim();
    const sheet = [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)); // six digits, as the style has it
    const names = ["paper", "card", "ink", "soft", "rule", "line", "dot"];
    return { sheet, ...Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) };
  }

  return { group, ramp, css, theme, dark };
})();
