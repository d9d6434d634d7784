/* What the page knows, and arrays that are loaded when they are needed. */
"use strict";

const w2v = (() => {
  const manifest = JSON.parse(document.getElementById("manifest").textContent);
  const kinds = { Float32Array, Float64Array, Int16Array, Int32Array, Uint8Array };
  const asked = new Map();

  function decode(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
    return bytes;
  }

  function join(name, parts) {
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return new kinds[manifest.arrays[name].type](bytes.buffer);
  }

  /* Scripts of data call this: browsers run scripts that lie beside a page on a disk, and read no other files there. */
  function put(name, part, text) {
    const entry = asked.get(name);
    entry.parts[part] = decode(text);
    if (--entry.left === 0) entry.resolve(join(name, entry.parts));
  }

  function load(name) {
    if (asked.has(name)) return asked.get(name).promise;
    const count = manifest.arrays[name].parts;
    const entry = { parts: new Array(count), left: count };
    entry.promise = new Promise((resolve, reject) => {
      entry.resolve = resolve;
      for (let part = 0; part < count; part++) {
        const script = document.createElement("script");
        script.src = `data/${name}-${part}.js`;
        script.onerror = () => {
          asked.delete(name);
          reject(new Error(`data/${name}-${part}.js cannot be loaded`));
        };
        document.head.append(script);
      }
    });
    asked.set(name, entry);
    return entry.promise;
  }

  const has = (name) => name in manifest.arrays;
  const loadJson = async (name) => JSON.parse(new TextDecoder().decode(await load(name)));
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  /* An element with attributes and children; text stays text, whatever is in it. */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  const whole = (number) => Math.round(number).toLocaleString("en");
  return { manifest, put, load, loadJson, has, still, make, whole };
})();
