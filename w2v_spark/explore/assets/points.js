/* Points on a canvas: by WebGL 2, or drawn one by one where there is none. */
"use strict";

w2v.Points = class {
  constructor(canvas, places, sizes) {
    this.canvas = canvas;
    this.places = new Float32Array(new BigUint64Array(places.slice().buffer).reverse().buffer); // rare words lie below
    this.sizes = sizes.slice().reverse();
    this.count = sizes.length;
    this.colours = new Uint8Array(4 * this.count);
    this.gl = canvas.getContext("webgl2", { antialias: false, alpha: false });
    if (this.gl) this.prepare();
    else this.context = canvas.getContext("2d");
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.prepare();
      this.fill();
    });
  }

  prepare() {
    const { gl } = this;
    const vertex = `#version 300 es
      in vec2 place; in vec4 colour; in float size;
      uniform vec2 centre; uniform vec2 scale; uniform float zoom; out vec4 shade;
      void main() {
        gl_Position = vec4((place - centre) * scale, 0.0, 1.0);
        gl_PointSize = size * zoom; shade = colour;
      }`;
    const fragment = `#version 300 es
      precision mediump float; in vec4 shade; out vec4 pixel; uniform float strength;
      void main() {
        float off = 2.0 * length(gl_PointCoord - 0.5);
        float alpha = strength * shade.a * (1.0 - smoothstep(0.6, 1.0, off));
        if (alpha < 0.01) discard;
        pixel = vec4(shade.rgb * alpha, alpha);
      }`;
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    const bind = (name, data, size, type, normalised) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
      const location = gl.getAttribLocation(program, name);
      gl.enableVertexAttribArray(location);
      gl.vertexAttribPointer(location, size, type, normalised, 0, 0);
      return buffer;
    };
    bind("place", this.places, 2, gl.FLOAT, false);
    bind("size", this.sizes, 1, gl.FLOAT, false);
    this.buffer = bind("colour", this.colours, 4, gl.UNSIGNED_BYTE, true);
    this.uniforms = Object.fromEntries(
      ["centre", "scale", "zoom", "strength"].map((name) => [name, gl.getUniformLocation(program, name)]),
    );
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  /* Four bytes a row, in the order that places were given in. */
  setColours(colours) {
    this.colours = new Uint8Array(new Uint32Array(colours.slice().buffer).reverse().buffer);
    this.fill();
  }

  fill() {
    if (!this.gl) return;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffer);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, this.colours, this.gl.STATIC_DRAW);
  }

  draw(view, ratio, strength, paper) {
    const { gl } = this;
    const { now } = view;
    const zoom = Math.min(Math.max((now.scale / view.homeScale) ** 0.32, 0.8), 4.5);
    if (!gl) return this.drawOneByOne(view, ratio, strength, zoom, paper);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(...paper.map((part) => part / 255), 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(this.uniforms.centre, now.x, now.y);
    gl.uniform2f(this.uniforms.scale, (2 * now.scale) / view.width, (2 * now.scale) / view.height);
    gl.uniform1f(this.uniforms.zoom, zoom * ratio);
    gl.uniform1f(this.uniforms.strength, strength);
    gl.drawArrays(gl.POINTS, 0, this.count);
  }

  drawOneByOne(view, ratio, strength, zoom, paper) {
    const { context, places, sizes, colours } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = w2v.colours.css(paper);
    context.fillRect(0, 0, view.width, view.height);
    for (let row = 0; row < this.count; row++) {
      const [x, y] = view.toScreen(places[2 * row], places[2 * row + 1]);
      if (x < -9 || y < -9 || x > view.width + 9 || y > view.height + 9) continue;
      const size = sizes[row] * zoom * 0.8;
      context.fillStyle = w2v.colours.css(colours.subarray(4 * row), (strength * colours[4 * row + 3]) / 255);
      context.fillRect(x - size / 2, y - size / 2, size, size);
    }
  }
};
