'use strict';

/** Boxes over a picture, on the screen as SVG and in a file by canvas. Boxes are [left, top, width, height] in pixels of the picture. */
const Overlay = (() => {
  const SVG = 'http://www.w3.org/2000/svg';
  // Okabe and Ito's colours, then lighter and darker, as in the pictures that the program draws.
  const BASE = [[230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [0, 114, 178], [213, 94, 0], [204, 121, 167], [187, 187, 187]];

  function mix(from, to, share) {
    return from.map((v, i) => Math.round(v + share * (to[i] - v)));
  }

  function rgb(index) {
    const place = index % (3 * BASE.length);
    const base = BASE[place % BASE.length];
    return [base, mix(base, [255, 255, 255], 0.45), mix(base, [0, 0, 0], 0.4)][Math.floor(place / BASE.length)];
  }

  function color(index) {
    return `rgb(${rgb(index).join(',')})`;
  }

  /** Black or white, whichever stands out more (WCAG's luminance). */
  function textOn(index) {
    const [r, g, b] = rgb(index).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff';
  }

  function label(object) {
    return `${object.category_name} ${Math.round(100 * object.score)}%`;
  }

  function overlaps(a, b) {
    return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
  }

  /**
   * Where each label goes, the first objects first: above its box, within it at the top, below it or beside it, where no other label
   * is in the way. `crowded` where all these places are taken: such a label shows only when its object is chosen.
   */
  function placeLabels(objects, size, width, height, measure) {
    const taken = [];
    return objects.map((object) => {
      const [left, top, boxWidth, boxHeight] = object.bbox;
      const w = measure(label(object)) + 0.8 * size;
      const h = 1.4 * size;
      const at = (x, y) => ({x: Math.max(0, Math.min(x, width - w)), y: Math.max(0, Math.min(y, height - h)), width: w, height: h});
      const places = [at(left, top - h), at(left, top), at(left, top + boxHeight), at(left + boxWidth, top), at(left - w, top),
        at(left + boxWidth - w, top - h), at(left, top - 2 * h), at(left, top + boxHeight + h)];
      const free = places.find((place) => !taken.some((other) => overlaps(place, other)));
      if (free) {
        taken.push(free);
      }
      return free || {...places[0], crowded: true};
    });
  }

  const pen = document.createElement('canvas').getContext('2d');

  function measureAt(size) {
    return (text) => {
      pen.font = `600 ${size}px system-ui, sans-serif`;
      return pen.measureText(text).width;
    };
  }

  function element(name, attributes, parent) {
    const made = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    parent.append(made);
    return made;
  }

  /** @param shownWidth pixels of the screen that the picture takes, for letters of one size on the screen */
  function show(svg, objects, width, height, shownWidth) {
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.replaceChildren();
    const size = 13 * width / Math.max(1, shownWidth);
    const places = placeLabels(objects, size, width, height, measureAt(size));
    for (let i = objects.length - 1; i >= 0; i--) { // the best lie on top
      const object = objects[i];
      const [x, y, w, h] = object.bbox;
      const p = places[i];
      const group = element('g', {'data-index': object.index, ...(p.crowded && {class: 'crowded'})}, svg);
      element('rect', {class: 'halo', x, y, width: w, height: h}, group);
      element('rect', {class: 'box', x, y, width: w, height: h, stroke: color(object.color)}, group);
      element('rect', {class: 'label', x: p.x, y: p.y, width: p.width, height: p.height, rx: 0.25 * size, fill: color(object.color)}, group);
      element('text', {x: p.x + 0.4 * size, y: p.y + 1.05 * size, 'font-size': size, fill: textOn(object.color)}, group).textContent = label(object);
    }
  }

  /** The picture at its own size with what is shown; a canvas. */
  function paint(picture, objects, width, height) {
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const g = canvas.getContext('2d');
    if (picture) {
      g.drawImage(picture, 0, 0, width, height);
    }
    const line = Math.max(2, Math.round(Math.sqrt(width * height) / 300));
    const size = Math.max(12, Math.sqrt(width * height) / 45);
    const places = placeLabels(objects, size, width, height, measureAt(size));
    for (let i = objects.length - 1; i >= 0; i--) {
      const object = objects[i];
      g.strokeStyle = '#0007';
      g.lineWidth = line + 2;
      g.strokeRect(...object.bbox);
      g.strokeStyle = color(object.color);
      g.lineWidth = line;
      g.strokeRect(...object.bbox);
      const p = places[i];
      if (p.crowded) {
        continue;
      }
      g.fillStyle = color(object.color);
      g.fillRect(p.x, p.y, p.width, p.height);
      g.fillStyle = textOn(object.color);
      g.font = `600 ${size}px system-ui, sans-serif`;
      g.fillText(label(object), p.x + 0.4 * size, p.y + 1.05 * size);
    }
    return canvas;
  }

  return {color, show, paint};
})();
